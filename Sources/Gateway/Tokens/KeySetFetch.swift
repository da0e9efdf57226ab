internal import AWS
internal import Configuration
internal import HTTP
internal import Reactor
internal import TLS
internal import Tokens

/// Fetches the keys of an issuer once: its document first, where that says where they are.
///
/// `done` is called once, never within `init`.
final class KeySetFetch {
    private let issuer: String
    private let tls: TLSClientContext?
    private let resolver: Resolver
    private let loop: Loop
    private var done: ((Result<KeySet, KeySetFailure>) -> Void)?
    private var call: ControlCall?

    /// When a whole answer has to be there.
    private static let timeout = Duration.seconds(10)

    init(
        _ source: KeySetSource, of issuer: String, tls: TLSClientContext?, resolver: Resolver, on loop: Loop,
        done: @escaping (Result<KeySet, KeySetFailure>) -> Void
    ) {
        self.issuer = issuer
        self.tls = tls
        self.resolver = resolver
        self.loop = loop
        self.done = done
        switch source {
        case .url(let location):
            self.getKeys(location)
        case .discovery(let location):
            self.get(location) { fetch, body in try fetch.readDocument(body) }
        case .file:
            preconditionFailure("a file is read when the configuration is")
        }
    }

    /// Gives up; nobody is told.
    func cancel() {
        self.done = nil
        self.call?.cancel()
        self.call = nil
    }

    private func readDocument(_ body: [UInt8]) throws {
        self.getKeys(try KeySetLocation(parsing: try DiscoveryDocument.keySetURL(in: body.span, of: self.issuer)))
    }

    private func getKeys(_ location: KeySetLocation) {
        self.get(location) { fetch, body in
            try fetch.finish(.success(KeySet(parsing: body.span)))
        }
    }

    private func get(_ location: KeySetLocation, then read: @escaping (KeySetFetch, [UInt8]) throws -> Void) {
        let request = ControlRequest(
            .get, location.endpoint, path: location.path, query: location.query,
            fields: [("accept", "application/json")], timeout: Self.timeout)
        self.call = ControlCall(request, tls: self.tls, resolver: self.resolver, on: self.loop) { event in
            guard self.done != nil else { return }
            self.call = nil
            switch event {
            case .answered(let answer) where answer.status == 200:
                do {
                    try read(self, answer.body)
                } catch {
                    self.finish(.failure(KeySetFailure(location, "\(error)")))
                }
            case .answered(let answer):
                // Redirects are not followed: they would lead to places that nobody named.
                self.finish(.failure(KeySetFailure(location, "it answers with status \(answer.status)")))
            case .timedOut:
                self.finish(.failure(KeySetFailure(location, "no answer in time")))
            case .unanswered(let reason):
                self.finish(.failure(KeySetFailure(location, reason)))
            case .read, .unreadable, .written, .unwritable, .printed, .programFailed, .paused:
                break
            }
        }
    }

    private func finish(_ result: Result<KeySet, KeySetFailure>) {
        let done = self.done
        self.done = nil
        done?(result)
    }
}

@available(*, unavailable)
extension KeySetFetch: Sendable {}

/// Why no keys came.
struct KeySetFailure: Error, CustomStringConvertible {
    let description: String

    init(_ location: KeySetLocation, _ reason: String) {
        self.description = "\(location): \(reason)"
    }
}
