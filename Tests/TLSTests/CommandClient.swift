import Foundation
import TLS

/// `openssl s_client` against a session of ours: a client that is not ours, on a socket.
struct CommandClient {
    let arguments: [String]
    /// What it reads from its standard input.
    var input = ""
    /// Whether it is let go as soon as the handshake is completed, or the input has arrived.
    var leavesEarly = true

    init(arguments: [String], input: String = "", leavesEarly: Bool = true) {
        self.arguments = arguments
        self.input = input
        self.leavesEarly = leavesEarly
    }

    /// Lets it shake hands with the session, and answers the session's side.
    func run(against session: TLSSession) throws -> Peer {
        try self.runWithTranscript(against: session).peer
    }

    /// The same, with what the command printed.
    func runWithTranscript(against session: TLSSession) throws -> (peer: Peer, transcript: String) {
        let peer = Peer(session)
        let listener = LocalSocket.listening()
        LocalSocket.setPatience(listener.descriptor)
        defer { close(listener.descriptor) }
        let command = try Command(
            ["s_client", "-connect", "127.0.0.1:\(listener.port)"] + self.arguments, input: self.input)
        let connection = accept(listener.descriptor, nil, nil)
        LocalSocket.setPatience(connection)
        var buffer = [UInt8](repeating: 0, count: 70_000)
        while peer.failure == nil {
            let count = recv(connection, &buffer, buffer.count, 0)
            if count <= 0 { break }
            peer.receive(Array(buffer[..<count]))
            LocalSocket.send(peer.takeOutput(), on: connection)
            if self.leavesEarly, peer.isOpen, self.input.isEmpty || !peer.received.isEmpty { break }
        }
        close(connection)
        return (peer, command.finish(isPatient: !self.leavesEarly))
    }
}

/// Sockets on the loopback address.
enum LocalSocket {
    static func listening() -> (descriptor: Int32, port: UInt16) {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = Self.address(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = bind(listener, $0, length)
                _ = getsockname(listener, $0, &length)
            }
        }
        listen(listener, 1)
        return (listener, UInt16(bigEndian: address.sin_port))
    }

    static func connected(to port: UInt16) -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = Self.address(port: port)
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if result != 0 {
            close(descriptor)
            return -1
        }
        Self.setPatience(descriptor)
        return descriptor
    }

    static func setPatience(_ descriptor: Int32) {
        var patience = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    }

    static func send(_ bytes: [UInt8], on descriptor: Int32) {
        if bytes.isEmpty { return }
        _ = bytes.withUnsafeBytes { Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }

    private static func address(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        address.sin_port = port.bigEndian
        return address
    }
}

/// A run of the `openssl` command.
final class Command {
    private let process = Process()
    private let output = Pipe()
    private let inputPipe = Pipe()

    init(_ arguments: [String], input: String) throws {
        self.process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        self.process.arguments = arguments
        self.process.standardInput = self.inputPipe
        self.process.standardOutput = self.output
        self.process.standardError = self.output
        try self.process.run()
        self.inputPipe.fileHandleForWriting.write(Data(input.utf8))
    }

    /// Reads what it prints until a text is in it.
    func wait(for text: String) -> String {
        var printed = Data()
        while !String(decoding: printed, as: UTF8.self).contains(text) {
            let more = self.output.fileHandleForReading.availableData
            if more.isEmpty { break }
            printed += more
        }
        return String(decoding: printed, as: UTF8.self)
    }

    /// Ends it, or lets it come to its own end, and answers what it printed.
    func finish(isPatient: Bool = false) -> String {
        self.inputPipe.fileHandleForWriting.closeFile()
        // The mask of signals is inherited from a test thread, which may block all others.
        if !isPatient { kill(self.process.processIdentifier, SIGKILL) }
        let printed = self.output.fileHandleForReading.readDataToEndOfFile()
        self.process.waitUntilExit()
        return String(decoding: printed, as: UTF8.self)
    }
}
