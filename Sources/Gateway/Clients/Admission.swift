internal import HTTP
internal import Reactor
internal import Time

/// The connections of a loop that wait for another one's answer.
struct WaitingForRoom {
    private var count = 0
    private var restsUntil: MonotonicTime?

    /// As many newcomers wait at most: so far are all connections beyond their limit for a moment.
    private static let limit = 16
    /// How long the others are not asked again where they had nothing to shed. A flood that is refused is cheap then.
    private static let rest = Duration.milliseconds(10)

    /// Whether one more may wait.
    mutating func begin(at now: MonotonicTime) -> Bool {
        if self.count >= Self.limit { return false }
        if let restsUntil = self.restsUntil, now < restsUntil { return false }
        self.count += 1
        return true
    }

    mutating func end(hasRoom: Bool, at now: MonotonicTime) {
        self.count -= 1
        self.restsUntil = hasRoom ? nil : now + Self.rest
    }
}

extension LoopContext {
    /// A connection has come: begins with it where there is room. Where there is none an idle one has to go for it, of
    /// this loop, else of another one; nothing is read from the newcomer before that one has answered.
    func admit(_ client: ClientConnection) {
        guard self.admitAddress(of: client) else { return client.connection.close() }
        if client.takePlace(in: self.connectionLimits) || self.shedIdle() {
            self.admitted(client)
        } else if !self.askForRoom(for: client) {
            self.refuse(client)
        }
    }

    private func admitted(_ client: ClientConnection) {
        self.metrics.countConnection()
        self.begin(on: client)
    }

    private func refuse(_ client: ClientConnection) {
        self.noteLimit("connections", of: client)
        client.connection.close()
    }

    /// Closes an idle connection of this loop, where there is one.
    func shedIdle() -> Bool {
        guard let idle = self.nextIdle() else { return false }
        self.noteLimit("connections", of: idle.client)
        idle.shed()
        return true
    }

    /// Answers whether there is anybody to ask.
    private func askForRoom(for client: ClientConnection) -> Bool {
        guard self.waitingForRoom.begin(at: self.loop.now) else { return false }
        let box = LoopBound((self, client))
        let isAsked = self.roomSearch.askOthers(than: self.loop.mailbox) { loop, hasRoom in
            let (context, client) = box.value(on: loop)
            context.answered(hasRoom, for: client)
        }
        if isAsked {
            client.connection.pauseReading()
        } else {
            self.waitingForRoom.end(hasRoom: false, at: self.loop.now)
        }
        return isAsked
    }

    /// The other loops have answered.
    private func answered(_ hasRoom: Bool, for client: ClientConnection) {
        self.waitingForRoom.end(hasRoom: hasRoom, at: self.loop.now)
        guard client.connection.isOpen, !self.isDraining else { return client.connection.close() }
        guard hasRoom else { return self.refuse(client) }
        self.admitted(client)
        client.connection.resumeReading()
    }

    /// Counts a connection under its client's address, unless that is exempt: load balancers and health checks of this
    /// machine, and trusted proxies, come with the connections of many.
    func admitAddress(of client: ClientConnection) -> Bool {
        guard let address = client.ipAddress, !address.isLoopback, !client.isTrustedProxy else { return true }
        guard client.takePlace(of: address, in: self.connectionLimits) else {
            self.noteLimit("connections_per_address", of: client)
            return false
        }
        return true
    }
}
