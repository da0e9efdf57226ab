/// Attempts that wait for room on a connection that serves many: first in, first out. Those whose exchange is over
/// leave when their turn comes, or when it is counted how many connections are needed.
struct UpstreamLine {
    private typealias Waiter = (attempt: UpstreamAttempt, since: Int)

    private var waiting: [Waiter?] = []
    /// Where the first one stands; those before it have gone.
    private var head = 0
    /// The number of the last connection that was begun for those who wait.
    private var lastConnection = 0
    /// Those that are being made.
    private var underWay: Set<Int> = []
    /// How many streams a further connection will take, as far as is known.
    var streamsExpected = 100

    var isEmpty: Bool { self.count == 0 }

    private var count: Int { self.waiting.count - self.head }

    mutating func append(_ attempt: UpstreamAttempt) {
        self.waiting.append((attempt, self.lastConnection))
    }

    mutating func putFirst(_ attempt: UpstreamAttempt) {
        if self.head > 0 {
            self.head -= 1
            self.waiting[self.head] = (attempt, self.lastConnection)
        } else {
            self.waiting.insert((attempt, self.lastConnection), at: 0)
        }
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

    /// It did not come about. Answers who has waited long enough: all who were there when it was begun, unless one that
    /// was begun before it is still on its way.
    mutating func connectionFailed(_ number: Int) -> [UpstreamAttempt] {
        self.underWay.remove(number)
        guard self.underWay.allSatisfy({ $0 > number }) else { return [] }
        return self.remove { $0.since < number }.map(\.attempt)
    }

    /// The first that still waits.
    mutating func next() -> UpstreamAttempt? {
        while self.head < self.waiting.count {
            let waiter = self.waiting[self.head].take()
            self.head += 1
            self.compact()
            if let waiter, !waiter.attempt.isOver { return waiter.attempt }
        }
        return nil
    }

    mutating func removeAll() -> [UpstreamAttempt] {
        self.remove { _ in true }.map(\.attempt)
    }

    mutating func removeThoseThatAreOver() {
        _ = self.remove { _ in false }
    }

    /// Takes some out of the line, and lets go of those that are over.
    private mutating func remove(_ isMeant: (Waiter) -> Bool) -> [Waiter] {
        let waiting = self.waiting[self.head...].compactMap { $0 }.filter { !$0.attempt.isOver }
        self.waiting = waiting.filter { !isMeant($0) }
        self.head = 0
        return waiting.filter(isMeant)
    }

    /// Forgets those who have gone, once they are the greater part.
    private mutating func compact() {
        guard self.head == self.waiting.count || self.head > 16 + self.waiting.count / 2 else { return }
        self.waiting.removeFirst(self.head)
        self.head = 0
    }

    /// How many connections are still to be begun. While it is not known what an endpoint speaks, one tells for all.
    mutating func missing(_ speech: UpstreamPool.Speech) -> Int {
        // PERF: who is over is looked for only where a connection would be begun for all that is known: not for each
        // one who comes or goes.
        guard self.missing(for: self.count, speech) > 0 else { return 0 }
        self.removeThoseThatAreOver()
        return self.missing(for: self.count, speech)
    }

    private func missing(for count: Int, _ speech: UpstreamPool.Speech) -> Int {
        if count == 0 { return 0 }
        let needed =
            switch speech {
            case .unknown: 1
            case .http1, .http2: (count - 1) / max(1, self.streamsExpected) + 1
            }
        return max(0, needed - self.underWay.count)
    }

    /// How long the first one would wait for a connection.
    var connectTimeout: Duration {
        guard self.head < self.waiting.count else { return .seconds(3) }
        return self.waiting[self.head]?.attempt.connectTimeout ?? .seconds(3)
    }
}
