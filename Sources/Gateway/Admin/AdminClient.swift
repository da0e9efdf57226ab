internal import Bytes
package import Configuration
internal import HTTP
internal import Reactor

/// Asks a running gateway's admin listener, and waits for the answer. For commands, not for loops.
package final class AdminClient {
    private let address: SocketAddress
    /// For the field of that name.
    private let host: String
    /// As the configuration has it.
    private let name: String
    private let token: String?
    private let loop: Loop

    /// How long an answer may take.
    private static let patience = Duration.seconds(5)

    package init(_ settings: AdminSettings) throws {
        self.token = settings.token
        self.name = settings.address.description
        self.loop = try Loop()
        switch settings.address {
        case .unix(let path):
            self.address = SocketAddress(host: .unix(path))
            self.host = "localhost"
        case .network(let network):
            // Who listens on all addresses is reached through the loopback one.
            let name = network.host == "0.0.0.0" ? "127.0.0.1" : network.host == "::" ? "::1" : network.host
            self.host = "\(NetworkAddress(host: name, port: network.port))"
            if let literal = SocketAddress(literal: name, port: network.port) {
                self.address = literal
            } else {
                guard case .success(let found) = Resolver.systemLookup(name), let first = found.first else {
                    throw AdminClientError.unreachable("\(network)", "the name is not known")
                }
                self.address = SocketAddress(host: first.host, port: network.port)
            }
        case .descriptor(let name):
            throw AdminClientError.unreachable("fd:\(name)", "a socket of the service manager has no address here")
        }
    }

    /// Gets a page. Throws where there is no answer, or one that is no 200.
    package func get(_ path: String) throws(AdminClientError) -> [UInt8] {
        let fetch = Fetch()
        var request = ByteBuffer()
        request.append("GET \(path) HTTP/1.1\r\nhost: \(self.host)\r\nconnection: close\r\n")
        if let token = self.token { request.append("authorization: Bearer \(token)\r\n") }
        request.append("\r\n")
        do throws(SystemError) {
            let connection = try Connection(to: self.address, on: self.loop, handler: fetch)
            connection.send(request)
            let timer = LoopTimer(handler: fetch)
            self.loop.set(timer, after: Self.patience)
            while fetch.result == nil { self.loop.turn() }
            self.loop.cancel(timer)
            connection.close()
        } catch {
            throw .unreachable(self.name, error.description)
        }
        switch fetch.result {
        case .success(let (200, body)): return body
        case .success(let (status, body)): throw .refused(status, String(decoding: body, as: UTF8.self))
        case .failure(let error): throw .unreachable(self.host, error.reason)
        case nil: throw .unreachable(self.host, "no answer")
        }
    }
}

/// Why the admin listener said nothing useful.
package enum AdminClientError: Error, CustomStringConvertible {
    case unreachable(String, String)
    case refused(Int, String)

    package var description: String {
        switch self {
        case .unreachable(let address, let reason): "no gateway answers on \(address): \(reason)"
        case .refused(let status, let text): "the gateway answered \(status): \(text)"
        }
    }
}

/// One request and its answer.
private final class Fetch: ConnectionHandler, LoopTimerHandler {
    private(set) var result: Result<(Int, [UInt8]), Failure>?
    private var parser = HTTP1ResponseParser(limits: HeadLimits())
    private var status = 0
    private var body = ByteBuffer()

    struct Failure: Error {
        let reason: String
    }

    init() {
        self.parser.expectResponse(to: .get)
    }

    func received(_ bytes: Span<UInt8>) {
        var offset = 0
        do throws(ResponseFault) {
            while self.result == nil {
                switch try self.parser.next(bytes, at: &offset) {
                case .head(let head, _): self.status = head.status
                case .body(let range): self.body.append(bytes.extracting(range))
                case .end: self.result = .success((self.status, self.body.array()))
                case .needsMore: return
                }
            }
        } catch {
            self.end(error.description)
        }
    }

    func receivedEnd() { self.end("the connection was closed") }

    func closed(_ cause: CloseCause) {
        switch cause {
        case .connectFailed(let error), .failed(let error): self.end(error.description)
        case .refused(let reason): self.end(reason)
        }
    }

    func timerFired(_ timer: LoopTimer) { self.end("no answer in time") }

    private func end(_ reason: String) {
        if self.result == nil { self.result = .failure(Failure(reason: reason)) }
    }
}
