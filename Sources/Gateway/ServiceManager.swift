private import Glibc
internal import Reactor

/// The service manager that started the process, where there is one: sd_notify(3), as systemd has it.
///
/// Telling it something never fails, because nobody could do anything about it; where none listens nothing is sent.
package struct ServiceManager: Sendable {
    /// Where it listens: a path, or an abstract name with a leading NUL.
    private let address: [UInt8]?
    /// How often it wants to hear that all is well (sd_watchdog_enabled(3)); `nil` where it does not ask.
    package let watchdogInterval: Duration?

    /// How long sending may wait for a manager that is busy.
    private static let patienceSeconds = 5

    /// What the environment says.
    package init(environment: [String: String]) {
        self.address = environment["NOTIFY_SOCKET"].flatMap(Self.address)
        let isMeant = environment["WATCHDOG_PID"].map { Int32($0) == getpid() } ?? true
        let interval = environment["WATCHDOG_USEC"].flatMap { Int64($0) }.flatMap { $0 > 0 ? $0 : nil }
        self.watchdogInterval = isMeant ? interval.map { .microseconds($0) } : nil
    }

    /// `/path`, or `@name` for an abstract one. Others, such as `vsock:`, are not for services on this machine.
    private static func address(_ text: String) -> [UInt8]? {
        guard let first = text.utf8.first, first == UInt8(ascii: "/") || first == UInt8(ascii: "@"),
            (2..<108).contains(text.utf8.count)
        else { return nil }
        return first == UInt8(ascii: "@") ? [0] + text.utf8.dropFirst() : Array(text.utf8)
    }

    /// The service is up, or has finished reloading.
    package func ready(status: String) {
        self.send(["READY=1", Self.line("STATUS", status)])
    }

    /// The service is going over to another configuration. systemd 253 wants to know since when (`Type=notify-reload`).
    package func reloading(at time: MonotonicMicroseconds = .now) {
        self.send(["RELOADING=1", "MONOTONIC_USEC=\(time.value)", "STATUS=reloading"])
    }

    /// The service is ending, and may take so long for it.
    package func stopping(within duration: Duration, status: String) {
        let (seconds, attoseconds) = duration.components
        let microseconds = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
        self.send(["STOPPING=1", "EXTEND_TIMEOUT_USEC=\(microseconds)", Self.line("STATUS", status)])
    }

    /// What `systemctl status` shows.
    package func status(_ text: String) {
        self.send([Self.line("STATUS", text)])
    }

    /// The service is another process from now on.
    package func mainProcess(is processID: Int32) {
        self.send(["MAINPID=\(processID)"])
    }

    /// All is well.
    package func feedWatchdog() {
        self.send(["WATCHDOG=1"])
    }

    private static func line(_ name: String, _ value: String) -> String {
        "\(name)=\(String(value.map { $0.isNewline ? " " : $0 }))"
    }

    private func send(_ lines: [String]) {
        guard let address = self.address else { return }
        let descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var patience = timeval(tv_sec: Self.patienceSeconds, tv_usec: 0)
        unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var target = sockaddr_un()
        target.sun_family = sa_family_t(AF_UNIX)
        // SAFETY: an address has at most 107 bytes, sun_path 108, of which the last stays NUL.
        unsafe withUnsafeMutableBytes(of: &target.sun_path) { path in unsafe path.copyBytes(from: address) }
        // An abstract name is as long as the address says; a path may end where its NUL is.
        let length = socklen_t(MemoryLayout<sa_family_t>.size + address.count)
        let text = Array(lines.joined(separator: "\n").utf8)
        unsafe withUnsafePointer(to: &target) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
                _ = unsafe text.withUnsafeBytes { bytes in
                    unsafe sendto(
                        descriptor, bytes.baseAddress, bytes.count, CInt(MSG_NOSIGNAL), name, length)
                }
            }
        }
    }
}

/// A time of CLOCK_MONOTONIC, as systemd counts it.
package struct MonotonicMicroseconds: Sendable, Equatable {
    package let value: Int64

    package init(_ value: Int64) {
        self.value = value
    }

    /// The time now.
    package static var now: MonotonicMicroseconds {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return MonotonicMicroseconds(Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }
}
