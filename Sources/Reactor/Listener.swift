private import CLinux
private import Glibc
internal import Time

/// Who is given the connections that a listener accepts.
package protocol ListenerHandler: AnyObject {
    /// A client has connected. The handler sets `connection.handler`, or closes the connection.
    func accepted(_ connection: Connection)

    /// Accepting failed for want of descriptors or memory; the listener goes on after a pause. It is news where the
    /// last time was more than a minute ago: while they are used up, this is called ten times a second.
    func acceptPaused(_ error: SystemError, isNews: Bool)
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
    private var isPaused = false
    private lazy var restTimer = LoopTimer(handler: self)
    private var failures = NewsGate()

    /// Connections accepted at one event.
    private static let batch = 8
    /// Connections accepted when the listener closes: more than any queue holds, so that a flood can not keep it open.
    private static let lastBatch = 65_536
    /// How long accepting rests after it failed for want of resources.
    private static let rest = Duration.milliseconds(100)

    /// Begins to accept.
    package init(_ socket: ListeningSocket, on loop: Loop, handler: any ListenerHandler) throws(SystemError) {
        self.socket = socket
        self.handler = handler
        super.init(loop: loop)
        try self.register()
    }

    /// Stops accepting, after having accepted what already waits in the queue; that is left where another process goes
    /// on accepting from the same socket.
    package func close(leavingQueue: Bool = false) {
        guard let handler = self.handler else { return }
        // From here on the listener is closed, whatever the handler does with its last connections.
        self.handler = nil
        self.unregister()
        self.loop.cancel(self.restTimer)
        guard !leavingQueue else { return }
        for _ in 0..<Self.lastBatch {
            guard self.acceptOne(for: handler) else { return }
        }
    }

    /// Stops accepting for now; connections wait in the kernel's queue.
    package func pause() {
        self.isPaused = true
        self.unregister()
        self.loop.cancel(self.restTimer)
    }

    /// Accepts again.
    package func resume() {
        self.isPaused = false
        if (try? self.register()) == nil {
            // No room in the kernel: the next attempt is as good.
            self.rest()
        }
    }

    private func register() throws(SystemError) {
        guard self.handler != nil, !self.isRegistered else { return }
        try self.loop.register(self, descriptor: self.socket.descriptor, for: [.readable, .exclusive])
        self.isRegistered = true
    }

    private func unregister() {
        guard self.isRegistered else { return }
        self.isRegistered = false
        self.loop.unregister(self, descriptor: self.socket.descriptor, keepingOpen: true)
    }

    override func ready(_ events: Readiness) {
        for _ in 0..<Self.batch {
            // The handler may pause or close the listener at each connection.
            guard self.isRegistered, let handler = self.handler, self.acceptOne(for: handler) else { return }
        }
    }

    /// Accepts a connection that waits. Answers whether to go on.
    private func acceptOne(for handler: any ListenerHandler) -> Bool {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let descriptor = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe sluice_accept4(self.socket.descriptor, $0, &length)
            }
        }
        do throws(SystemError) {
            guard descriptor >= 0 else { return try Self.goesOn(after: lastErrorCode) }
            let address = unsafe SocketAddress(&storage, length: length) ?? SocketAddress(host: .unix(""))
            // Where this fails the socket is closed with its object.
            handler.accepted(try Connection(accepted: descriptor, from: address, on: self.loop))
            return true
        } catch {
            self.rest()
            handler.acceptPaused(error, isNews: self.failures.happened(at: self.loop.now))
            return false
        }
    }

    /// Tells errors of a connection that is no more, after which the next one is accepted, from an empty queue and from
    /// those that will be the same at the next call.
    private static func goesOn(after code: CInt) throws(SystemError) -> Bool {
        switch code {
        case EAGAIN:
            return false
        case EINTR, ECONNABORTED, EPROTO, EPERM, ENOPROTOOPT, EOPNOTSUPP, ENETDOWN, ENETUNREACH, EHOSTDOWN,
            EHOSTUNREACH, ENONET:
            return true
        default:
            // EMFILE, ENFILE, ENOBUFS, ENOMEM, and what should never happen.
            throw SystemError("accept", code: code)
        }
    }

    private func rest() {
        self.unregister()
        guard self.handler != nil, !self.isPaused else { return }
        self.loop.set(self.restTimer, after: Self.rest)
    }
}

extension Listener: LoopTimerHandler {
    package func timerFired(_ timer: LoopTimer) {
        self.resume()
    }
}
