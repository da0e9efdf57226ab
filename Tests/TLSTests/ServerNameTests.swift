import Testing
import Time

@testable import TLS

@Suite struct ServerNameTests {
    @Test func `exact names come before wildcards of one label`() throws {
        let table = CertificateTable(names: [
            ["a.example", "www.a.example"], ["*.b.example", "b.example"], ["exact.b.example"], ["a.example"],
            ["*.b.example"],
        ])
        let rows: [(name: String, certificates: [Int]?)] = [
            ("a.example", [0, 3]), ("www.a.example", [0]), ("other.a.example", nil), ("b.example", [1]),
            ("x.b.example", [1, 4]), ("exact.b.example", [2]), ("x.y.b.example", nil), (".b.example", nil),
            ("*.b.example", [1, 4]), ("example", nil), ("", nil),
        ]
        for row in rows {
            let found = table.group(for: row.name).map { table.groups[$0] }
            #expect(found == row.certificates, "\(row.name)")
        }
        #expect(table.groups[table.fallback] == [0, 3])
    }

    @Test func `a first certificate without names is the fallback all the same`() throws {
        let table = CertificateTable(names: [[], ["a.example"]])
        #expect(table.groups[table.fallback] == [0])
        #expect(table.group(for: "a.example").map { table.groups[$0] } == [1])
    }

    @Test(arguments: [
        ("A.Example", "a.example"), ("a.example.", "a.example"), ("a_b.example", "a_b.example"), ("", nil), (".", nil),
        ("a..b", nil), (".a", nil), ("a..", nil), ("a b", nil), ("a\u{0}b", nil), ("ä.example", nil), ("*.a", nil),
        ("127.0.0.1", "127.0.0.1"), ("::1", nil),
    ])
    func `a host name has one form`(text: String, canonical: String?) {
        #expect(ServerName.canonical(text.utf8.span) == canonical)
    }

    @Test(arguments: [("*.A.b", "*.a.b"), ("*.b", "*.b"), ("*", nil), ("*a.b", nil), ("a.*.b", nil), ("*.", nil)])
    func `a wildcard is a whole left-most label`(text: String, canonical: String?) {
        #expect(ServerName.canonical(text.utf8.span, allowsWildcard: true) == canonical)
    }

    @Test func `names that are longer than DNS allows are none`() {
        #expect(ServerName.canonical(String(repeating: "a.", count: 126).utf8.span) != nil)
        #expect(ServerName.canonical(String(repeating: "a.", count: 128).utf8.span) == nil)
    }

    // RFC 6066 §3: a list with its length, an entry with type 0 and its length.
    @Test(arguments: [
        ([0, 4, 0, 0, 1, 97], ServerName.Request.name("a")), ([0, 4, 0, 0, 1, 32], .unusable(" ")),
        ([], .none), ([0, 3, 0, 0, 1], .none), ([0, 5, 0, 0, 1, 97], .none), ([0, 4, 1, 0, 1, 97], .none),
        ([0, 4, 0, 0, 2, 97], .none), ([0, 4, 0, 0, 0, 97], .none), ([255, 255, 0, 255, 255, 97], .none),
    ])
    func `the extension of a hello`(bytes: [UInt8], expected: ServerName.Request) {
        #expect(ServerName.request(inExtension: bytes.span) == expected)
    }

    @Test(arguments: [
        ("a.example", true), ("www.a.example", true), ("WWW.A.EXAMPLE", true), ("x.b.example", true),
        ("exact.b.example", true), ("b.example", true), ("common.example", true), ("local.example", true),
        ("x.y.b.example", false), ("unknown.example", false), ("expired.example", false),
    ])
    func `the certificate that is shown has the name`(host: String, works: Bool) throws {
        let server = try serverContext("a", "b", "exact", "common", "address")
        let pair = try connect(clientContext(), server, host: host)
        #expect(pair.client.isOpen == works)
        if works {
            #expect(pair.server.handshake?.serverName == host.lowercased())
        } else {
            #expect(pair.client.failure == .certificateRefused(.wrongHost(host)))
            #expect(pair.server.failure == .peerAlert(.badCertificate))
        }
    }

    @Test func `unknown names are refused where they are to be`() throws {
        let server = try serverContext("a", unknown: .reject)
        let pair = try connect(clientContext(), server, host: "unknown.example")
        #expect(pair.server.failure == .unknownServerName("unknown.example"))
        #expect(pair.server.failure?.alert == .unrecognizedName)
        #expect(pair.client.failure == .peerAlert(.unrecognizedName))
        #expect(try connect(clientContext(), server).server.isOpen)
    }

    @Test func `without a name the fallback is shown, also where unknown names are refused`() throws {
        let server = try serverContext("a", unknown: .reject)
        let client = CommandClient(arguments: ["-noservername"])
        let peer = try client.run(against: TLSSession(server, at: start))
        #expect(peer.isOpen)
        #expect(peer.handshake != nil && peer.handshake?.serverName == nil)
    }

    @Test func `addresses are verified, and not sent as names`() throws {
        let server = try serverContext("address", unknown: .reject)
        for host in ["127.0.0.1", "::1", "[::1]"] {
            let pair = try connect(clientContext(), server, host: host)
            #expect(pair.server.isOpen && pair.client.isOpen, "\(host)")
            #expect(pair.server.handshake?.serverName == nil)
        }
        let pair = try connect(clientContext(), server, host: "127.0.0.2")
        #expect(pair.client.failure == .certificateRefused(.wrongHost("127.0.0.2")))
    }

    @Test func `RSA or ECDSA is shown as the client's signature algorithms allow`() throws {
        for order in [["a", "a-rsa"], ["a-rsa", "a"]] {
            let server = try serverContext(order[0], order[1])
            for (algorithms, subject) in [("ECDSA+SHA256", "CN = a\n"), ("rsa_pss_rsae_sha256", "CN = a-rsa\n")] {
                let client = CommandClient(
                    arguments: ["-sigalgs", algorithms, "-servername", "a.example"], input: "Q\n", ending: .byCommand)
                let (peer, transcript) = try client.runWithTranscript(against: TLSSession(server, at: start))
                #expect(peer.events.first == .handshakeCompleted)
                #expect(transcript.contains("subject=\(subject)"), "\(order) \(algorithms)")
            }
        }
    }

    @Test func `a request for another certificate's host is misdirected`() throws {
        let server = try serverContext("a", "b", "exact")
        let rows: [(opened: String, host: String, misdirected: Bool)] = [
            ("a.example", "a.example", false), ("a.example", "www.a.example", false), ("a.example", "b.example", true),
            ("a.example", "nobody.example", false), ("x.b.example", "y.b.example", false),
            ("x.b.example", "b.example", false), ("x.b.example", "exact.b.example", false),
            ("exact.b.example", "x.b.example", true), ("x.b.example", "a.example", true),
        ]
        for row in rows {
            let pair = try connect(clientContext(), server, host: row.opened)
            #expect(server.isMisdirected(host: row.host, on: pair.server.session) == row.misdirected, "\(row)")
        }
    }
}
