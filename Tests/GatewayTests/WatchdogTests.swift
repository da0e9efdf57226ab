import AWS
import Glibc
import Logging
import Synchronization
import Testing
import Time

@testable import Gateway
@testable import Reactor

/// The service manager's watchdog is fed for as long as all loops turn.
@Suite struct WatchdogTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private static func wait(_ what: Comment, until isTrue: () -> Bool) async throws {
        let until = ContinuousClock.now + .seconds(20)
        while !isTrue() {
            try #require(ContinuousClock.now < until, what)
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    /// A loop on a thread of its own.
    private func member(_ name: String) throws -> (member: Watchdog.Member, mailbox: Mailbox) {
        let loop = try Loop()
        let mailbox = loop.mailbox
        let runner = LoopBound(loop)
        _ = try SystemThread(name: name) { runner.run() }
        return (Watchdog.Member(name: name) { work in mailbox.post { _ in work() } }, mailbox)
    }

    @Test func `a loop that hangs ends the feeding, and one that goes on begins it again`() async throws {
        let (first, second) = (try self.member("first"), try self.member("second"))
        let meals = Atomic(0)
        let watchdog = try Watchdog(
            [first.member, second.member], interval: .milliseconds(30), logger: self.logger
        ) { meals.wrappingAdd(1, ordering: .relaxed) }
        try await Self.wait("it is fed") { meals.load(ordering: .relaxed) > 3 }

        let (hangs, goesOn) = (ThreadSemaphore(), ThreadSemaphore())
        second.mailbox.post { _ in
            hangs.signal()
            goesOn.wait()
        }
        hangs.wait()
        // The question that was answered before it hung may still be followed by a meal.
        try await Task.sleep(for: .milliseconds(50))
        let before = meals.load(ordering: .relaxed)
        try await Task.sleep(for: .milliseconds(150))
        #expect(meals.load(ordering: .relaxed) <= before)

        goesOn.signal()
        try await Self.wait("it is fed again") { meals.load(ordering: .relaxed) > before + 2 }
        watchdog.stop()
        for mailbox in [first.mailbox, second.mailbox] { mailbox.post { $0.stop() } }
    }

    @Test func `the loops of credentials and of the admin listener are looked after`() async throws {
        let control = ControlPlane(resolver: Resolver(), clock: ClockOffset(), logger: self.logger)
        let admin = AdminServer(
            sources: AdminSources(
                loops: [], process: { ProcessReport(version: "", isReady: true, startedAt: WallTime(seconds: 0)) },
                obstacles: { [] }, configuration: { [] }), logger: self.logger)
        #expect(control.turning == nil)
        #expect(admin.turning == nil)
        let endpoint = ServiceEndpoint(scheme: .http, host: "127.0.0.1", port: 1)
        let store = CredentialStore(source: "a program")
        let task = ControlPlane.Task(
            store: store, means: .plan(CredentialPlan(.process(["/nonexistent"]))),
            tokenService: SecurityTokenService(endpoint: endpoint, region: "eu-west-1"))
        control.start([task], trust: nil)
        defer { control.stop() }
        let address = try #require(SocketAddress(literal: "127.0.0.1", port: 0))
        try admin.listen(on: [try ListeningSocket(bindingTo: address)], token: nil)
        defer { admin.stop() }
        for (member, name) in [(control.turning, "control"), (admin.turning, "admin")] {
            let member = try #require(member)
            #expect(member.name == name)
            let answered = ThreadSemaphore()
            member.atNextRound { answered.signal() }
            answered.wait()
        }
        withExtendedLifetime(store) {}
    }

    @Test func `one that need not turn does not end the feeding`() async throws {
        let (first, other) = (try self.member("first"), try self.member("other"))
        let meals = Atomic(0)
        let watchdog = try Watchdog(
            [first.member, Watchdog.Member(name: "other", isVital: false, other.mailbox)], interval: .milliseconds(30),
            logger: self.logger
        ) { meals.wrappingAdd(1, ordering: .relaxed) }
        let (hangs, goesOn) = (ThreadSemaphore(), ThreadSemaphore())
        other.mailbox.post { _ in
            hangs.signal()
            goesOn.wait()
        }
        hangs.wait()
        let before = meals.load(ordering: .relaxed)
        try await Self.wait("it is fed all the same") { meals.load(ordering: .relaxed) > before + 3 }
        goesOn.signal()
        watchdog.stop()
        for mailbox in [first.mailbox, other.mailbox] { mailbox.post { $0.stop() } }
    }

    @Test func `members that are no more are not asked`() async throws {
        let (first, gone) = (try self.member("first"), try self.member("gone"))
        let meals = Atomic(0)
        let watchdog = try Watchdog(
            [first.member, gone.member], interval: .milliseconds(30), logger: self.logger
        ) { meals.wrappingAdd(1, ordering: .relaxed) }
        gone.mailbox.post { $0.stop() }
        watchdog.watch([first.member])
        let before = meals.load(ordering: .relaxed)
        try await Self.wait("it is fed") { meals.load(ordering: .relaxed) > before + 3 }
        watchdog.stop()
        first.mailbox.post { $0.stop() }
    }
}
