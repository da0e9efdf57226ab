/// The handshakes that are under way on a loop, in the order in which they began.
struct HandshakeQueue {
    private var handshakes: [UInt64: ClientHandshake] = [:]
    private var next: UInt64 = 0
    private var first: UInt64 = 0

    mutating func append(_ handshake: ClientHandshake) {
        handshake.number = self.next
        self.handshakes[self.next] = handshake
        self.next += 1
    }

    mutating func remove(_ handshake: ClientHandshake) {
        self.handshakes[handshake.number] = nil
    }

    /// The one that began first.
    mutating func oldest() -> ClientHandshake? {
        while self.first < self.next {
            if let handshake = self.handshakes[self.first] { return handshake }
            self.first += 1
        }
        return nil
    }
}
