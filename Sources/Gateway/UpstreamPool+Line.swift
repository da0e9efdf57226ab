internal import Reactor
internal import Relay
internal import Time

/// Attempts that wait for room on a connection that serves many: first in, first out.
struct UpstreamLine {
    private var waiting: [(attempt: UpstreamAttempt, since: MonotonicTime)] = []
    /// Connections that are being made for those who wait.
    var connectionsUnderWay = 0
    /// How many streams a further connection will take, as far as is known.
    var streamsExpected = 100

    var isEmpty: Bool { self.waiting.isEmpty }

    mutating func append(_ attempt: UpstreamAttempt, at now: MonotonicTime) {
        self.waiting.append((attempt, now))
    }

    mutating func putFirst(_ attempt: UpstreamAttempt, at now: MonotonicTime) {
        self.waiting.insert((attempt, now), at: 0)
    }

    /// The first that still waits.
    mutating func next() -> UpstreamAttempt? {
        while !self.waiting.isEmpty {
            let attempt = self.waiting.removeFirst().attempt
            if !attempt.isOver { return attempt }
        }
        return nil
    }

    /// All that waited at a moment, or with `nil` all.
    mutating func removeAll(since moment: MonotonicTime? = nil) -> [UpstreamAttempt] {
        let removed = self.waiting.filter { moment == nil || $0.since <= moment ?? .never }
        self.waiting.removeAll { moment == nil || $0.since <= moment ?? .never }
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
        return max(0, needed - self.connectionsUnderWay)
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
            self.line.connectionsUnderWay += 1
            self.dial(for: .line(began: self.loop.now, connectTimeout: self.line.connectTimeout))
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

    /// A connection for the line did not come about. Those who waited when it was begun have waited long enough, unless
    /// another one is on its way; for the others there is a new one.
    func lineFailed(_ failure: ExchangeFailure, since began: MonotonicTime) {
        self.line.connectionsUnderWay -= 1
        if self.line.connectionsUnderWay == 0 {
            for attempt in self.line.removeAll(since: began) { attempt.notTaken(failure) }
        }
        self.dialForLine()
    }

    /// The endpoint speaks HTTP/1.1: everybody gets a connection.
    func dissolveLine() {
        for attempt in self.line.removeAll() { self.take(for: attempt) }
    }
}
