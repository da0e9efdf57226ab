private import CLinux
private import Glibc

/// How many processors this process may use.
package enum UsableProcessors {
    /// Those of the affinity mask, and no more than the quota of the control group allows, rounded up.
    package static var count: Int {
        let allowed = max(1, Int(sluice_usable_cpus()))
        guard let quota = self.quota() else { return allowed }
        return max(1, min(allowed, Int(quota.rounded(.up))))
    }

    /// `cpu.max` of the process's own control group (version 2), in processors.
    private static func quota() -> Double? {
        guard let membership = self.firstBytes(of: "/proc/self/cgroup") else { return nil }
        for line in membership.split(separator: "\n") where line.hasPrefix("0::") {
            guard let limit = self.firstBytes(of: "/sys/fs/cgroup\(line.dropFirst(3))/cpu.max") else { return nil }
            let parts = limit.split(whereSeparator: { $0 == " " || $0 == "\n" })
            guard parts.count == 2, let quota = Double(parts[0]), let period = Double(parts[1]), period > 0 else {
                return nil
            }
            return quota / period
        }
        return nil
    }

    private static func firstBytes(of path: String) -> String? {
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
