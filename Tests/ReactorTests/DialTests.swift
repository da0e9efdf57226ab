import Bytes
import Glibc
import Testing
import Time

@testable import Reactor

@Suite struct DialTests {
    final class Caller: DialHandler {
        private(set) var connection: Connection?
        private(set) var errors: [DialError] = []
        private(set) var calls = 0
        let recorder = Recorder()

        func dialed(_ dial: Dial, _ connection: Connection) {
            self.calls += 1
            self.connection = connection
            connection.handler = self.recorder
        }

        func dialFailed(_ dial: Dial, _ error: DialError) {
            self.calls += 1
            self.errors.append(error)
        }

        deinit { self.connection?.close() }
    }

    let rig: Rig
    let names = ScriptedNames()
    let resolver: Resolver
    let caller = Caller()

    init() throws {
        self.rig = try Rig()
        self.resolver = self.names.resolver()
    }

    func dial(_ host: String = "name.test", port: UInt16, timeout: Duration = .seconds(3)) -> Dial {
        Dial(host, port: port, timeout: timeout, resolver: self.resolver, on: self.rig.loop, handler: self.caller)
    }

    /// Nothing is left of a dial: no socket on the loop but the winner's, no timer, no object.
    func expectOver(_ dial: inout Dial?, sources: Int, sourceLocation: SourceLocation = #_sourceLocation) {
        weak let remains = dial
        #expect(self.rig.loop.sourceCount == sources, sourceLocation: sourceLocation)
        let calls = self.caller.calls
        self.rig.advance(by: .seconds(100))
        self.rig.turn(3)
        #expect(self.caller.calls == calls, sourceLocation: sourceLocation)
        dial = nil
        // The thread that looked the name up may be about to let go of the answer's closure.
        let limit = ContinuousClock.now + .seconds(10)
        while remains != nil, ContinuousClock.now < limit { usleep(1000) }
        #expect(remains == nil, "The dial is kept by somebody", sourceLocation: sourceLocation)
    }

    /// Two sockets on the same port, one for each family.
    static func bothFamilies() throws -> (v6: ListeningSocket, v4: ListeningSocket) {
        for _ in 0..<50 {
            let v4 = try ListeningSocket(bindingTo: loopback())
            if let v6 = try? ListeningSocket(bindingTo: loopback6(port: v4.address.port)) { return (v6, v4) }
        }
        throw SystemError("bind", code: EADDRINUSE)
    }

    /// A socket whose queue is full: connecting to it hangs.
    final class Silent {
        let socket: ListeningSocket
        private var queue: [CInt] = []

        init(_ address: SocketAddress = loopback()) throws {
            self.socket = try ListeningSocket(bindingTo: address, backlog: 0)
            for _ in 0..<4 {
                let descriptor = Glibc.socket(
                    self.socket.address.family, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue), 0)
                _ = try self.socket.address.withSystemAddress { connect(descriptor, $0, $1) }
                self.queue.append(descriptor)
            }
            usleep(1000)
        }

        deinit { for descriptor in self.queue { close(descriptor) } }
    }

    @Test func `a literal address is connected to`() throws {
        let listener = try ListeningSocket(bindingTo: loopback())
        var dial: Dial? = self.dial("127.0.0.1", port: listener.address.port)
        #expect(self.caller.calls == 0, "Nobody is told from within the call")
        self.rig.turn { self.caller.calls > 0 }
        let connection = try #require(self.caller.connection)
        #expect(connection.isOpen)
        #expect(connection.remoteAddress == listener.address)
        connection.send("hello")
        var accepted: CInt = -1
        try wait {
            accepted = accept(listener.descriptor, nil, nil)
            return accepted >= 0
        }
        let peer = Peer(accepted)
        _ = fcntl(accepted, F_SETFL, O_NONBLOCK)
        #expect(ConnectionWritingTests.read(5, from: peer, self.rig) == Array("hello".utf8))
        peer.send("welcome")
        self.rig.turn { self.caller.recorder.bytes.count == 7 }
        #expect(RawSocket.option(peer.descriptor, SOL_SOCKET, SO_ERROR) == 0)
        self.expectOver(&dial, sources: 1)
    }

    @Test func `IPv6 is tried first where both families answer`() throws {
        let (v6, v4) = try Self.bothFamilies()
        self.names.answer("name.test", with: [v6.address, v4.address])
        var dial: Dial? = self.dial(port: v6.address.port)
        self.rig.turn { self.caller.calls > 0 }
        #expect(self.caller.connection?.remoteAddress == v6.address)
        self.expectOver(&dial, sources: 1)
    }

    @Test func `a refused first address gives way to the next one at once`() throws {
        let (v6, v4) = try Self.bothFamilies()
        self.names.answer("name.test", with: [v6.address, v4.address])
        let port = v6.address.port
        // Nobody listens on the first one any more.
        shutdown(v6.descriptor, CInt(SHUT_RD))
        var dial: Dial? = self.dial(port: port)
        // The clock stands still: no delay is needed.
        self.rig.turn { self.caller.calls > 0 }
        #expect(self.caller.connection?.remoteAddress == v4.address)
        self.expectOver(&dial, sources: 1)
        _ = v6
    }

    @Test func `a silent first address is overtaken after a quarter of a second`() throws {
        let v4 = try ListeningSocket(bindingTo: loopback())
        let silent = try Silent(loopback6(port: v4.address.port))
        self.names.answer("name.test", with: [silent.socket.address, v4.address])
        var dial: Dial? = self.dial(port: v4.address.port)
        self.rig.turn { self.rig.loop.sourceCount == 1 }
        self.rig.advance(by: .milliseconds(249))
        self.rig.turn(3)
        #expect(self.rig.loop.sourceCount == 1)
        self.rig.advance(by: .milliseconds(1))
        self.rig.turn { self.caller.calls > 0 }
        #expect(self.caller.connection?.remoteAddress == v4.address)
        self.expectOver(&dial, sources: 1)
    }

    @Test func `an address that failed is tried last for half a minute`() throws {
        let (v6, v4) = try Self.bothFamilies()
        self.names.answer("name.test", with: [v6.address, v4.address])
        let port = v6.address.port
        shutdown(v6.descriptor, CInt(SHUT_RD))
        _ = self.dial(port: port)
        self.rig.turn { self.caller.calls == 1 }
        let addresses = [v6.address, v4.address]
        #expect(self.rig.loop.addresses.ordered(addresses, at: self.rig.clock.now) == [v4.address, v6.address])
        self.rig.advance(by: .seconds(31))
        #expect(self.rig.loop.addresses.ordered(addresses, at: self.rig.clock.now) == addresses)
        _ = v6
    }

    @Test func `so is one that was overtaken, and one that never answered`() throws {
        let v4 = try ListeningSocket(bindingTo: loopback())
        let silent = try Silent(loopback6(port: v4.address.port))
        let addresses = [silent.socket.address, v4.address]
        self.names.answer("name.test", with: addresses)
        _ = self.dial(port: v4.address.port)
        self.rig.turn { self.rig.loop.sourceCount == 1 }
        self.rig.advance(by: .milliseconds(250))
        self.rig.turn { self.caller.calls == 1 }
        #expect(self.rig.loop.addresses.ordered(addresses, at: self.rig.clock.now) == addresses.reversed())
        self.names.answer("silent.test", with: [silent.socket.address])
        self.rig.advance(by: .seconds(31))
        _ = self.dial("silent.test", port: v4.address.port)
        self.rig.turn { self.rig.loop.sourceCount == 2 }
        self.rig.advance(by: .seconds(3))
        self.rig.turn { self.caller.calls == 2 }
        #expect(self.rig.loop.addresses.ordered(addresses, at: self.rig.clock.now) == addresses.reversed())
    }

    @Test func `addresses that are all refused fail with the last error`() throws {
        var port: UInt16 = 0
        do {
            let (v6, _) = try Self.bothFamilies()
            port = v6.address.port
        }
        self.names.answer("name.test", with: [loopback6(), loopback()])
        var dial: Dial? = self.dial(port: port)
        self.rig.turn { self.caller.calls > 0 }
        #expect(self.caller.errors == [.unreachable(SystemError("connect", code: ECONNREFUSED))])
        self.expectOver(&dial, sources: 0)
    }

    @Test func `a name that can not be looked up fails with the reason`() throws {
        self.names.fail("name.test")
        var dial: Dial? = self.dial(port: 1)
        self.rig.turn { self.caller.calls > 0 }
        #expect(self.caller.errors == [.unresolved(ResolveError(name: "name.test", reason: "no such name"))])
        #expect(self.caller.errors.first?.description == "cannot resolve name.test: no such name")
        self.expectOver(&dial, sources: 0)
    }

    @Test func `a name without addresses fails`() throws {
        self.names.answer("name.test", with: [])
        var dial: Dial? = self.dial(port: 1)
        self.rig.turn { self.caller.calls > 0 }
        #expect(self.caller.errors == [.unreachable(SystemError("connect", code: EADDRNOTAVAIL))])
        self.expectOver(&dial, sources: 0)
    }

    @Test func `silent addresses time out, all together`() throws {
        let silent = try Silent()
        self.names.answer("name.test", with: [silent.socket.address, silent.socket.address])
        var dial: Dial? = self.dial(port: silent.socket.address.port)
        self.rig.turn { self.rig.loop.sourceCount == 1 }
        self.rig.advance(by: .milliseconds(250))
        #expect(self.rig.loop.sourceCount == 2)
        self.rig.advance(by: .milliseconds(2749))
        #expect(self.caller.calls == 0)
        self.rig.advance(by: .milliseconds(1))
        #expect(self.caller.errors == [.timedOut])
        self.expectOver(&dial, sources: 0)
    }

    @Test func `the time-out covers the look-up, whose late answer is ignored`() throws {
        self.names.answer("name.test", with: [loopback()])
        self.names.hold("name.test")
        var dial: Dial? = self.dial(port: 1)
        try wait { self.names.lookups == 1 }
        self.rig.advance(by: .seconds(3))
        #expect(self.caller.errors == [.timedOut])
        self.names.release("name.test")
        try wait { self.names.isQuiet }
        usleep(2000)
        self.rig.turn(3)
        self.expectOver(&dial, sources: 0)
    }

    @Test func `a dial that was given up tells nobody, before and after the look-up`() throws {
        let listener = try ListeningSocket(bindingTo: loopback())
        var early: Dial? = self.dial("127.0.0.1", port: listener.address.port)
        early?.cancel()
        self.rig.turn(5)
        #expect(self.caller.calls == 0)
        self.expectOver(&early, sources: 0)
        let silent = try Silent()
        var late: Dial? = self.dial("127.0.0.1", port: silent.socket.address.port)
        self.rig.turn { self.rig.loop.sourceCount == 1 }
        late?.cancel()
        late?.cancel()
        #expect(self.caller.calls == 0)
        self.expectOver(&late, sources: 0)
    }

    @Test func `a connection that nobody waits for any more is closed`() throws {
        let listener = try ListeningSocket(bindingTo: loopback())
        var forgetful: Caller? = Caller()
        var dial: Dial? = Dial(
            "127.0.0.1", port: listener.address.port, timeout: .seconds(3), resolver: self.resolver,
            on: self.rig.loop, handler: try #require(forgetful))
        weak let remains = dial
        dial = nil
        forgetful = nil
        #expect(remains != nil, "A dial that is under way keeps itself")
        self.rig.turn { remains == nil }
        #expect(self.rig.loop.sourceCount == 0)
    }

    @Test func `a unix socket is dialed by its path`() throws {
        let folder = try TemporaryFolder()
        let address = SocketAddress(host: .unix(folder.path("s")))
        var missing: Dial? = Dial(address, timeout: .seconds(1), on: self.rig.loop, handler: self.caller)
        self.rig.turn { self.caller.calls == 1 }
        #expect(self.caller.errors == [.unreachable(SystemError("connect", code: ENOENT))])
        self.expectOver(&missing, sources: 0)
        let listener = try ListeningSocket(bindingTo: address)
        var dial: Dial? = Dial(address, timeout: .seconds(1), on: self.rig.loop, handler: self.caller)
        self.rig.turn { self.caller.calls == 2 }
        #expect(self.caller.connection?.remoteAddress == address)
        self.expectOver(&dial, sources: 1)
        _ = listener
    }

    @Test func `bytes that come with the connection reach the handler that was set when it was up`() throws {
        let listener = try ListeningSocket(bindingTo: loopback())
        var dial: Dial? = self.dial("127.0.0.1", port: listener.address.port)
        // The dial begins in this round; the peer speaks first, before the loop looks again.
        self.rig.turn()
        var accepted: CInt = -1
        try wait {
            accepted = accept(listener.descriptor, nil, nil)
            return accepted >= 0
        }
        let peer = Peer(accepted)
        peer.send("banner")
        usleep(1000)
        self.rig.turn { self.caller.recorder.bytes.count == 6 }
        self.expectOver(&dial, sources: 1)
    }
}
