import Glibc
import Testing
import Time

@testable import Gateway
@testable import Reactor

@Suite struct IdleSearchTests {
    /// A connection that can be shed or not, as the test says, and counts how often it was asked.
    private final class Session: ClientSession {
        let client: ClientConnection
        var isIdle: Bool
        private(set) var asked = 0

        init(_ client: ClientConnection, isIdle: Bool) {
            self.client = client
            self.isIdle = isIdle
        }

        var canBeShed: Bool {
            self.asked += 1
            return self.isIdle
        }
        var protocolName: String { "test" }
        func drain() {}
        func cut() {}
        func shed() {}
    }

    private func sessions(_ idle: [Bool]) throws -> [Session] {
        let loop = try Loop()
        let listener = ListenerRuntime(name: "test", port: 80)
        return try idle.map { isIdle in
            var ends: [CInt] = [0, 0]
            try #require(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &ends) == 0)
            close(ends[1])
            let connection = try Connection(accepted: ends[0], from: SocketAddress(host: .unix("")), on: loop)
            defer { connection.close() }
            return Session(ClientConnection(connection, listener: listener), isIdle: isIdle)
        }
    }

    private func table(_ sessions: [Session]) -> [ObjectIdentifier: any ClientSession] {
        Dictionary(uniqueKeysWithValues: sessions.map { (ObjectIdentifier($0), $0) })
    }

    private let now = MonotonicTime(nanoseconds: 1_000_000_000)

    @Test func `each idle connection is found once, and busy ones are not`() throws {
        let sessions = try self.sessions([true, false, true, false, true])
        var search = IdleSearch()
        var table = self.table(sessions)
        for _ in 0..<3 {
            let next = search.next(among: table, at: self.now)
            let found = try #require(next)
            #expect(found.canBeShed)
            table[ObjectIdentifier(found)] = nil
        }
        let none = search.next(among: table, at: self.now)
        #expect(none == nil)
    }

    @Test func `one that has become busy since is passed over`() throws {
        let sessions = try self.sessions([true, true, true])
        var search = IdleSearch()
        let table = self.table(sessions)
        let next = search.next(among: table, at: self.now)
        let first = try #require(next)
        for session in sessions where session !== first { session.isIdle = false }
        // It was not shed, and is found anew.
        let again = search.next(among: table, at: self.now)
        #expect(again === first)
    }

    /// The rest bounds what looking costs: a microsecond for each session.
    @Test func `where none is idle it is looked again after a while only`() throws {
        let sessions = try self.sessions([Bool](repeating: false, count: 100))
        var search = IdleSearch()
        let table = self.table(sessions)
        for _ in 0..<50 {
            let none = search.next(among: table, at: self.now)
            #expect(none == nil)
        }
        #expect(sessions.allSatisfy { $0.asked == 1 })
        sessions[0].isIdle = true
        let early = search.next(among: table, at: self.now + .microseconds(99))
        let late = search.next(among: table, at: self.now + .microseconds(100))
        #expect(early == nil && late === sessions[0])
    }

    @Test func `the first connection of a loop is found as soon as it is idle`() throws {
        let sessions = try self.sessions([true])
        var search = IdleSearch()
        let before = search.next(among: [:], at: self.now)
        let after = search.next(among: self.table(sessions), at: self.now)
        #expect(before == nil && after === sessions[0])
    }
}
