import Foundation
import Glibc
import Synchronization

/// A stand-in for the service manager's end of sd_notify(3): takes every message as it comes, and keeps it.
final class NotifySocket: Sendable {
    /// What NOTIFY_SOCKET has to say.
    let name: String
    private let descriptor: Int32
    private let received = Received()

    private final class Received: Sendable {
        let messages = Mutex<[String]>([])
    }

    /// At a path in a folder, or at an abstract name.
    init(in folder: TestFolder, isAbstract: Bool = false) throws {
        self.name = isAbstract ? "@sluice-test-\(UUID().uuidString)" : folder.path("notify")
        self.descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(self.name.utf8)
        if isAbstract { bytes[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let descriptor = self.descriptor
        let result = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(2 + bytes.count))
            }
        }
        guard result == 0 else { throw HarnessError("bind \(self.name): \(String(cString: strerror(errno)))") }
        let received = self.received
        // The queue of such a socket holds few messages, and who finds it full waits.
        Thread.detachNewThread {
            var buffer = [UInt8](repeating: 0, count: 4096)
            while true {
                let count = recv(descriptor, &buffer, buffer.count, 0)
                guard count > 0 else { break }
                received.messages.withLock { $0.append(String(decoding: buffer[..<count], as: UTF8.self)) }
            }
            close(descriptor)
        }
    }

    deinit {
        // Wakes the reader, which closes.
        shutdown(self.descriptor, Int32(SHUT_RDWR))
    }

    /// All messages so far.
    var messages: [String] { self.received.messages.withLock { $0 } }

    /// Waits for a message with this line, and answers its lines.
    @discardableResult
    func wait(for line: String, _ count: Int = 1) async throws -> [String] {
        try await eventually("the service manager is told \(line)") {
            let matching = self.messages.map { $0.split(separator: "\n").map(String.init) }.filter {
                $0.contains(line)
            }
            return matching.count >= count ? matching[count - 1] : nil
        }
    }
}
