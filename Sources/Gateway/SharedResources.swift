internal import Configuration
internal import Logging
internal import Reactor

/// What all loops of a gateway share, for as long as the process lives. A reload changes the limits alone.
struct SharedResources: Sendable {
    let budget: MemoryBudget
    let memory: MemoryWatch
    let resolver: Resolver
    let connectionLimits: ConnectionLimits
    let roomSearch = RoomSearch()
    let handshakeCount: HandshakeCount
    let life: Life
    /// How AWS's clocks differ from this machine's.
    let clock = ClockOffset()
    /// Where credentials are fetched.
    let control: ControlPlane
    let logger: Logger

    init(_ limits: LimitSettings, life: Life, logger: Logger) {
        self.budget = MemoryBudget(limit: limits.requestBodies.bytes)
        self.memory = MemoryWatch(limits, logger: logger)
        self.resolver = Resolver()
        self.connectionLimits = ConnectionLimits(limits)
        self.handshakeCount = HandshakeCount(limit: limits.tlsHandshakes)
        self.life = life
        self.control = ControlPlane(resolver: self.resolver, clock: self.clock, logger: logger)
        self.logger = logger
    }

    /// Takes the limits of another configuration.
    func update(_ limits: LimitSettings) {
        self.budget.update(limit: limits.requestBodies.bytes)
        self.memory.update(limits)
        self.connectionLimits.update(limits)
        self.handshakeCount.update(limit: limits.tlsHandshakes)
    }
}
