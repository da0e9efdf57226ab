private import CLinux
private import Glibc

/// How much memory this process may use, and does.
package enum UsableMemory {
    /// What the control group allows, at most what the machine has.
    package static var bytes: Int {
        let machine = Int(sysconf(CInt(_SC_PHYS_PAGES))) * self.pageSize
        guard let limit = ControlGroup.setting("memory.max"), let bytes = Int(limit) else { return machine }
        return min(machine, bytes)
    }

    /// What is resident now; `nil` where the system does not tell.
    package static var resident: Int? {
        guard let text = SmallFile.text(of: "/proc/self/statm") else { return nil }
        let parts = text.split(separator: " ")
        guard parts.count > 1, let pages = Int(parts[1]) else { return nil }
        return pages * self.pageSize
    }

    /// Gives back to the system whole pages of what was freed, wherever they lie. The allocator by itself gives back
    /// only the end of its heaps.
    package static func returnFreed() {
        malloc_trim(0)
    }

    private static var pageSize: Int { Int(sysconf(CInt(_SC_PAGESIZE))) }
}

/// What the process's own control group (version 2) says.
enum ControlGroup {
    /// The text of a setting without the line's end; `nil` where there is none.
    static func setting(_ name: String) -> String? {
        guard let membership = SmallFile.text(of: "/proc/self/cgroup") else { return nil }
        for line in membership.split(separator: "\n") where line.hasPrefix("0::") {
            guard let text = SmallFile.text(of: "/sys/fs/cgroup\(line.dropFirst(3))/\(name)") else { return nil }
            return text.split(separator: "\n").first.map(String.init)
        }
        return nil
    }
}

/// Files of the kernel's, which fit into one read.
enum SmallFile {
    /// The first 4 KiB.
    static func text(of path: String) -> String? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        return unsafe withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
            let count = unsafe read(descriptor, buffer.baseAddress, buffer.count)
            guard count >= 0 else { return nil }
            return unsafe String(decoding: buffer[..<count], as: UTF8.self)
        }
    }
}
