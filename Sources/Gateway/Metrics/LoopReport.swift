internal import Time

/// What one loop says about itself when it is asked.
struct LoopReport: Sendable {
    /// Which loop.
    let index: Int
    let totals: MetricTotals
    /// Clients' connections that are open, by the protocol spoken on them: `HTTP/1.1`, `HTTP/2`.
    let connections: [String: Int]
    /// Exchanges that are under way.
    let openExchanges: Int
    let pools: [PoolReport]
    /// How long the question waited for the loop; where it does not answer, how long it has owed an answer.
    var lag: Duration
    /// Each exchange, where it was asked for.
    let streams: [StreamReport]
}

extension LoopReport {
    /// Of a loop that has said nothing yet.
    init(index: Int) {
        self.init(
            index: index, totals: MetricTotals(), connections: [:], openExchanges: 0, pools: [], lag: .zero, streams: []
        )
    }
}

/// The connections of a loop to one endpoint.
struct PoolReport: Sendable, Equatable {
    /// Host and port.
    let endpoint: String
    var http1 = Connections()
    var http2 = Connections()
    /// Of any protocol: it is known when they are up.
    var connecting = 0
    /// Streams that are open on connections of HTTP/2.
    var streams = 0

    /// Connections of one protocol.
    struct Connections: Sendable, Equatable {
        var idle = 0
        var busy = 0
    }

    /// Adds what another loop has to the same endpoint.
    mutating func add(_ other: PoolReport) {
        self.http1.idle += other.http1.idle
        self.http1.busy += other.http1.busy
        self.http2.idle += other.http2.idle
        self.http2.busy += other.http2.busy
        self.connecting += other.connecting
        self.streams += other.streams
    }
}

/// One request that is under way.
struct StreamReport: Sendable, Equatable {
    let requestID: String
    let client: String
    let method: String
    let host: String?
    let path: String
    let protocolName: String
    let route: String?
    let function: String?
    /// 0 before the answer's head.
    let status: Int
    let age: Duration
    /// Since bytes of the answer came in last, or since the request began.
    let idle: Duration
    let bytesIn: Int
    let bytesOut: Int
    let attempts: Int
}
