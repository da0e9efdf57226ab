internal import Logging
internal import Reactor

/// What all loops of a gateway share.
struct SharedResources: Sendable {
    let budget: MemoryBudget
    let memory: MemoryWatch
    let resolver: Resolver
    let connectionLimits: ConnectionLimits
    let logger: Logger
}
