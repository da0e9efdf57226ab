internal import Bytes
internal import Configuration
internal import HTTP
internal import Logging
internal import Reactor

/// Waits for the header of the PROXY protocol with which each connection of a listener begins. A peer that is no
/// trusted proxy, and one that sends something else, is closed without an answer.
final class ProxyGreeting {
    let client: ClientConnection
    private let context: LoopContext
    private var received = ByteBuffer()
    private lazy var timer = LoopTimer(handler: self)

    init(_ client: ClientConnection, context: LoopContext) {
        self.client = client
        self.context = context
    }

    func begin() {
        self.client.connection.handler = self
        self.context.sessionOpened(self)
        guard self.client.isTrustedProxy else {
            self.client.connection.close()
            self.fail("the peer is none of the trusted proxies")
            return
        }
        // The header comes at once, and in one piece as a rule; what follows has its own time.
        self.context.loop.set(self.timer, after: self.context.snapshot.limits.requestHead)
    }

    private func fail(_ reason: String) {
        self.context.loop.cancel(self.timer)
        self.context.sessionClosed(self)
        self.context.logger.info(
            "connection without a PROXY header refused",
            metadata: [
                "peer": "\(self.client.connection.remoteAddress.hostText)",
                "listener": "\(self.client.listener.name)", "reason": "\(reason)",
            ])
    }

    private func refuse(_ reason: String) {
        self.client.connection.close()
        self.fail(reason)
    }
}

extension ProxyGreeting: ConnectionHandler {
    func received(_ bytes: Span<UInt8>) {
        self.received.append(bytes)
        var header: ProxyHeader?
        do throws(ProxyHeaderFault) {
            guard let (found, count) = try ProxyHeader.parse(self.received.bytes) else { return }
            header = found
            self.received.consume(count)
        } catch {
            self.refuse(error.description)
            return
        }
        self.context.loop.cancel(self.timer)
        if case .proxied(let client, let destination) = header {
            self.client.proxied(for: client, to: destination)
            guard self.context.admitAddress(of: self.client) else {
                self.refuse("the client's address has as many connections as it may have")
                return
            }
        }
        self.context.sessionReplaced(self)
        var rest = ByteBuffer()
        swap(&rest, &self.received)
        self.context.beginProtocol(on: self.client, unread: rest.bytes)
    }

    func receivedEnd() {
        self.refuse("the connection ended before a PROXY header was whole")
    }

    func closed(_ cause: CloseCause) {
        self.fail("the connection was lost")
    }
}

extension ProxyGreeting: ClientSession {
    // A request is about to come; the timer bounds the wait for it.
    func drain() {}

    func cut() {
        self.refuse("the gateway shuts down")
    }

    var canBeShed: Bool { true }

    func shed() {
        self.refuse("no room")
    }

    var protocolName: String { "PROXY" }
}

extension ProxyGreeting: LoopTimerHandler {
    func timerFired(_ timer: LoopTimer) {
        if self.received.isEmpty {
            self.context.noteSilence(of: self.client)
        } else {
            self.context.noteLimit("request_head", of: self.client)
        }
        self.refuse("it took too long")
    }
}

@available(*, unavailable)
extension ProxyGreeting: Sendable {}
