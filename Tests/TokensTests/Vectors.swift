import Foundation
import JSON
import Testing
import Time

@testable import Tokens

/// A file under `Tests/Vectors/tokens`.
func vectors(_ name: String) throws -> JSONValue {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Vectors/tokens/\(name)")
    let bytes = Array(try Data(contentsOf: file))
    return try JSONValue(parsing: bytes.span)
}

/// The keys and tokens that the openssl command made.
struct MadeTokens {
    let keys: KeySet
    let document: JSONValue
    /// With `kid` and without it.
    let tokens: [(algorithm: TokenAlgorithm, named: String, anonymous: String)]
    /// A moment at which they are valid.
    static let now = WallTime(seconds: 1_767_227_000)
    static let rules = TokenRules(issuer: "https://login.example.com/", audiences: ["https://api.example.com"])

    init() throws {
        let file = try vectors("openssl.json")
        self.document = try #require(file["jwks"])
        self.keys = try Self.keySet(self.document)
        self.tokens = try (file["tokens"]?.array ?? []).map { item in
            (
                try #require(item["algorithm"]?.string.flatMap(TokenAlgorithm.init)),
                try #require(item["token"]?.string),
                try #require(item["anonymous"]?.string)
            )
        }
    }

    static func keySet(_ document: JSONValue) throws -> KeySet {
        let text = document.description
        return try KeySet(parsing: text.utf8.span)
    }

    func token(_ algorithm: TokenAlgorithm) throws -> String {
        try #require(self.tokens.first { $0.algorithm == algorithm }?.named)
    }
}

/// What is wrong with a token; `nil` where it is taken.
func fault(
    _ token: String, _ rules: TokenRules = MadeTokens.rules, with keys: KeySet, at now: WallTime = MadeTokens.now
) -> TokenFault? {
    do throws(TokenFault) {
        _ = try rules.verify(token.utf8.span, with: keys, at: now)
        return nil
    } catch {
        return error
    }
}

func base64URL(_ text: String) -> String {
    Data(text.utf8).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
}
