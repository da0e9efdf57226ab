/// What bounds one exchange. Comes from the function's configuration and the gateway's limits.
package struct ExchangePolicy: Sendable, Equatable {
    /// From the sent request to the first payload byte.
    package var firstByte: Duration
    /// Between bytes of a running stream.
    package var idle: Duration
    /// Over all tries, from the complete request to the end of the answer.
    package var total: Duration
    /// How long a client may take no byte of an answer that waits for it.
    package var clientStall: Duration
    /// Calls after the first one, at most.
    package var retries: Int

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
