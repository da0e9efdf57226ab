internal import Reactor
internal import Relay
internal import Time

/// Attempts that wait for room on a connection that serves many: first in, first out.
struct UpstreamLine {
    private var waiting: [(attempt: UpstreamAttempt, since: Int)] = []
    /// The number of the last connection that was begun for those who wait.
    private var lastConnection = 0
    /// Those that are being made.
    private var underWay: Set<Int> = []
    /// How many streams a further connection will take, as far as is known.
    var streamsExpected = 100

    var isEmpty: Bool { self.waiting.isEmpty }

    mutating func append(_ attempt: UpstreamAttempt) {
        self.waiting.append((attempt, self.lastConnection))
    }

    mutating func putFirst(_ attempt: UpstreamAttempt) {
        self.waiting.insert((attempt, self.lastConnection), at: 0)
    }

    /// Another connection is begun; answers its number.
    mutating func connectionBegan() -> Int {
        self.lastConnection += 1
        self.underWay.insert(self.lastConnection)
        return self.lastConnection
    }

    /// It is there.
    mutating func connectionMade(_ number: Int) {
        self.underWay.remove(number)
    }

    /// It did not come about. Answers who has waited long enough: all who were there when it was begun, unless one that was
    /// begun before it is still on its way.
    mutating func connectionFailed(_ number: Int) -> [UpstreamAttempt] {
        self.underWay.remove(number)
        guard self.underWay.allSatisfy({ $0 > number }) else { return [] }
        let failed = self.waiting.filter { $0.since < number }
        self.waiting.removeAll { $0.since < number }
        return failed.map(\.attempt).filter { !$0.isOver }
    }

    /// The first that still waits.
    mutating func next() -> UpstreamAttempt? {
        while !self.waiting.isEmpty {
            let attempt = self.waiting.removeFirst().attempt
            if !attempt.isOver { return attempt }
        }
        return nil
    }

    mutating func removeAll() -> [UpstreamAttempt] {
        let removed = self.waiting
        self.waiting = []
        return removed.map(\.attempt).filter { !$0.isOver }
    }

    mutating func removeThoseThatAreOver() {
        self.waiting.removeAll { $0.attempt.isOver }
    }

    /// How many connections are still to be begun. While it is not known what an endpoint speaks, one tells for all.
    func missing(_ speech: UpstreamPool.Speech) -> Int {
        if self.waiting.isEmpty { return 0 }
        let needed =
            switch speech {
            case .unknown: 1
            case .http1, .http2: (self.waiting.count - 1) / max(1, self.streamsExpected) + 1
            }
        return max(0, needed - self.underWay.count)
    }

    /// How long the first one would wait for a connection.
    var connectTimeout: Duration { self.waiting.first?.attempt.connectTimeout ?? .seconds(3) }
}

/// Who waits for room on an HTTP/2 connection.
extension UpstreamPool {
    /// Begins connections for those who wait, as many as they will need.
    func dialForLine() {
        self.line.removeThoseThatAreOver()
        for _ in 0..<self.line.missing(self.speech) {
            self.dial(for: .line(self.line.connectionBegan(), connectTimeout: self.line.connectTimeout))
        }
    }

    /// A connection may have room for some who wait.
    func hasRoom() {
        if self.line.isEmpty { return }
        while let connection = self.multiplexed.first(where: \.canServe), let attempt = self.line.next() {
            attempt.taken(HTTP2UpstreamStream(connection))
        }
        self.dialForLine()
    }

    /// A connection for the line did not come about: for those who may go on waiting there is a new one.
    func lineFailed(_ number: Int, _ failure: ExchangeFailure) {
        for attempt in self.line.connectionFailed(number) { attempt.notTaken(failure) }
        self.dialForLine()
    }

    /// The endpoint speaks HTTP/1.1: everybody gets a connection.
    func dissolveLine() {
        for attempt in self.line.removeAll() { self.take(for: attempt) }
    }
}
