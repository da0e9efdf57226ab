internal import Configuration
internal import Reactor

/// A listener of the configuration with the sockets that it accepts from: one, or one for each address of a host name.
struct BoundListener: Sendable {
    let address: ListenerAddress
    let sockets: [BoundSocket]
}

/// A socket, and what sessions are told of the listener that it belongs to.
struct BoundSocket: Sendable {
    let socket: ListeningSocket
    let listener: ListenerRuntime
}
