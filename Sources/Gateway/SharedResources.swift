internal import Logging
internal import Reactor
internal import TLS

/// What all loops of a gateway share.
struct SharedResources: Sendable {
    let budget: MemoryBudget
    let memory: MemoryWatch
    let resolver: Resolver
    let connectionLimits: ConnectionLimits
    /// What upstreams are verified with; `nil` where none is reached over TLS.
    let tls: TLSClientContext?
    let logger: Logger
}
