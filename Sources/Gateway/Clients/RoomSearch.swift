internal import Reactor
private import Synchronization

/// Finds an idle connection on another loop where a newcomer's own has none to shed: the loops are asked one after the
/// other, in messages.
final class RoomSearch: Sendable {
    private struct Member: Sendable {
        let mailbox: Mailbox
        let context: LoopBound<LoopContext>
    }

    private let members = Mutex<[Member]>([])

    /// A loop that can be asked.
    func join(_ context: LoopBound<LoopContext>, with mailbox: Mailbox) {
        self.members.withLock { $0.append(Member(mailbox: mailbox, context: context)) }
    }

    /// A loop ends, and answers no more.
    func leave(_ mailbox: Mailbox) {
        self.members.withLock { members in members.removeAll { $0.mailbox === mailbox } }
    }

    /// Asks all loops but one, and tells that one whether another has shed a connection. Answers `false` where there is
    /// no other.
    func askOthers(than asking: Mailbox, _ answer: @escaping @Sendable (Loop, _ hasRoom: Bool) -> Void) -> Bool {
        let others = self.members.withLock { members in members.filter { $0.mailbox !== asking } }
        guard !others.isEmpty else { return false }
        Self.ask(others[...], for: asking, answer)
        return true
    }

    private static func ask(
        _ members: ArraySlice<Member>, for asking: Mailbox,
        _ answer: @escaping @Sendable (Loop, _ hasRoom: Bool) -> Void
    ) {
        guard let member = members.first else {
            asking.post { answer($0, false) }
            return
        }
        member.mailbox.post { loop in
            if member.context.value(on: loop).shedIdle() {
                asking.post { answer($0, true) }
            } else {
                Self.ask(members.dropFirst(), for: asking, answer)
            }
        }
    }
}
