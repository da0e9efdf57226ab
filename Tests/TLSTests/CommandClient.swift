import Foundation
import TLS

/// `openssl s_client` against a session of ours: a client that is not ours, on a socket.
struct CommandClient {
    let arguments: [String]
    /// What it reads from its standard input.
    var input = ""
    var ending = Ending.early

    /// How the connection comes to its end.
    enum Ending {
        /// Cut as soon as the handshake is completed, and the input has arrived.
        case early
        /// By the command, which the input tells to.
        case byCommand
        /// By a close_notify of ours, once the input has arrived.
        case byServer
    }

    init(arguments: [String], input: String = "", ending: Ending = .early) {
        self.arguments = arguments
        self.input = input
        self.ending = ending
    }

    /// Lets it shake hands with the session, and answers the session's side.
    func run(against session: TLSSession) throws -> Peer {
        try self.runWithTranscript(against: session).peer
    }

    /// The same, with what the command printed.
    func runWithTranscript(against session: TLSSession) throws -> (peer: Peer, transcript: String) {
        let peer = Peer(session)
        let (command, connection) = try Command.client(self.arguments, input: self.input)
        while peer.failure == nil, let bytes = LocalSocket.receive(on: connection) {
            peer.receive(bytes)
            LocalSocket.send(peer.takeOutput(), on: connection)
            if !peer.isOpen || (peer.received.isEmpty && !self.input.isEmpty) { continue }
            if self.ending == .early { break }
            if self.ending == .byServer {
                peer.session.close(output: &peer.output)
                LocalSocket.send(peer.takeOutput(), on: connection)
            }
        }
        close(connection)
        return (peer, command.finish(isPatient: self.ending != .early))
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

    /// What arrives next; `nil` at the end, or when nothing comes for long.
    static func receive(on descriptor: Int32) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 70_000)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return count > 0 ? Array(buffer[..<count]) : nil
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

    /// A client, and the connection that it opened.
    static func client(_ arguments: [String], input: String) throws -> (command: Command, connection: Int32) {
        let listener = LocalSocket.listening()
        LocalSocket.setPatience(listener.descriptor)
        defer { close(listener.descriptor) }
        let command = try Command(["s_client", "-connect", "127.0.0.1:\(listener.port)"] + arguments, input: input)
        let connection = accept(listener.descriptor, nil, nil)
        LocalSocket.setPatience(connection)
        return (command, connection)
    }

    /// Gives it a line to read.
    func write(_ line: String) {
        self.inputPipe.fileHandleForWriting.write(Data("\(line)\n".utf8))
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
