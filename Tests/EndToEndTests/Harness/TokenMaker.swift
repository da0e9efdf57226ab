import Foundation

/// An issuer of tokens with keys of its own, made by `Support/make_tokens.py` with openssl.
struct TokenMaker {
    static let issuer = "https://login.example.com/"
    let folder: TestFolder
    /// The public keys as a JWK Set.
    let keys: String

    /// Keys as `NAME:KIND`.
    init(in folder: TestFolder, _ keys: String...) async throws {
        self.folder = folder
        self.keys = try await Self.run(["keys", folder.path] + keys)
    }

    /// A token for `api` that is valid for an hour; `claims` come on top, and `null` takes one away.
    func token(
        _ key: String, _ algorithm: String, _ claims: JSONDocument = [:], header: JSONDocument? = nil
    ) async throws -> String {
        let now = Int(Date().timeIntervalSince1970)
        let base: [String: Any] = [
            "iss": Self.issuer, "aud": "api", "sub": "user-1", "iat": now, "exp": now + 3600,
        ]
        var all = base
        let extra = try JSONSerialization.jsonObject(with: Data(claims.text.utf8)) as? [String: Any] ?? [:]
        for (name, value) in extra { all[name] = value is NSNull ? nil : value }
        let text = String(decoding: try JSONSerialization.data(withJSONObject: all), as: UTF8.self)
        return try await Self.run([
            "token", self.folder.path + "/\(key).pem", algorithm, header?.text ?? "{\"kid\":\"\(key)\"}", text,
        ])
    }

    private static func run(_ arguments: [String]) async throws -> String {
        let tool = try await Tool.run(Support.python, [Support.file("make_tokens.py")] + arguments)
        guard tool.status == 0 else { throw HarnessError("make_tokens.py: \(tool.errors)") }
        return tool.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
