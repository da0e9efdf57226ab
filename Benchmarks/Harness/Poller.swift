import CLinux
import Glibc

/// An epoll instance, level-triggered, whose tokens are descriptors.
final class Poller {
    private let descriptor: CInt
    private let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: 512)

    init() {
        self.descriptor = epoll_create1(0)
        if self.descriptor < 0 { fatal("epoll_create1: \(errno)") }
    }

    /// Watches for bytes to read.
    func add(_ socket: CInt) {
        self.control(EPOLL_CTL_ADD, socket, sluice_EPOLLIN)
    }

    /// Watches for room to write as well, or no more.
    func watchWriting(_ socket: CInt, _ on: Bool) {
        self.control(EPOLL_CTL_MOD, socket, on ? sluice_EPOLLIN | sluice_EPOLLOUT : sluice_EPOLLIN)
    }

    private func control(_ operation: CInt, _ socket: CInt, _ events: UInt32) {
        var event = epoll_event()
        event.events = events
        event.data.fd = socket
        if epoll_ctl(self.descriptor, operation, socket, &event) != 0 { fatal("epoll_ctl: \(errno)") }
    }

    /// Waits until `deadline` at most and tells what is ready.
    func wait(until deadline: Int, _ body: (_ socket: CInt, _ readable: Bool, _ writable: Bool) -> Void) {
        let rest = max(0, deadline - now())
        var timeout = timespec(tv_sec: rest / 1_000_000_000, tv_nsec: rest % 1_000_000_000)
        let count = epoll_pwait2(self.descriptor, self.events, 512, &timeout, nil)
        guard count > 0 else { return }
        for index in 0..<Int(count) {
            let event = self.events[index]
            let readable = event.events & (sluice_EPOLLIN | sluice_EPOLLHUP | sluice_EPOLLERR) != 0
            body(event.data.fd, readable, event.events & sluice_EPOLLOUT != 0)
        }
    }
}
