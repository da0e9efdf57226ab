import AWS
import Bytes
import Digest
import Foundation
import HTTP
import Time

/// What came back from a call.
struct CallAnswer: Sendable {
    var head: ResponseHead
    var body: [UInt8]
    /// The payload of each PayloadChunk.
    var chunks: [Chunk] = []
    /// The JSON of InvokeComplete; empty without one.
    var completion: [String: String] = [:]
    /// Whether an InvokeComplete came.
    var isComplete = false

    struct Chunk: Sendable {
        let text: String
    }

    var status: Int { self.head.status }
    var text: String { String(decoding: self.body, as: UTF8.self) }
    /// All payload together.
    var payload: String { self.chunks.map(\.text).joined() }
    var errorType: String? { self.head.fields.first("x-amzn-errortype") }
}

/// A caller of the Invoke APIs with blocking sockets.
enum CallClient {
    /// A signed request.
    static func request(
        method: Method = .post, path: String, query: String = "", headers: [(String, String)] = [], body: [UInt8],
        host: String, credentials: Credentials, at time: WallTime? = nil
    ) -> [UInt8] {
        var output = ByteBuffer()
        output.append("\(method.rawValue) \(path)\(query.isEmpty ? "" : "?\(query)") HTTP/1.1\r\nHost: \(host)\r\n")
        for (name, value) in headers { output.append("\(name): \(value)\r\n") }
        let now = time ?? WallTime(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
        SigV4Signer().appendSignature(
            to: &output, method: method, path: path, query: query,
            signedFields: SignedFields([("host", host)] + headers.map { (name: $0.0, value: $0.1) }),
            payloadHash: SHA256.hash(body.span), scope: SigningScope(region: "eu-west-1", service: "lambda"),
            credentials: credentials, at: now)
        output.append("Content-Length: \(body.count)\r\n\r\n")
        output.append(body)
        return output.array()
    }

    struct Failure: Error {
        let reason: String
    }

    /// Sends bytes and reads one answer.
    static func exchange(
        _ request: [UInt8], port: UInt16, onChunk: (CallAnswer.Chunk) -> Void = { _ in }
    ) throws -> CallAnswer {
        let descriptor = try self.connect(port)
        defer { close(descriptor) }
        try self.send(request, to: descriptor)
        return try self.readAnswer(from: descriptor, onChunk: onChunk)
    }

    /// Connects; a small receive buffer lets back-pressure be seen after few bytes.
    static func connect(_ port: UInt16, receiveBuffer: Int32? = nil) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if var size = receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw Failure(reason: "connect: \(errno)") }
        var timeout = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        return descriptor
    }

    static func send(_ bytes: [UInt8], to descriptor: Int32) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            // The other side may refuse, and say so, before it has read everything.
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// Reads one answer, an event stream message by message.
    static func readAnswer(
        from descriptor: Int32, onChunk: (CallAnswer.Chunk) -> Void = { _ in }
    ) throws -> CallAnswer {
        var parser = HTTP1ResponseParser()
        parser.expectResponse(to: .post)
        var stream = StreamReader()
        var answer: CallAnswer?
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { throw Failure(reason: "the connection ended: \(count) \(errno) \(answer as Any)") }
            let input = buffer[..<count]
            var offset = 0
            parsing: while true {
                switch try parser.next(Array(input).span, at: &offset) {
                case .head(let head, _): answer = CallAnswer(head: head, body: [])
                case .body(let range):
                    answer?.body += input[range]
                    if answer?.head.fields.first("content-type") == "application/vnd.amazon.eventstream" {
                        let known = answer!.chunks.count
                        try stream.read(Array(input[range]), into: &answer!)
                        answer!.chunks.dropFirst(known).forEach(onChunk)
                    }
                case .end: return answer!
                case .needsMore: break parsing
                }
            }
        }
    }

    private struct StreamReader: ~Copyable {
        var decoder = EventStreamDecoder()
        var kind: EventStreamMessageKind?
        var payload: [UInt8] = []

        mutating func read(_ bytes: [UInt8], into answer: inout CallAnswer) throws {
            var offset = 0
            while true {
                switch try self.decoder.next(bytes.span, at: &offset) {
                case .message(let kind):
                    self.kind = kind
                    self.payload = []
                case .payload(let range): self.payload += bytes[range]
                case .messageEnd: try self.messageEnded(into: &answer)
                case .needsMore: return
                }
            }
        }

        private func messageEnded(into answer: inout CallAnswer) throws {
            switch self.kind {
            case .payloadChunk:
                answer.chunks.append(CallAnswer.Chunk(text: String(decoding: self.payload, as: UTF8.self)))
            case .invokeComplete:
                answer.isComplete = true
                let json = try JSONSerialization.jsonObject(with: Data(self.payload))
                answer.completion = json as? [String: String] ?? [:]
            default: throw Failure(reason: "unexpected message \(self.kind as Any)")
            }
        }
    }
}
