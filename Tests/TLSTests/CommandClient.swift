import Foundation
import TLS

/// `openssl s_client`, over pipes that this process carries to a session: a client that is not ours.
struct CommandClient {
    let arguments: [String]
    /// What it says on its standard input.
    var input = ""

    init(arguments: [String], input: String = "") throws {
        self.arguments = arguments
        self.input = input
    }

    /// Lets it shake hands with the session, and answers the session's side.
    func run(against session: TLSSession) throws -> Peer {
        let peer = Peer(session)
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = bind(listener, $0, length)
                _ = getsockname(listener, $0, &length)
            }
        }
        listen(listener, 1)
        defer { close(listener) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments =
            ["s_client", "-connect", "127.0.0.1:\(UInt16(bigEndian: address.sin_port))", "-quiet", "-no_ign_eof"]
            + self.arguments
        let pipe = Pipe()
        process.standardInput = pipe
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        defer {
            process.terminate()
            process.waitUntilExit()
        }
        let connection = accept(listener, nil, nil)
        var patience = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        defer { close(connection) }
        pipe.fileHandleForWriting.write(Data(self.input.utf8))
        var buffer = [UInt8](repeating: 0, count: 70_000)
        while peer.failure == nil {
            let count = recv(connection, &buffer, buffer.count, 0)
            if count <= 0 { break }
            peer.receive(Array(buffer[..<count]))
            let output = peer.takeOutput()
            if !output.isEmpty { _ = output.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, 0) } }
            if peer.isOpen, self.input.isEmpty || !peer.received.isEmpty { break }
        }
        return peer
    }
}
