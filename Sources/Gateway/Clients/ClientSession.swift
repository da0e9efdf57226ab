/// The protocol on a client's connection, from accepting to closing, as the loop knows it.
protocol ClientSession: AnyObject {
    /// The connection, and whom it is from.
    var client: ClientConnection { get }

    /// The gateway drains: what is idle closes, what is under way ends after its answers.
    func drain()

    /// The time for draining is over.
    func cut()

    /// Whether closing the connection loses nothing: no request is under way, and no answer waits to be taken.
    var canBeShed: Bool { get }

    /// Closes for want of connections; for those only that can be shed.
    func shed()

    /// As metrics name it: `HTTP/1.1`, `HTTP/2`, or what comes before one of them is known.
    var protocolName: String { get }

    /// Adds the exchanges that are under way.
    func describeExchanges(in streams: inout [StreamReport])
}

extension ClientSession {
    /// None.
    func describeExchanges(in streams: inout [StreamReport]) {}
}
