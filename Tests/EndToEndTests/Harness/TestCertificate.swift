/// A certificate that signs itself, made by openssl for one test.
struct TestCertificate {
    /// The files.
    let certificate: String
    let key: String

    /// One for a name as openssl writes it: `IP:127.0.0.1` or `DNS:localhost`.
    init(for name: String, in folder: TestFolder) async throws {
        let certificate = "\(folder.path)/certificate.pem"
        let key = "\(folder.path)/key.pem"
        let made = try await Tool.run(
            "openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", "/CN=upstream", "-addext", "subjectAltName=\(name)", "-out", certificate, "-keyout", key,
            ])
        guard made.status == 0 else { throw HarnessError("openssl: \(made.errors)") }
        self.certificate = certificate
        self.key = key
    }
}
