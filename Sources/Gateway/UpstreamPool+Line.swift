internal import Relay

/// Who waits for room on an HTTP/2 connection.
extension UpstreamPool {
    /// Begins connections for those who wait, as many as they will need.
    func dialForLine() {
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
