import Foundation
import Testing

@testable import Gateway

/// Limits that many connections hit together: each hit is counted, and a crowd is logged once.
@Suite struct CrowdLimitTests {
    /// `tls:` of a listener, with a certificate that signs itself.
    private static let tls: String = {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("sluice-gateway-tests-\(ProcessInfo.processInfo.processIdentifier)")
        let openssl = Process()
        openssl.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        openssl.arguments = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=a", "-addext", "subjectAltName=DNS:a", "-out", "a.pem", "-keyout", "a.key",
        ]
        openssl.currentDirectoryURL = folder
        openssl.standardError = FileHandle.nullDevice
        openssl.standardInput = FileHandle.nullDevice
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try openssl.run()
        } catch {
            fatalError("no certificate: \(error)")
        }
        openssl.waitUntilExit()
        let path = folder.path
        atexit { try? FileManager.default.removeItem(at: CrowdLimitTests.folder) }
        return "tls: { certificates: [{ certificate: \"\(path)/a.pem\", key: \"\(path)/a.key\" }] }"
    }()

    private static let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("sluice-gateway-tests-\(ProcessInfo.processInfo.processIdentifier)")

    /// Holds what was counted and logged against what ought to have been.
    private func expect(
        _ rig: Rig, _ limit: String, count: Int, lines: Int = 1, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let totals = rig.context.metrics.totals.limits
        #expect(totals.keys == [limit] && totals.values == [count], sourceLocation: sourceLocation)
        #expect(rig.log.lines(with: "limit hit").count == lines, sourceLocation: sourceLocation)
        #expect(rig.log.lines(with: "limit=\(limit) ").count == lines, sourceLocation: sourceLocation)
    }

    @Test func `handshakes that take too long are ended`() throws {
        let rig = try Rig(limits: "tls_handshake: 5s", listener: Self.tls)
        let peers = try (0..<3).map { _ in try rig.connect() }
        // One has begun.
        peers[0].send([0x16, 3, 1, 2, 0, 1])
        rig.turn()
        rig.advance(by: .milliseconds(4900))
        for peer in peers {
            peer.receive()
            #expect(!peer.hasEnded)
        }
        rig.advance(by: .milliseconds(200))
        for peer in peers { try rig.awaitEnd(peer) }
        self.expect(rig, "tls_handshake", count: 3)
        #expect(rig.log.lines(with: "protocol=TLS handshake").count == 1)
        // After a while without it is news again.
        rig.advance(by: .seconds(61))
        let late = try rig.connect()
        rig.advance(by: .seconds(6))
        try rig.awaitEnd(late)
        self.expect(rig, "tls_handshake", count: 4, lines: 2)
    }

    @Test func `of too many handshakes the oldest give way, and the others go on`() throws {
        let rig = try Rig(limits: "tls_handshakes: 2", listener: Self.tls)
        let peers = try (0..<4).map { _ in try rig.connect() }
        for peer in peers.prefix(2) { try rig.awaitEnd(peer) }
        for peer in peers.suffix(2) {
            peer.receive()
            #expect(!peer.hasEnded)
        }
        self.expect(rig, "tls_handshakes", count: 2)
    }

    /// Over the PROXY protocol, because loopback is exempt.
    @Test func `connections of one address beyond its number are refused`() throws {
        let rig = try Rig(
            limits: "connections_per_address: 2", listener: "proxy_protocol: true, trusted_proxies: [127.0.0.0/8]")
        func connect(_ address: String) throws -> Peer {
            let peer = try rig.connect()
            peer.send("PROXY TCP4 \(address) 192.0.2.1 1000 80\r\n")
            rig.turn()
            return peer
        }
        func serves(_ peer: Peer) throws {
            peer.send("GET /fixed HTTP/1.1\r\nHost: a\r\n\r\n")
            try rig.await(peer, "fixed")
        }
        var peers = try (0..<2).map { _ in try connect("198.51.100.7") }
        for _ in 0..<3 { try rig.awaitEnd(try connect("198.51.100.7")) }
        self.expect(rig, "connections_per_address", count: 3)
        #expect(rig.log.lines(with: "limit hit")[0].contains("client=198.51.100.7 "))
        for peer in peers { try serves(peer) }
        try serves(connect("198.51.100.8"))
        // One that goes makes room.
        peers.removeLast().close()
        rig.turn()
        try serves(connect("198.51.100.7"))
        self.expect(rig, "connections_per_address", count: 3)
    }

    @Test func `want of descriptors is counted each time, and logged once`() throws {
        let rig = try Rig()
        #expect(rig.context.noteExhaustion())
        #expect(!rig.context.noteExhaustion())
        rig.advance(by: .seconds(61))
        #expect(rig.context.noteExhaustion())
        #expect(rig.context.metrics.totals.limits.keys == ["descriptors"])
        #expect(rig.context.metrics.totals.limits.values == [3])
    }
}
