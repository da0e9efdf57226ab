import Glibc
import Synchronization
import Testing
import Time

@testable import Reactor

/// A look-up, a clock and a count that tests and look-up threads share.
final class ScriptedNames: Sendable {
    private struct State {
        var now = MonotonicTime(nanoseconds: 1_000_000_000)
        var answers: [String: Result<[SocketAddress], ResolveError>] = [:]
        var lookups: [String] = []
        var underWay = 0
        var mostUnderWay = 0
        var held: Set<String> = []
    }

    private let state = Mutex(State())

    /// How often a name was looked up.
    func lookups(of name: String) -> Int { self.state.withLock { $0.lookups.count { $0 == name } } }
    var lookups: Int { self.state.withLock { $0.lookups.count } }
    var mostUnderWay: Int { self.state.withLock { $0.mostUnderWay } }
    var isQuiet: Bool { self.state.withLock { $0.underWay == 0 } }

    func answer(_ name: String, with addresses: [SocketAddress]) {
        self.state.withLock { $0.answers[name] = .success(addresses) }
    }

    func fail(_ name: String) {
        self.state.withLock { $0.answers[name] = .failure(ResolveError(name: name, reason: "no such name")) }
    }

    /// Look-ups of the name do not end before it is released.
    func hold(_ name: String) { self.state.withLock { _ = $0.held.insert(name) } }
    func release(_ name: String) { self.state.withLock { _ = $0.held.remove(name) } }

    func advance(by duration: Duration) { self.state.withLock { $0.now = $0.now + duration } }

    func resolver() -> Resolver {
        Resolver(lookup: { self.look(up: $0) }, clock: { self.state.withLock { $0.now } })
    }

    private func look(up name: String) -> Result<[SocketAddress], ResolveError> {
        self.state.withLock {
            $0.lookups.append(name)
            $0.underWay += 1
            $0.mostUnderWay = max($0.mostUnderWay, $0.underWay)
        }
        while self.state.withLock({ $0.held.contains(name) }) { usleep(200) }
        return self.state.withLock {
            $0.underWay -= 1
            return $0.answers[name] ?? .failure(ResolveError(name: name, reason: "unknown"))
        }
    }
}

@Suite struct ResolverTests {
    static let one = SocketAddress(host: .v4(1))
    static let two = SocketAddress(host: .v4(2))

    final class Answers: Sendable {
        let results = Mutex<[Result<[SocketAddress], ResolveError>]>([])
        var all: [Result<[SocketAddress], ResolveError>] { self.results.withLock { $0 } }
    }

    let rig: Rig
    let names = ScriptedNames()
    let resolver: Resolver
    let answers = Answers()

    init() throws {
        self.rig = try Rig()
        self.resolver = self.names.resolver()
    }

    func resolve(_ name: String = "name.test", port: UInt16 = 443) -> Result<[SocketAddress], ResolveError>? {
        self.resolver.resolve(name, port: port, for: self.rig.loop.mailbox) { [answers] _, result in
            answers.results.withLock { $0.append(result) }
        }
    }

    static func with(_ addresses: [SocketAddress], port: UInt16) -> Result<[SocketAddress], ResolveError> {
        .success(addresses.map { SocketAddress(host: $0.host, port: port) })
    }

    /// Resolves a name for the first time.
    func learn(_ addresses: [SocketAddress]) {
        self.names.answer("name.test", with: addresses)
        #expect(self.resolve() == nil)
        self.rig.turn { self.answers.all.count == 1 }
        #expect(self.answers.all == [Self.with(addresses, port: 443)])
    }

    /// Waits until the look-ups that were begun have told what they found.
    func settle(_ count: Int) throws {
        try wait { self.names.lookups == count && self.names.isQuiet }
        usleep(2000)
    }

    @Test(arguments: ["127.0.0.1", "::1", "[::1]"])
    func `a literal address needs no look-up`(text: String) throws {
        let address = try #require(SocketAddress(literal: text, port: 8080))
        #expect(self.resolve(text, port: 8080) == .success([address]))
        #expect(self.names.lookups == 0)
    }

    @Test func `a name is looked up once, and remembered for half a minute`() throws {
        self.learn([Self.one, Self.two])
        #expect(self.resolve(port: 80) == Self.with([Self.one, Self.two], port: 80))
        self.names.advance(by: .seconds(29))
        #expect(self.resolve() == Self.with([Self.one, Self.two], port: 443))
        #expect(self.names.lookups == 1)
        self.rig.turn(3)
        #expect(self.answers.all.count == 1, "What was answered within the call is not answered again")
    }

    @Test func `an old answer serves at once while it is looked up again in the background`() throws {
        self.learn([Self.one])
        self.names.answer("name.test", with: [Self.two])
        self.names.hold("name.test")
        self.names.advance(by: .seconds(31))
        for _ in 0..<5 { #expect(self.resolve() == Self.with([Self.one], port: 443)) }
        try wait { self.names.lookups == 2 }
        #expect(self.resolve() == Self.with([Self.one], port: 443))
        self.names.release("name.test")
        try wait { self.resolve() == Self.with([Self.two], port: 443) }
        #expect(self.names.lookups == 2)
        #expect(self.answers.all.count == 1)
    }

    @Test func `a name that stopped resolving keeps its addresses, and is asked for once a second`() throws {
        self.learn([Self.one])
        self.names.fail("name.test")
        self.names.advance(by: .seconds(31))
        #expect(self.resolve() == Self.with([Self.one], port: 443))
        try self.settle(2)
        for _ in 0..<5 { #expect(self.resolve() == Self.with([Self.one], port: 443)) }
        #expect(self.names.lookups == 2)
        self.names.advance(by: .seconds(1))
        #expect(self.resolve() == Self.with([Self.one], port: 443))
        try self.settle(3)
        self.names.answer("name.test", with: [Self.two])
        self.names.advance(by: .seconds(1))
        #expect(self.resolve() == Self.with([Self.one], port: 443))
        try wait { self.resolve() == Self.with([Self.two], port: 443) }
        #expect(self.names.lookups == 4)
    }

    @Test func `a failure is told, believed for a second, and then tried again`() throws {
        let failure = Result<[SocketAddress], ResolveError>.failure(
            ResolveError(name: "name.test", reason: "no such name"))
        self.names.fail("name.test")
        #expect(self.resolve() == nil)
        self.rig.turn { self.answers.all == [failure] }
        #expect(self.resolve() == failure)
        #expect(self.names.lookups == 1)
        self.names.advance(by: .seconds(1))
        self.names.answer("name.test", with: [Self.one])
        #expect(self.resolve() == nil)
        self.rig.turn { self.answers.all.count == 2 }
        #expect(self.answers.all.last == Self.with([Self.one], port: 443))
        #expect(self.names.lookups == 2)
    }

    @Test func `many who ask for the same name share one look-up, and each gets its own port`() throws {
        self.names.answer("name.test", with: [Self.one])
        self.names.hold("name.test")
        for port in UInt16(1)...20 { #expect(self.resolve(port: port) == nil) }
        self.names.release("name.test")
        self.rig.turn { self.answers.all.count == 20 }
        #expect(self.answers.all == (UInt16(1)...20).map { Self.with([Self.one], port: $0) })
        #expect(self.names.lookups == 1)
    }

    @Test func `a name whose servers are silent holds up no other`() throws {
        self.names.hold("silent.test")
        defer { self.names.release("silent.test") }
        #expect(self.resolve("silent.test") == nil)
        self.learn([Self.one])
    }

    @Test func `any number of names are looked up by a limited number of threads`() throws {
        for number in 0..<200 {
            self.names.answer("\(number).test", with: [Self.one])
            self.names.hold("\(number).test")
        }
        for number in 0..<200 { #expect(self.resolve("\(number).test") == nil) }
        try wait { self.names.lookups == 32 }
        for number in 0..<200 { self.names.release("\(number).test") }
        self.rig.turn { self.answers.all.count == 200 }
        #expect(self.names.mostUnderWay == 32)
        #expect(self.names.lookups == 200)
        // The threads have gone, and others come when they are needed.
        try self.settle(200)
        self.learnAnother()
    }

    func learnAnother() {
        self.names.answer("another.test", with: [Self.two])
        #expect(self.resolve("another.test") == nil)
        self.rig.turn { self.answers.all.count == 201 }
    }

    @Test func `several loops are each answered on their own thread`() throws {
        self.names.answer("name.test", with: [Self.one])
        self.names.hold("name.test")
        let loops = [try MailboxTests.RunningLoop(), try MailboxTests.RunningLoop()]
        final class Threads: Sendable {
            let seen = Mutex<[Int: UInt]>([:])
        }
        let asked = Threads()
        let answered = Threads()
        for (index, loop) in loops.enumerated() {
            loop.mailbox.post { _ in asked.seen.withLock { $0[index] = UInt(pthread_self()) } }
            let known = self.resolver.resolve("name.test", port: 1, for: loop.mailbox) { _, _ in
                answered.seen.withLock { $0[index] = UInt(pthread_self()) }
            }
            #expect(known == nil)
        }
        self.names.release("name.test")
        try wait { answered.seen.withLock { $0.count } == 2 && asked.seen.withLock { $0.count } == 2 }
        #expect(asked.seen.withLock { $0 } == answered.seen.withLock { $0 })
        for loop in loops { loop.stop() }
    }

    @Test func `the system knows this machine's own name`() throws {
        let addresses = try Resolver.systemLookup("localhost").get()
        #expect(addresses.allSatisfy { $0.isLoopback && $0.port == 0 })
        #expect(Set(addresses).count == addresses.count)
    }

    @Test func `an error says which name`() {
        let error = ResolveError(name: "a.test", reason: "Name or service not known")
        #expect(error.description == "cannot resolve a.test: Name or service not known")
    }
}
