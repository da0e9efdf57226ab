import Bytes
import TLS
import Testing
import Time

/// One side of a connection in memory: a session, and everything that it said.
final class Peer {
    let session: TLSSession
    var output = ByteBuffer()
    private var scratch = ByteBuffer()
    private(set) var received: [UInt8] = []
    private(set) var events: [TLSSession.Event] = []
    private(set) var failure: TLSFailure?

    init(_ session: TLSSession) { self.session = session }

    /// Takes in bytes, as a driver does.
    func receive(_ bytes: [UInt8]) {
        var offset = 0
        while true {
            do throws(TLSFailure) {
                let event = try self.session.next(
                    bytes.span, at: &offset, plaintext: &self.scratch, output: &self.output)
                if event == .plaintext {
                    self.received += self.scratch.array()
                    self.scratch.removeAll()
                }
                if event == .needsMore { break }
                if event == .plaintext, self.events.last == .plaintext { continue }
                self.events.append(event)
            } catch {
                self.failure = error
                break
            }
        }
        #expect(offset == bytes.count, "everything is taken in")
    }

    /// Everything that is to be sent.
    func takeOutput() -> [UInt8] {
        let bytes = self.output.array()
        self.output.removeAll()
        return bytes
    }

    /// Encrypts text.
    func send(_ text: String) {
        self.send(Array(text.utf8))
    }

    /// Encrypts bytes.
    func send(_ bytes: [UInt8]) {
        do throws(TLSFailure) {
            try self.session.encrypt(bytes.span, output: &self.output)
        } catch {
            self.failure = error
        }
    }

    /// The number of bytes that are to be sent.
    var pending: Int { self.output.count }
    var text: String { String(decoding: self.received, as: UTF8.self) }
    var isOpen: Bool { self.session.isOpen }
    var handshake: TLSHandshake? { self.session.handshake }
}

/// Two sides, and the wire between them.
final class Pair {
    let client: Peer
    let server: Peer

    init(client: TLSSession, server: TLSSession) throws {
        self.client = Peer(client)
        self.server = Peer(server)
        try client.start(output: &self.client.output)
    }

    /// Carries bytes until neither side has any, in pieces of `size`.
    func run(size: Int = .max) {
        for _ in 0..<50 {
            let toServer = self.client.takeOutput()
            for piece in pieces(of: toServer, size: size) { self.server.receive(piece) }
            let toClient = self.server.takeOutput()
            for piece in pieces(of: toClient, size: size) { self.client.receive(piece) }
            if toServer.isEmpty, toClient.isEmpty { return }
        }
        Issue.record("the two sides never fall silent")
    }
}

func pieces(of bytes: [UInt8], size: Int) -> [[UInt8]] {
    if size >= bytes.count { return bytes.isEmpty ? [] : [bytes] }
    return stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<min(bytes.count, $0 + size)]) }
}

let start = MonotonicTime(nanoseconds: 1_000_000_000)

/// A server of the given certificates.
func serverContext(
    _ names: String..., profile: TLSProfile = .intermediate, minimum: TLSVersion = .tls12,
    unknown: UnknownServerName = .fallback, clients: ClientCertificatePolicy? = nil,
    protocols: [ApplicationProtocol] = [.http2, .http1], keys: TicketKeys = TicketKeys(at: start)
) throws -> TLSServerContext {
    try TLSServerContext(
        TLSServerSettings(
            certificates: names.map { Certificates.source($0) }, profile: profile, minimumVersion: minimum,
            unknownServerName: unknown, clientCertificates: clients, applicationProtocols: protocols),
        ticketKeys: keys)
}

/// A client that trusts the authority of the tests.
func clientContext(_ authority: String = "ca") throws -> TLSClientContext {
    try TLSClientContext(
        additionalAuthorities: Certificates.bytes("\(authority).pem"), authoritiesFile: "\(authority).pem")
}

/// A connection that has been carried as far as it gets.
func connect(
    _ client: TLSClientContext, _ server: TLSServerContext, host: String = "a.example",
    offering: [ApplicationProtocol] = [.http2, .http1], at now: MonotonicTime = start, size: Int = .max
) throws -> Pair {
    let pair = try Pair(
        client: TLSSession(client, host: host, offering: offering), server: TLSSession(server, at: now))
    pair.run(size: size)
    return pair
}
