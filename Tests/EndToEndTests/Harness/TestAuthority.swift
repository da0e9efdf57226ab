/// An authority of one test, and what it signs; made by openssl.
struct TestAuthority {
    let folder: TestFolder

    /// `ec` and `rsa` make keys, `leaf NAME ISSUER SUBJECT EXTENSIONS DAYS` a certificate.
    private static let functions = #"""
        ec() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }
        rsa() { openssl genrsa -out "$1.key" 2048; }
        root() { ec "$1"; openssl req -x509 -new -key "$1.key" -subj "/CN=$1" -days 30 -out "$1.pem"; }
        leaf() {
            openssl req -new -key "$1.key" -subj "$3" -out "$1.csr"
            printf "basicConstraints=critical,CA:FALSE\n%s\n" "$4" > "$1.ext"
            openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -days "${5:-60}" \
                -extfile "$1.ext" -out "$1.pem"
        }
        """#

    /// `ca.pem` and `clients.pem` are authorities; `site` is for localhost and example.com, `other` for other.example
    /// and those below it.
    init(in folder: TestFolder) async throws {
        self.folder = folder
        try await self.run(
            #"""
            root ca
            root clients
            ec site; leaf site ca /CN=site "subjectAltName=DNS:localhost,DNS:example.com,IP:127.0.0.1"
            ec other; leaf other ca /CN=other "subjectAltName=DNS:other.example,DNS:*.other.example"
            """#)
    }

    /// Runs a script in the folder with the functions above.
    func run(_ script: String) async throws {
        let tool = try await Tool.run(
            "/bin/sh", ["-euc", "cd '\(self.folder.path)'\n\(Self.functions)\n\(script)"])
        guard tool.status == 0 else { throw HarnessError("openssl: \(tool.errors)") }
    }

    func path(_ file: String) -> String { "\(self.folder.path)/\(file)" }

    /// One of `certificates:` in flow form.
    func pair(_ name: String, _ keys: String = "") -> String {
        "{ certificate: \(name).pem, key: \(name).key\(keys.isEmpty ? "" : ", \(keys)") }"
    }

    /// `tls:` with these certificates, and further keys in flow form.
    func tls(_ names: String..., keys: String = "") -> String {
        let pairs = names.map { self.pair($0) }.joined(separator: ", ")
        return "tls: { certificates: [\(pairs)]\(keys.isEmpty ? "" : ", \(keys)") }"
    }
}

extension Gateway {
    /// Waits until something stands in the log, which may be written after a client has seen the end.
    func logs(_ text: String) async throws {
        _ = try await eventually("the log holds \(text)") { self.log.contains(text) ? true : nil }
    }

    /// curl over TLS with the authority of the test; `arguments` end with the path.
    func curl(_ authority: TestAuthority, _ arguments: String..., host: String = "localhost") async throws -> Tool {
        try await Tool.run(
            "curl",
            [
                "--silent", "--show-error", "--max-time", "30", "--cacert", authority.path("ca.pem"),
                "--resolve", "\(host):\(self.port):127.0.0.1",
            ] + arguments.dropLast() + ["https://\(host):\(self.port)\(arguments.last ?? "/")"])
    }

    /// openssl s_client, whose input is what the shell command in front prints. Its output, errors among it.
    func openssl(
        _ authority: TestAuthority, _ arguments: String = "", input: String = "true", name: String = "localhost"
    ) async throws -> String {
        let server = name.isEmpty ? "-noservername" : "-servername \(name)"
        let command =
            "{ \(input); } | timeout 20 openssl s_client -connect 127.0.0.1:\(self.port) "
            + "-CAfile '\(authority.path("ca.pem"))' \(server) \(arguments) 2>&1"
        return try await Tool.run("/bin/sh", ["-c", command]).output
    }

    /// A scenario of `Support/tls_client.py`.
    func tlsClient(_ authority: TestAuthority, _ scenario: String, _ arguments: String...) async throws -> String {
        let tool = try await Tool.run(
            Support.python,
            [Support.file("tls_client.py"), scenario, "\(self.port)", authority.path("ca.pem")] + arguments,
            within: .seconds(120))
        guard tool.status == 0 else { throw HarnessError("tls_client.py \(scenario): \(tool.errors)\(tool.output)") }
        return tool.output
    }
}
