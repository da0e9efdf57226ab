internal import HTTP
internal import Time

/// What one loop has counted since it began. Belongs to the loop; others get copies of `totals`.
final class LoopMetrics {
    private(set) var totals = MetricTotals()
    /// Where the key counted last stands: most requests are like the one before.
    private var lastRequest = 0
    private var lastFunction = 0

    /// A request is over.
    func count(_ record: RequestRecord) {
        let key = MetricTotals.RequestKey(
            route: record.route ?? "", function: record.function ?? "",
            status: UInt8(clamping: record.status / 100), end: record.end)
        let index = self.totals.requests.index(of: key, guess: self.lastRequest)
        self.lastRequest = index
        self.totals.requests.values[index] += 1
        self.totals.requestBytes += record.bytesIn
        guard let function = record.function else { return }
        let position = self.totals.functions.index(of: function, guess: self.lastFunction)
        self.lastFunction = position
        if let firstByteAt = record.firstByteAt {
            self.totals.functions.values[position].firstByte.add(firstByteAt - record.startedAt)
        }
        self.totals.functions.values[position].duration.add(record.finishedAt - record.startedAt)
        if record.attempts > 1 { self.totals.functions.values[position].retries += record.attempts - 1 }
    }

    /// A call was throttled, for the reason that Lambda gave.
    func countThrottle(of function: String, reason: String) {
        let index = self.totals.throttles.index(of: MetricTotals.ThrottleKey(function: function, reason: reason))
        self.totals.throttles.values[index] += 1
    }

    /// Bytes of a body went to a client.
    func countChunk(bytes: Int) {
        self.totals.chunks += 1
        self.totals.responseBytes += bytes
    }

    /// A client has connected.
    func countConnection() {
        self.totals.connections += 1
    }

    /// A request is sent again, for this reason.
    func countResent(_ reason: String) {
        let index = self.totals.resent.index(of: reason)
        self.totals.resent.values[index] += 1
    }

    /// A request did not get beyond its route, for want of a token.
    func countTokenRefusal(by issuer: String, reason: String) {
        let index = self.totals.tokenRefusals.index(of: MetricTotals.TokenRefusalKey(issuer: issuer, reason: reason))
        self.totals.tokenRefusals.values[index] += 1
    }

    /// A limit was hit; `name` is its key in the configuration.
    func countLimit(_ name: String) {
        let index = self.totals.limits.index(of: name)
        self.totals.limits.values[index] += 1
    }
}

@available(*, unavailable)
extension LoopMetrics: Sendable {}

/// Counters, as a value: of one loop, or of all of them together.
struct MetricTotals: Sendable, Equatable {
    var requests = CountedTable<RequestKey, Int>(empty: 0)
    var functions = CountedTable<String, FunctionTotals>(empty: FunctionTotals())
    var throttles = CountedTable<ThrottleKey, Int>(empty: 0)
    var tokenRefusals = CountedTable<TokenRefusalKey, Int>(empty: 0)
    var limits = CountedTable<String, Int>(empty: 0)
    /// Requests that were sent again, by the reason.
    var resent = CountedTable<String, Int>(empty: 0)
    var chunks = 0
    var responseBytes = 0
    var requestBytes = 0
    var connections = 0

    /// What requests are told apart by.
    struct RequestKey: Hashable, Sendable {
        /// The route's name as logs have it; empty where none matched.
        let route: String
        /// Empty where no function was called.
        let function: String
        /// The first digit; 0 where no answer was given.
        let status: UInt8
        /// How it ended, as the access log has it.
        let end: String
    }

    /// What throttled calls are told apart by.
    struct ThrottleKey: Hashable, Sendable {
        let function: String
        /// As Lambda names it.
        let reason: String
    }

    /// What requests without a good token are told apart by.
    struct TokenRefusalKey: Hashable, Sendable {
        let issuer: String
        let reason: String
    }

    /// What is counted for each function.
    struct FunctionTotals: Sendable, Equatable {
        var firstByte = Histogram(Histogram.firstByteBounds)
        var duration = Histogram(Histogram.durationBounds)
        var retries = 0
    }

    /// Adds what somebody else has counted.
    mutating func add(_ other: MetricTotals) {
        self.requests.add(other.requests) { $0 += $1 }
        self.functions.add(other.functions) {
            $0.firstByte.add($1.firstByte)
            $0.duration.add($1.duration)
            $0.retries += $1.retries
        }
        self.throttles.add(other.throttles) { $0 += $1 }
        self.tokenRefusals.add(other.tokenRefusals) { $0 += $1 }
        self.limits.add(other.limits) { $0 += $1 }
        self.resent.add(other.resent) { $0 += $1 }
        self.chunks += other.chunks
        self.responseBytes += other.responseBytes
        self.requestBytes += other.requestBytes
        self.connections += other.connections
    }
}

/// Values by key, in the order in which the keys came first.
struct CountedTable<Key: Hashable & Sendable, Value: Sendable & Equatable>: Sendable, Equatable {
    private(set) var keys: [Key] = []
    var values: [Value] = []
    private var positions: [Key: Int] = [:]
    private let empty: Value

    init(empty: Value) {
        self.empty = empty
    }

    /// Where the value of a key stands, which is there from now on.
    ///
    /// PERF: where the guess is right, nothing is hashed; texts of the same storage compare as two words.
    mutating func index(of key: Key, guess: Int = 0) -> Int {
        if guess < self.keys.count, self.keys[guess] == key { return guess }
        if let index = self.positions[key] { return index }
        let index = self.keys.count
        self.keys.append(key)
        self.values.append(self.empty)
        self.positions[key] = index
        return index
    }

    /// Combines each value of another table with the one of the same key.
    mutating func add(_ other: CountedTable, _ combine: (inout Value, Value) -> Void) {
        for (key, value) in zip(other.keys, other.values) {
            let index = self.index(of: key)
            combine(&self.values[index], value)
        }
    }
}
