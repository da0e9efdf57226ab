private import CLinux
private import Glibc

/// Who is given the connections that a listener accepts.
package protocol ListenerHandler: AnyObject {
    /// A client has connected. The handler sets `connection.handler`, or closes the connection.
    func accepted(_ connection: Connection)

    /// Accepting failed for want of descriptors or memory; the listener goes on after a pause.
    func acceptPaused(_ error: SystemError)
}

/// A loop's share in a listening socket.
///
/// Each event accepts a few connections only, so that a burst is spread over the loops, which wait with EPOLLEXCLUSIVE.
/// When descriptors run out (EMFILE and the like), the listener rests for a moment instead of spinning: the queue of
/// the kernel holds what comes meanwhile.
package final class Listener: EventSource {
    /// The socket that all loops share.
    package let socket: ListeningSocket
    private var handler: (any ListenerHandler)?
    private var isRegistered = false
    private lazy var restTimer = LoopTimer(handler: self)

    /// Connections accepted at one event.
    private static let batch = 8
    /// How long accepting rests after it failed for want of resources.
    private static let rest = Duration.milliseconds(100)

    /// Begins to accept.
    package init(_ socket: ListeningSocket, on loop: Loop, handler: any ListenerHandler) throws(SystemError) {
        self.socket = socket
        self.handler = handler
        super.init(loop: loop)
        try self.register()
    }

    /// Stops accepting, after having accepted what already waits in the queue.
    package func close() {
        guard self.handler != nil else { return }
        self.acceptWaiting(atMost: .max)
        self.handler = nil
        self.unregister()
        self.loop.cancel(self.restTimer)
    }

    /// Stops accepting for now; connections wait in the kernel's queue.
    package func pause() {
        self.unregister()
    }

    /// Accepts again.
    package func resume() {
        guard self.handler != nil else { return }
        if (try? self.register()) == nil {
            // No room in the kernel: the next attempt is as good.
            self.loop.set(self.restTimer, after: Self.rest)
        }
    }

    private func register() throws(SystemError) {
        guard !self.isRegistered else { return }
        try self.loop.register(self, descriptor: self.socket.descriptor, for: [.readable, .exclusive])
        self.isRegistered = true
    }

    private func unregister() {
        guard self.isRegistered else { return }
        self.isRegistered = false
        self.loop.unregister(self, descriptor: self.socket.descriptor, keepingOpen: true)
    }

    override func ready(_ events: Readiness) {
        self.acceptWaiting(atMost: Self.batch)
    }

    private func acceptWaiting(atMost limit: Int) {
        for _ in 0..<limit {
            var storage = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let descriptor = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe sluice_accept4(self.socket.descriptor, $0, &length)
                }
            }
            guard descriptor >= 0 else {
                if self.isFinal(lastErrorCode) { return }
                continue
            }
            let address = unsafe SocketAddress(&storage, length: length) ?? SocketAddress(host: .unix(""))
            do throws(SystemError) {
                let connection = try Connection(accepted: descriptor, from: address, on: self.loop)
                self.handler?.accepted(connection)
            } catch {
                // The connection was closed with its object.
                self.rest(error)
                return
            }
        }
    }

    /// Whether an error of `accept` ends this round of accepting.
    private func isFinal(_ code: CInt) -> Bool {
        switch code {
        case EAGAIN:
            return true
        case EMFILE, ENFILE, ENOBUFS, ENOMEM:
            self.rest(SystemError("accept", code: code))
            return true
        default:
            // EINTR, ECONNABORTED and errors of the network that belong to the connection that is no more.
            return false
        }
    }

    private func rest(_ error: SystemError) {
        self.unregister()
        self.loop.set(self.restTimer, after: Self.rest)
        self.handler?.acceptPaused(error)
    }
}

extension Listener: LoopTimerHandler {
    package func timerFired(_ timer: LoopTimer) {
        self.resume()
    }
}
