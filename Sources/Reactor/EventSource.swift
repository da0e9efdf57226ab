private import CLinux

/// Something with a file descriptor that a loop waits for.
///
/// The loop knows it by a slot and a generation. Both travel through the kernel with each event, and an event whose
/// generation is not the slot's is dropped, so that a descriptor number that was used again can not be mistaken.
package class EventSource {
    /// The loop on whose thread everything happens.
    package let loop: Loop
    /// The slot, while registered.
    var slot: Int32 = -1

    init(loop: Loop) {
        self.loop = loop
    }

    /// The kernel has something to say about the descriptor.
    func ready(_ events: Readiness) {}

    /// The loop put the source on its list of those that have more to do without a new event.
    func again() {}
}

@available(*, unavailable)
extension EventSource: Sendable {}

/// What epoll says of a descriptor, and what it is asked for.
struct Readiness: OptionSet {
    let rawValue: UInt32

    static let readable = Readiness(rawValue: sluice_EPOLLIN)
    static let writable = Readiness(rawValue: sluice_EPOLLOUT)
    /// The peer has finished sending.
    static let peerEnded = Readiness(rawValue: sluice_EPOLLRDHUP)
    /// Both directions are finished, or the connection was reset.
    static let hungUp = Readiness(rawValue: sluice_EPOLLHUP)
    static let failed = Readiness(rawValue: sluice_EPOLLERR)
    /// Ask to be told of changes only.
    static let edgeTriggered = Readiness(rawValue: sluice_EPOLLET)
    /// Ask that an event wakes one loop of those that wait for the same descriptor.
    static let exclusive = Readiness(rawValue: sluice_EPOLLEXCLUSIVE)
}
