import Foundation
import Testing

/// The cases of the well-known conformance suite, strict ones included, against the gateway as it is run: frames as
/// they are, over plain TCP with prior knowledge and over TLS.
@Suite struct HTTP2ConformanceTests {
    struct Report: Decodable {
        let cases: Int
        let held: Int
        let failures: [String]
    }

    private func check(_ gateway: Gateway, _ arguments: String...) async throws {
        let tool = try await Tool.python("http2_conformance.py", ["127.0.0.1:\(gateway.port)"] + arguments)
        let report = try JSONDecoder().decode(Report.self, from: Data(tool.output.utf8))
        #expect(report.failures == [])
        #expect(report.cases >= 147 && report.held == report.cases)
    }

    /// Answers of the gateway's own come before requests are whole, those of functions after.
    private func setup(isFixed: Bool) async throws -> Setup {
        let function = try await FakeLambda.shared.function(.text("hello world"), .done, .end)
        var setup = try Setup(function, "response: raw")
        if isFixed { setup.routes = ["{ path: /*, respond: { body: hello world } }"] }
        return setup
    }

    @Test(arguments: [true, false])
    func `every case is held with prior knowledge`(isFixed: Bool) async throws {
        try await Gateway.run(try await self.setup(isFixed: isFixed)) { gateway in try await self.check(gateway) }
    }

    @Test(arguments: [true, false])
    func `every case is held over TLS`(isFixed: Bool) async throws {
        var setup = try await self.setup(isFixed: isFixed)
        let authority = try await TestAuthority(in: setup.folder)
        setup.listenerKeys = authority.tls("site")
        try await Gateway.run(setup) { gateway in try await self.check(gateway, "--tls") }
    }
}
