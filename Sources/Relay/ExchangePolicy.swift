/// What bounds one exchange. Comes from the function's configuration and the gateway's limits.
///
/// PERF: one object for all exchanges with a function, as its five numbers take 72 bytes.
package final class ExchangePolicy: Sendable {
    /// From the sent request to the first payload byte.
    package let firstByte: Duration
    /// Between bytes of a running stream.
    package let idle: Duration
    /// Over all tries, from the complete request to the end of the answer.
    package let total: Duration
    /// How long a client may take no byte of an answer that waits for it.
    package let clientStall: Duration
    /// Calls after the first one, at most.
    package let retries: Int

    package init(
        firstByte: Duration = .seconds(60), idle: Duration = .seconds(300), total: Duration = .seconds(900),
        clientStall: Duration = .seconds(60), retries: Int = 2
    ) {
        self.firstByte = firstByte
        self.idle = idle
        self.total = total
        self.clientStall = clientStall
        self.retries = retries
    }
}
