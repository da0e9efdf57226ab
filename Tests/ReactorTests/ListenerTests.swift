import Bytes
import Glibc
import Synchronization
import Testing
import Time

@testable import Reactor

@Suite struct ListenerTests {
    final class Acceptor: ListenerHandler {
        private(set) var connections: [Connection] = []
        private(set) var errors: [SystemError] = []
        private(set) var news = 0
        let handler = Recorder()
        var on: ((Connection) -> Void)?

        func accepted(_ connection: Connection) {
            connection.handler = self.handler
            self.connections.append(connection)
            self.on?(connection)
        }

        func acceptPaused(_ error: SystemError, isNews: Bool) {
            self.errors.append(error)
            if isNews { self.news += 1 }
        }

        deinit { for connection in self.connections { connection.close() } }
    }

    static func clients(_ count: Int, of socket: ListeningSocket) throws -> [Peer] {
        try (0..<count).map { _ in Peer(try RawSocket.connect(to: socket.address)) }
    }

    @Test func `clients of IPv4, IPv6 and unix sockets are accepted with their address`() throws {
        let rig = try Rig()
        let file = try TemporaryFolder()
        for address in [loopback(), loopback6(), SocketAddress(host: .unix(file.path("s")))] {
            let socket = try ListeningSocket(bindingTo: address)
            let acceptor = Acceptor()
            let listener = try Listener(socket, on: rig.loop, handler: acceptor)
            let client = Peer(try RawSocket.connect(to: socket.address))
            rig.turn { acceptor.connections.count == 1 }
            let connection = try #require(acceptor.connections.first)
            #expect(connection.remoteAddress.isLoopback)
            #expect(connection.isOpen)
            client.send("hello")
            rig.turn { acceptor.handler.bytes.count == 5 }
            listener.close()
            connection.close()
        }
        #expect(rig.loop.sourceCount == 0)
    }

    @Test func `a port of the kernel's choice is known`() throws {
        let socket = try ListeningSocket(bindingTo: loopback())
        #expect(socket.address.port != 0)
        #expect(throws: SystemError("bind", code: EADDRINUSE)) { try ListeningSocket(bindingTo: socket.address) }
    }

    @Test func `a socket that makes room for another lets nobody else in, whether that other one comes or not`() throws
    {
        let socket = try ListeningSocket(bindingTo: loopback())
        // 192.0.2.1 is of TEST-NET-1, which no machine has.
        let foreign = SocketAddress(host: .v4(UInt32(0xc000_0201).bigEndian), port: socket.address.port)
        #expect(throws: SystemError.self) { try ListeningSocket(bindingTo: foreign, leaving: [socket]) }
        #expect(RawSocket.option(socket.descriptor, SOL_SOCKET, SO_REUSEPORT) == 0)
        let every = SocketAddress(host: .v4(0), port: socket.address.port)
        let other = try ListeningSocket(bindingTo: every, leaving: [socket])
        for one in [socket, other] { #expect(RawSocket.option(one.descriptor, SOL_SOCKET, SO_REUSEPORT) == 0) }
    }

    @Test func `a socket takes nobody before it listens, and may overlap with one that leaves`() throws {
        let before = try ListeningSocket(bindingTo: SocketAddress(host: .v4(0)))
        let address = SocketAddress(host: loopback().host, port: before.address.port)
        let socket = try ListeningSocket(bindingTo: address, leaving: [before], listens: false)
        var accepts: CInt = 1
        var length = socklen_t(MemoryLayout<CInt>.size)
        getsockopt(socket.descriptor, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &length)
        #expect(accepts == 0)
        try socket.listen()
        try socket.listen()
        getsockopt(socket.descriptor, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &length)
        #expect(accepts == 1)
        for one in [before, socket] { #expect(RawSocket.option(one.descriptor, SOL_SOCKET, SO_REUSEPORT) == 0) }
    }

    @Test func `accepted sockets send without delay and are not inherited`() throws {
        let rig = try Rig()
        let socket = try ListeningSocket(bindingTo: loopback())
        let acceptor = Acceptor()
        let listener = try Listener(socket, on: rig.loop, handler: acceptor)
        #expect(fcntl(socket.descriptor, F_GETFD) & FD_CLOEXEC != 0)
        #expect(RawSocket.option(socket.descriptor, CInt(IPPROTO_TCP), TCP_NODELAY) == 1)
        listener.close()
    }

    @Test func `a flood is taken in small bites, and others are served in between`() throws {
        let rig = try Rig()
        let socket = try ListeningSocket(bindingTo: loopback())
        let acceptor = Acceptor()
        let listener = try Listener(socket, on: rig.loop, handler: acceptor)
        let regular = Recorder()
        let (_, peer) = try rig.connect(.unix, handler: regular)
        let clients = try Self.clients(200, of: socket)
        usleep(2000)
        var rounds = 0
        while acceptor.connections.count < clients.count, rounds < 100 {
            let before = acceptor.connections.count
            peer.send("x")
            rig.turn()
            rounds += 1
            #expect(acceptor.connections.count - before <= 8)
            #expect(regular.bytes.count == rounds)
        }
        #expect(acceptor.connections.count == 200)
        listener.close()
    }

    @Test func `closing accepts what waits in the queue`() throws {
        let rig = try Rig()
        let socket = try ListeningSocket(bindingTo: loopback())
        let acceptor = Acceptor()
        let listener = try Listener(socket, on: rig.loop, handler: acceptor)
        let clients = try Self.clients(30, of: socket)
        listener.close()
        #expect(acceptor.connections.count == clients.count)
        listener.close()
        listener.resume()
        let late = Peer(try RawSocket.connect(to: socket.address))
        rig.turn(3)
        #expect(acceptor.connections.count == clients.count, "A closed listener stays closed")
        late.close()
    }

    @Test func `a paused listener leaves clients in the queue until it goes on`() throws {
        let rig = try Rig()
        let socket = try ListeningSocket(bindingTo: loopback())
        let acceptor = Acceptor()
        let listener = try Listener(socket, on: rig.loop, handler: acceptor)
        listener.pause()
        let clients = try Self.clients(3, of: socket)
        rig.turn(3)
        rig.advance(by: .seconds(10))
        #expect(acceptor.connections.isEmpty)
        listener.resume()
        listener.resume()
        rig.turn { acceptor.connections.count == clients.count }
        listener.close()
    }

    @Test func `a handler that pauses at its last connection gets no further one`() throws {
        let rig = try Rig()
        let socket = try ListeningSocket(bindingTo: loopback())
        let acceptor = Acceptor()
        let listener = try Listener(socket, on: rig.loop, handler: acceptor)
        acceptor.on = { [unowned acceptor] _ in if acceptor.connections.count == 3 { listener.pause() } }
        let clients = try Self.clients(6, of: socket)
        rig.turn(5)
        #expect(acceptor.connections.count == 3)
        listener.resume()
        rig.turn { acceptor.connections.count == clients.count }
        listener.close()
    }

    @Test func `a handler that closes the listener at a connection loses none`() throws {
        let rig = try Rig()
        let socket = try ListeningSocket(bindingTo: loopback())
        let acceptor = Acceptor()
        let listener = try Listener(socket, on: rig.loop, handler: acceptor)
        acceptor.on = { _ in listener.close() }
        let clients = try Self.clients(20, of: socket)
        rig.turn(5)
        #expect(acceptor.connections.count == clients.count)
        for connection in acceptor.connections { connection.close() }
        #expect(rig.loop.sourceCount == 0)
    }

    /// In a process of its own, because the limit is the whole process's.
    @Test func `accepting survives that descriptors run out`() async {
        await #expect(processExitsWith: .success) {
            let rig = try Rig()
            let socket = try ListeningSocket(bindingTo: loopback())
            let acceptor = Acceptor()
            let listener = try Listener(socket, on: rig.loop, handler: acceptor)
            let clients = try Self.clients(5, of: socket)
            var limit = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            let before = limit
            // The lowest free descriptor is the first that is forbidden.
            let free = dup(0)
            close(free)
            limit.rlim_cur = rlim_t(free)
            try #require(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
            rig.turn { !acceptor.errors.isEmpty }
            #expect(acceptor.errors == [SystemError("accept", code: EMFILE)])
            // It rests, and does not spin.
            rig.turn(20)
            #expect(acceptor.errors.count == 1)
            #expect(rig.loop.sourceCount == 0)
            rig.advance(by: .milliseconds(99))
            #expect(acceptor.errors.count == 1)
            rig.clock.advance(by: .milliseconds(1))
            rig.turn { acceptor.errors.count == 2 }
            // Paused while it rests, it does not go on by itself.
            listener.pause()
            rig.advance(by: .seconds(1))
            rig.turn(3)
            #expect(acceptor.errors.count == 2)
            listener.resume()
            rig.turn { acceptor.errors.count == 3 }
            // Nobody wants to read of it ten times a second.
            #expect(acceptor.news == 1)
            rig.clock.advance(by: .seconds(61))
            rig.turn { acceptor.errors.count == 4 }
            #expect(acceptor.news == 2)
            limit = before
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            rig.clock.advance(by: .milliseconds(100))
            rig.turn { acceptor.connections.count == clients.count }
            listener.close()
        }
    }

    @Test func `two loops share a socket, and each client is accepted once`() throws {
        let first = try Rig()
        let second = try Rig()
        let socket = try ListeningSocket(bindingTo: loopback())
        let acceptors = [Acceptor(), Acceptor()]
        let listeners = [
            try Listener(socket, on: first.loop, handler: acceptors[0]),
            try Listener(socket, on: second.loop, handler: acceptors[1]),
        ]
        let clients = try Self.clients(12, of: socket)
        first.turn()
        second.turn()
        let deadline = LoopClock.system.monotonic() + .seconds(30)
        while acceptors[0].connections.count + acceptors[1].connections.count < clients.count,
            LoopClock.system.monotonic() < deadline
        {
            first.turn()
            second.turn()
        }
        #expect(acceptors[0].connections.count + acceptors[1].connections.count == 12)
        // One loop goes; the other one takes everything.
        listeners[0].close()
        let more = try Self.clients(12, of: socket)
        second.turn { acceptors[0].connections.count + acceptors[1].connections.count == 24 }
        listeners[1].close()
        _ = more
    }

    @Test func `loops on threads of their own accept each client once`() throws {
        final class Counter: Sendable {
            let count = Atomic(0)
            let listeners = Mutex<[Int: LoopBound<Listener>]>([:])
        }
        final class Closer: ListenerHandler {
            let counter: Counter
            init(_ counter: Counter) { self.counter = counter }
            func accepted(_ connection: Connection) {
                self.counter.count.add(1, ordering: .relaxed)
                connection.close()
            }
            func acceptPaused(_ error: SystemError, isNews: Bool) {}
        }
        let socket = try ListeningSocket(bindingTo: loopback())
        let counter = Counter()
        let loops = [try MailboxTests.RunningLoop(), try MailboxTests.RunningLoop()]
        for (index, loop) in loops.enumerated() {
            loop.mailbox.post { loop in
                guard let listener = try? Listener(socket, on: loop, handler: Closer(counter)) else { return }
                counter.listeners.withLock { $0[index] = LoopBound(listener) }
            }
        }
        for _ in 0..<10 {
            for client in try Self.clients(20, of: socket) { client.close() }
        }
        try wait { counter.count.load(ordering: .relaxed) == 200 }
        for (index, loop) in loops.enumerated() {
            loop.mailbox.post { loop in counter.listeners.withLock { $0[index] }?.value(on: loop).close() }
            loop.stop()
        }
        counter.listeners.withLock { $0 = [:] }
        #expect(counter.count.load(ordering: .relaxed) == 200)
    }
}

@Suite struct ListeningSocketTests {
    @Test func `a stale unix socket is replaced`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("stale")
        let address = SocketAddress(host: .unix(path))
        // A server that ended without removing its file.
        let old = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
        let bound = try address.withSystemAddress { bind(old, $0, $1) }
        try #require(bound == 0)
        listen(old, 1)
        close(old)
        let new = try ListeningSocket(bindingTo: address)
        let client = Peer(try RawSocket.connect(to: address))
        client.close()
        _ = new
    }

    @Test func `a unix socket that somebody listens on is not touched`() throws {
        let folder = try TemporaryFolder()
        let address = SocketAddress(host: .unix(folder.path("used")))
        let first = try ListeningSocket(bindingTo: address)
        #expect(throws: SystemError("bind", code: EADDRINUSE)) { try ListeningSocket(bindingTo: address) }
        Peer(try RawSocket.connect(to: address)).close()
        _ = first
    }

    @Test func `a file that is no socket is not touched`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("precious")
        let file = open(path, O_CREAT | O_WRONLY, 0o600)
        close(file)
        #expect(throws: SystemError("bind", code: EADDRINUSE)) {
            try ListeningSocket(bindingTo: SocketAddress(host: .unix(path)))
        }
        #expect(access(path, F_OK) == 0)
    }

    @Test func `a unix socket's file goes with it, but not the file of its successor`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("mine")
        let address = SocketAddress(host: .unix(path))
        var first: ListeningSocket? = try ListeningSocket(bindingTo: address)
        #expect(access(path, F_OK) == 0)
        first = nil
        #expect(access(path, F_OK) != 0)
        first = try ListeningSocket(bindingTo: address)
        unlink(path)
        let second = try ListeningSocket(bindingTo: address)
        first = nil
        #expect(access(path, F_OK) == 0)
        _ = (first, second)
    }

    @Test func `an inherited socket is taken over, and its file left alone`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("handed over")
        let original = try ListeningSocket(bindingTo: SocketAddress(host: .unix(path)))
        var taken: ListeningSocket? = try ListeningSocket(inherited: dup(original.descriptor))
        #expect(taken?.address == SocketAddress(host: .unix(path)))
        #expect(try fcntl(#require(taken).descriptor, F_GETFD) & FD_CLOEXEC != 0)
        taken = nil
        #expect(access(path, F_OK) == 0)
    }

    @Test func `what is no listening socket is refused and left as it is`() throws {
        let (ours, theirs) = try SocketKind.unix.pair()
        #expect(throws: SystemError.self) { try ListeningSocket(inherited: ours) }
        #expect(close(ours) == 0)
        close(theirs)
        #expect(throws: SystemError.self) { try ListeningSocket(inherited: -1) }
    }
}

/// A folder that goes with its owner.
final class TemporaryFolder {
    private let root: String

    init() throws {
        var template = Array("/tmp/sluice-XXXXXX".utf8CString)
        let made = mkdtemp(&template)
        try #require(made != nil)
        self.root = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    func path(_ name: String) -> String { "\(self.root)/\(name)" }

    deinit {
        if let folder = opendir(self.root) {
            while let entry = readdir(folder) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                unlink("\(self.root)/\(name)")
            }
            closedir(folder)
        }
        rmdir(self.root)
    }
}
