private import Glibc
private import Time

/// Who is told how a dial ended. Exactly one of the two is called, once, unless the dial is cancelled.
package protocol DialHandler: AnyObject {
    /// A connection is up. The handler sets `connection.handler`.
    func dialed(_ dial: Dial, _ connection: Connection)

    /// No connection came about.
    func dialFailed(_ dial: Dial, _ error: DialError)
}

/// Why no connection came about.
package enum DialError: Error, Equatable, Sendable, CustomStringConvertible {
    case unresolved(ResolveError)
    /// No address of the name could be connected to; the error is that of the last one.
    case unreachable(SystemError)
    /// The time for it was over.
    case timedOut

    package var description: String {
        switch self {
        case .unresolved(let error): error.description
        case .unreachable(let error): error.description
        case .timedOut: "connecting took too long"
        }
    }
}

/// The making of one outbound connection: the name is looked up, its addresses are raced, the first one up wins.
package final class Dial {
    private let loop: Loop
    private weak var handler: (any DialHandler)?
    private var race = AddressRace([])
    private var attempts: [Attempt] = []
    private var lastError = SystemError("connect", code: EADDRNOTAVAIL)
    private let deadline: MonotonicTime
    private lazy var timer = LoopTimer(handler: self)
    private var isOver = false
    /// Keeps the dial alive until it is over.
    private var itself: Dial?

    /// Begins to connect. The handler is not retained, and never called within this call.
    package init(
        _ host: String, port: UInt16, timeout: Duration, resolver: Resolver, on loop: Loop, handler: any DialHandler
    ) {
        self.loop = loop
        self.handler = handler
        self.deadline = loop.now + timeout
        self.itself = self
        self.loop.set(self.timer, to: self.deadline)
        let box = LoopBound(self)
        let known = resolver.resolve(host, port: port, for: loop.mailbox) { loop, result in
            box.value(on: loop).resolved(result)
        }
        // Even what is known at once is told from a fresh stack.
        if let known { loop.mailbox.post { loop in box.value(on: loop).resolved(known) } }
    }

    /// Begins to connect to one address, such as a unix socket.
    package init(
        _ address: SocketAddress, timeout: Duration, on loop: Loop, handler: any DialHandler
    ) {
        self.loop = loop
        self.handler = handler
        self.deadline = loop.now + timeout
        self.itself = self
        self.loop.set(self.timer, to: self.deadline)
        let box = LoopBound(self)
        loop.mailbox.post { loop in box.value(on: loop).resolved(.success([address])) }
    }

    /// Gives up; nobody is told.
    package func cancel() {
        self.finish()
    }

    private func resolved(_ result: Result<[SocketAddress], ResolveError>) {
        guard !self.isOver else { return }
        switch result {
        case .success(let addresses):
            self.race = AddressRace(addresses, after: self.loop.addresses, at: self.loop.now)
            self.run(self.race.started(at: self.loop.now))
        case .failure(let error):
            self.fail(.unresolved(error))
        }
    }

    private func run(_ action: AddressRace.Action) {
        var action = action
        while case .connect(let position) = action { action = self.connect(position) }
        switch action {
        case .win(let position):
            self.win(position)
        case .lose:
            self.fail(.unreachable(self.lastError))
        case .connect, .wait:
            self.loop.set(self.timer, to: min(self.deadline, self.race.nextAttempt))
        }
    }

    /// Begins an attempt. Answers what to do next, which is more than waiting where it fails at once.
    private func connect(_ position: Int) -> AddressRace.Action {
        let attempt = Attempt(dial: self, position: position)
        do {
            attempt.connection = try Connection(to: self.race.addresses[position], on: self.loop, handler: attempt)
            self.attempts.append(attempt)
            return .wait
        } catch {
            self.lastError = error
            self.loop.addresses.failed(self.race.addresses[position], at: self.loop.now)
            return self.race.attemptFailed(at: self.loop.now)
        }
    }

    private func win(_ position: Int) {
        guard let winner = self.attempts.first(where: { $0.position == position }) else { return }
        self.attempts.removeAll { $0.position == position }
        self.loop.addresses.connected(self.race.addresses[position])
        // Those that began before and are not up yet are slow at least.
        self.noteSilence(before: position)
        let handler = self.handler
        let connection = winner.connection
        winner.connection = nil
        self.finish()
        guard let connection else { return }
        connection.handler = nil
        if let handler { handler.dialed(self, connection) } else { connection.close() }
    }

    /// Attempts that have not answered count as failed.
    private func noteSilence(before position: Int = .max) {
        for attempt in self.attempts where attempt.position < position {
            self.loop.addresses.failed(self.race.addresses[attempt.position], at: self.loop.now)
        }
    }

    private func fail(_ error: DialError) {
        self.noteSilence()
        let handler = self.handler
        self.finish()
        handler?.dialFailed(self, error)
    }

    private func finish() {
        self.isOver = true
        self.handler = nil
        self.loop.cancel(self.timer)
        for attempt in self.attempts { attempt.connection?.close() }
        self.attempts = []
        self.itself = nil
    }

    /// One address that is being connected to.
    private final class Attempt: ConnectionHandler {
        private unowned let dial: Dial
        let position: Int
        var connection: Connection?

        init(dial: Dial, position: Int) {
            self.dial = dial
            self.position = position
        }

        func connected() {
            self.dial.run(self.dial.race.attemptConnected(self.position))
        }

        func closed(_ cause: CloseCause) {
            if case .connectFailed(let error) = cause { self.dial.lastError = error }
            let dial = self.dial
            dial.loop.addresses.failed(dial.race.addresses[self.position], at: dial.loop.now)
            dial.attempts.removeAll { $0 === self }
            dial.run(dial.race.attemptFailed(at: dial.loop.now))
        }

        // Nothing is read before somebody owns the connection.
        func received(_ bytes: Span<UInt8>) {}
        func receivedEnd() {}
    }
}

extension Dial: LoopTimerHandler {
    package func timerFired(_ timer: LoopTimer) {
        if self.loop.now >= self.deadline {
            self.fail(.timedOut)
        } else {
            self.run(self.race.delayPassed(at: self.loop.now))
        }
    }
}

@available(*, unavailable)
extension Dial: Sendable {}
