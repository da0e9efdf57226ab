import Foundation
import Testing

/// Certificates as files: read, checked, and taken again when they change.
@Suite struct CertificateFileTests {
    @Test func `check reads the files, and says what is wrong with them where they are named`() async throws {
        let folder = try TestFolder()
        let authority = try await TestAuthority(in: folder)
        try await authority.run(
            "ec old; leaf old ca /CN=old subjectAltName=DNS:old.example 10; echo nothing > empty.pem; ec lone")
        let file = try folder.write(
            "sluice.yaml",
            """
            listeners:
              - address: "127.0.0.1:0"
                tls:
                  certificates:
                    - { certificate: site.pem, key: other.key }
                    - certificate: missing.pem
                      key: empty.pem
                  client_ca: empty.pem
              - address: "127.0.0.1:1"
                tls: { certificates: [{ certificate: old.pem, key: old.key }] }
            routes: [{ respond: { body: x } }]

            """)
        let broken = try await Tool.sluice("check", "--config", file)
        #expect(broken.status == 1)
        #expect(broken.errors.contains("\(file):6:24: error: \(folder.path)/missing.pem: No such file or directory"))
        #expect(
            broken.errors.contains("\(file):10:42: warning: \(folder.path)/old.pem: the certificate expires in 9 days"))
        // Files that are missing hide what else is wrong; the rest comes with the next check.
        try await authority.run("cp site.pem missing.pem")
        let next = try await Tool.sluice("check", "--config", file)
        #expect(next.status == 1)
        #expect(
            next.errors.contains(
                "\(file):5:41: error: \(folder.path)/other.key: the private key in it does not belong to the certificate in \(folder.path)/site.pem"
            ), "\(next.errors)")
        #expect(next.errors.contains("empty.pem: there is no private key in PEM form in it"))
        #expect(next.errors.contains("empty.pem: there is no certificate in PEM form in it"))
        let run = try await Tool.sluice("run", "--config", file)
        #expect(run.status == 1)
        #expect(run.errors.contains("\(file):5:41: error:"), "\(run.errors)")
        try await authority.run(
            "cp other.pem site.pem; cp other.pem missing.pem; cp other.key empty.pem; cat ca.pem >> empty.pem")
        #expect(try await Tool.sluice("check", "--config", file).status == 0)
    }

    private func run(_ body: (Gateway, TestAuthority) async throws -> Void) async throws {
        var setup = try Setup(await FakeLambda.shared)
        setup.routes = ["{ path: /*, respond: { body: fixed } }"]
        let authority = try await TestAuthority(in: setup.folder)
        try await authority.run(
            "ec next; leaf next ca /CN=next subjectAltName=DNS:localhost,IP:127.0.0.1; cp site.pem live.pem; cp site.key live.key"
        )
        setup.listenerKeys = authority.tls("live")
        setup.workers = 2
        try await Gateway.run(setup) { try await body($0, authority) }
    }

    @Test func `a changed certificate is taken without a request lost`() async throws {
        try await self.run { (gateway, authority) async throws in
            let stop = gateway.folder.path("stop")
            let child = try Child(
                Support.python,
                [Support.file("tls_client.py"), "steady", "\(gateway.port)", authority.path("ca.pem"), stop],
                environment: Support.environment, folder: gateway.folder, name: "steady")
            _ = try await eventually("requests run") { child.outputText.contains("certificate site") ? true : nil }
            try await authority.run("cp next.key live.key; cp next.pem live.pem")
            _ = try await eventually("the new certificate is shown") {
                child.outputText.contains("certificate next") ? true : nil
            }
            try gateway.folder.write("stop", "")
            #expect(try await child.ended() == .exited(0))
            let words = try #require(child.outputText.split(separator: "\n").last).split(separator: " ")
            #expect(words[0] == "done" && words[2] == "0", "\(child.outputText)")
            try await gateway.logs("certificates reloaded")
        }
    }

    @Test func `a broken new file is refused, loudly, and the old one stays`() async throws {
        try await self.run { (gateway, authority) async throws in
            try await authority.run("cp next.key live.key")
            try await gateway.logs("the new certificate files are refused")
            try await gateway.logs("does not belong to the certificate")
            #expect(try await gateway.openssl(authority).contains("subject=CN = site"))
            // The other half comes at last.
            try await authority.run("cp next.pem live.pem")
            try await gateway.logs("certificates reloaded")
            #expect(try await gateway.openssl(authority).contains("subject=CN = next"))
        }
    }

    @Test func `files that could not be read for a moment are read again, as they are`() async throws {
        try await self.run { (gateway, authority) async throws in
            let limit = { (soft: String) in
                let tool = try await Tool.run("prlimit", ["--pid", "\(gateway.child.pid)", "--nofile=\(soft):"])
                try #require(tool.status == 0, "\(tool.errors)")
            }
            try await limit("3")
            try await authority.run("cp next.key live.key; cp next.pem live.pem")
            try await gateway.logs("the new certificate files are refused")
            try await Task.sleep(for: .seconds(5))
            // Told once, though it was tried more often.
            let told = gateway.log.components(separatedBy: "live.pem: Too many open files").count - 1
            #expect(told == 1)
            try await limit("1024")
            try await gateway.logs("certificates reloaded")
            #expect(try await gateway.openssl(authority).contains("subject=CN = next"))
        }
    }

    @Test func `a certificate behind a symbolic link is taken when the link is turned, as certbot does`() async throws {
        try await self.run { (gateway, authority) async throws in
            try await authority.run("ln -sf next.key live.key; ln -sf next.pem live.pem")
            try await gateway.logs("certificates reloaded")
            #expect(try await gateway.openssl(authority).contains("subject=CN = next"))
        }
    }

    @Test func `sessions are resumed across a reload of the configuration`() async throws {
        try await self.run { (gateway, authority) async throws in
            let file = gateway.folder.path("session")
            let saved = try await gateway.openssl(
                authority, "-tls1_2 -sess_out \(file) -quiet",
                input: "printf 'GET / HTTP/1.0\\r\\nhost: localhost\\r\\n\\r\\n'; sleep 1")
            #expect(saved.contains("fixed"))
            gateway.child.signal(SIGHUP)
            try await gateway.logs("the configuration was taken")
            #expect(try await gateway.openssl(authority, "-tls1_2 -sess_in \(file)").contains("Reused, TLSv1.2"))
        }
    }

    @Test func `the end of a certificate is a metric and a warning`() async throws {
        var setup = try Setup(await FakeLambda.shared)
        setup.routes = ["{ path: /*, respond: { body: fixed } }"]
        let authority = try await TestAuthority(in: setup.folder)
        try await authority.run("ec soon; leaf soon ca /CN=soon subjectAltName=DNS:localhost 20")
        setup.listenerKeys = authority.tls("soon")
        let socket = setup.folder.path("admin")
        setup.more = "admin: { address: \"unix:\(socket)\" }"
        try await Gateway.run(setup) { gateway in
            try await gateway.logs("the certificate expires in 19 days")
            let metrics = try await Tool.curl("--unix-socket", socket, "http://localhost/metrics").output
            #expect(
                metrics.contains(
                    "sluice_certificate_expiry_timestamp_seconds{file=\"\(authority.path("soon.pem"))\"} 1"))
        }
    }
}
