import Foundation
import Testing

/// The log for operators, as the real gateway writes it.
@Suite struct OperatorLogTests {
    /// A gateway whose log says nothing that the harness understands, so it is reached at a unix socket.
    private func setup() async throws -> (setup: Setup, socket: String) {
        var setup = try Setup(await FakeLambda.shared)
        let socket = setup.folder.path("http")
        setup.listeners = []
        setup.wholeText = """
            listeners: [{ address: "unix:\(socket)" }]
            routes: [{ path: /fixed, respond: { body: fixed } }]
            admin: { address: "unix:admin" }
            access_log: none

            """
        return (setup, socket)
    }

    private func client(_ socket: String) async throws -> RawClient {
        try await eventually("the gateway listens") { try? await RawClient(unixSocket: socket) }
    }

    @Test func `requests and the end wait for nobody who does not read the log`() async throws {
        var (setup, socket) = try await self.setup()
        let pipe = setup.folder.path("pipe")
        // Open at both ends, and never read.
        setup.launcher = (
            "/bin/sh", ["-c", "mkfifo \(pipe) && exec 3<>\(pipe) && exec \(Support.binary) \"$@\" 2>&3", "sh"]
        )
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            // More lines than a pipe holds: 64 KiB.
            for _ in 0..<600 {
                let client = try await self.client(socket)
                try await client.send("GET /fixed HTTP/1.1\r\nBad Name: x\r\n\r\n")
                #expect(try await client.answer().status == 400)
                client.close()
            }
            let client = try await self.client(socket)
            try await client.send(Gateway.request("/fixed"))
            #expect(try await client.answer().text == "fixed")
            client.close()
        }
    }

    @Test func `its lines are JSON where that is asked for, to the last`() async throws {
        var (setup, socket) = try await self.setup()
        setup.arguments = ["--log-format", "json"]
        try await Gateway.run(setup) { (gateway: Gateway) async throws in
            try await self.client(socket).close()
            gateway.child.signal(SIGHUP)
            try await gateway.logs("the configuration was taken")
            try await gateway.stop()
            let lines = try gateway.log.split(separator: "\n").map { try JSONDocument(parsing: String($0)) }
            #expect(
                lines.contains { $0["message"] == "listening" && $0["address"]?.string?.hasSuffix("/http") == true })
            #expect(lines.allSatisfy { $0["level"]?.string != nil && $0["time"]?.string != nil })
            #expect(lines.last?["message"] == "stopped")
        }
    }
}
