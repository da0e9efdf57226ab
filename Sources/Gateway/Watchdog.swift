internal import Logging
internal import Reactor
private import Synchronization

/// Feeds the service manager's watchdog for as long as every loop turns: each has to answer, from one meal to the next,
/// that it has begun another round. One that hangs ends the feeding, and with it, by and by, the process; unless
/// streams go on well without it, and would be cut for a file system that does not answer.
final class Watchdog: Sendable {
    /// Something that turns.
    struct Member: Sendable {
        let name: String
        /// Whether starting the process again is better than going on without it.
        var isVital = true
        /// Runs what it is given in its next round.
        let atNextRound: @Sendable (@escaping @Sendable () -> Void) -> Void

        init(name: String, atNextRound: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void) {
            self.name = name
            self.atNextRound = atNextRound
        }

        /// A loop, by its mailbox.
        init(name: String, isVital: Bool = true, _ mailbox: Mailbox) {
            self.init(name: name) { work in mailbox.post { _ in work() } }
            self.isVital = isVital
        }
    }

    private struct State {
        var isOver = false
        var members: [Member]
        /// Those that have been asked and have not answered, and since when.
        var silent: [String: ContinuousClock.Instant] = [:]
    }

    private let state: Mutex<State>
    private let wakeUp = ThreadSemaphore()
    private let feed: @Sendable () -> Void
    private let step: Duration
    private let logger: Logger

    /// Begins to feed, three times as often as is asked for, so that one late answer does no harm.
    init(
        _ members: [Member], interval: Duration, logger: Logger, feed: @escaping @Sendable () -> Void
    ) throws(SystemError) {
        self.state = Mutex(State(members: members))
        self.step = interval / 3
        self.logger = logger
        self.feed = feed
        _ = try SystemThread(name: "watchdog") { [self] in self.run() }
    }

    /// Looks after these from now on.
    func watch(_ members: [Member]) {
        self.state.withLock { state in
            state.members = members
            let names = Set(members.map(\.name))
            state.silent = state.silent.filter { names.contains($0.key) }
        }
    }

    /// Ends it; where the process goes on for a while, it does so unwatched.
    func stop() {
        self.state.withLock { $0.isOver = true }
        self.wakeUp.signal()
    }

    private func run() {
        while true {
            self.ask()
            self.wakeUp.wait(atMost: self.step)
            let (isOver, silent, isStuck) = self.state.withLock { state in
                let isStuck = state.members.contains { $0.isVital && state.silent[$0.name] != nil }
                return (state.isOver, state.silent, isStuck)
            }
            if isOver { return }
            if !isStuck { self.feed() }
            for (name, since) in silent {
                self.logger.critical(
                    "a loop does not turn", metadata: ["loop": "\(name)", "for": "\(ContinuousClock.now - since)"])
            }
        }
    }

    /// Asks those that have answered before.
    private func ask() {
        let members = self.state.withLock { state in
            let members = state.members.filter { state.silent[$0.name] == nil }
            for member in members { state.silent[member.name] = .now }
            return members
        }
        for member in members {
            member.atNextRound { [self] in
                self.state.withLock { $0.silent[member.name] = nil }
            }
        }
    }
}
