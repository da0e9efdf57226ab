import Foundation
import JSON
import TestSupport
import Testing
import Time

@testable import Tokens

/// Tokens that are taken, and those that are not.
@Suite struct TokenTests {
    let made: MadeTokens

    init() throws {
        self.made = try MadeTokens()
    }

    /// The payloads of these are no claims for anybody here: a fault about them says that the signature is right.
    @Test func `the signatures of the RFCs are right`() throws {
        for item in try vectors("rfc.json").array ?? [] {
            let origin = try #require(item["origin"]?.string)
            let keys = try MadeTokens.keySet(["keys": [try #require(item["key"])]])
            let token = try #require(item["token"]?.string)
            let rules = TokenRules(issuer: "joe", audiences: ["me"])
            switch fault(token, rules, with: keys) {
            case .missing("aud"): #expect(origin.contains("A.2") || origin.contains("A.3"))
            case .notJSON: break
            case let other: Issue.record("\(origin): \(String(describing: other))")
            }
            // The same with another last byte, which is not the last character where bits are left over.
            var changed = Array(token.utf8)
            changed[changed.count - 3] = changed[changed.count - 3] == 65 ? 66 : 65
            let broken = fault(String(decoding: changed, as: UTF8.self), rules, with: keys)
            #expect(broken == .signature || broken == .unknownKey(nil), "\(origin)")
        }
    }

    @Test func `each algorithm is taken, by the key's name and without it`() throws {
        #expect(Set(self.made.tokens.map(\.algorithm)) == Set(TokenAlgorithm.allCases))
        for (algorithm, named, anonymous) in self.made.tokens {
            #expect(fault(named, with: self.made.keys) == nil, "\(algorithm)")
            #expect(fault(anonymous, with: self.made.keys) == nil, "\(algorithm)")
        }
    }

    @Test func `what a token says is told`() throws {
        let token = try self.made.token(.es256)
        let verified = try MadeTokens.rules.verify(token.utf8.span, with: self.made.keys, at: MadeTokens.now)
        #expect(verified.text("sub") == "user-1")
        #expect(verified.text("exp") == "1767229200")
        #expect(verified.text("aud") == nil)
        #expect(verified.text("nobody") == nil)
        #expect(verified.scopes == ["read", "write"])
    }

    @Test(arguments: [TokenAlgorithm.rs256, .ps256, .es256, .edDSA])
    func `no byte of a token can be changed`(algorithm: TokenAlgorithm) throws {
        let token = Array(try self.made.token(algorithm).utf8)
        for index in token.indices {
            for replacement in [UInt8(ascii: "A"), UInt8(ascii: "Q"), UInt8(ascii: "_"), UInt8(ascii: "."), 0, 0xff] {
                var changed = token
                changed[index] = replacement
                if changed == token { continue }
                let isTaken =
                    (try? MadeTokens.rules.verify(changed.span, with: self.made.keys, at: MadeTokens.now)) != nil
                #expect(!isTaken, "byte \(index) as \(replacement)")
            }
        }
        for count in token.indices {
            let cut = Array(token[..<count])
            let isTaken = (try? MadeTokens.rules.verify(cut.span, with: self.made.keys, at: MadeTokens.now)) != nil
            #expect(!isTaken, "\(count) bytes of it")
        }
    }

    /// The bits that a last character has beyond whole bytes: another spelling of the same signature.
    @Test func `a signature has one spelling`() throws {
        let token = try self.made.token(.rs256)
        let last = try #require(token.last)
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        let position = try #require(alphabet.firstIndex(of: last))
        #expect(fault(token.dropLast() + String(alphabet[position ^ 1]), with: self.made.keys) == .notBase64URL)
        for suffix in ["=", "==", "A", " ", "\n", ".", ".A"] {
            #expect(fault(token + suffix, with: self.made.keys) != nil, "\(suffix.debugDescription)")
        }
        #expect(fault(" " + token, with: self.made.keys) == .notBase64URL)
        #expect(fault(token.replacing("-", with: "+"), with: self.made.keys) != nil)
    }

    // RFC 8725 §2.1, §3.1.
    @Test func `neither none nor a code of a public key is taken`() throws {
        let parts = try self.made.token(.rs256).split(separator: ".").map(String.init)
        for name in ["none", "None", "NONE", "nOnE", "HS256", "HS384", "HS512", "rs256", "ES256K", ""] {
            let header = base64URL("{\"alg\":\"\(name)\",\"kid\":\"rsa\"}")
            for signature in ["", parts[2]] {
                #expect(fault("\(header).\(parts[1]).\(signature)", with: self.made.keys) == .algorithm(name))
            }
        }
        #expect(
            fault("\(base64URL("{\"typ\":\"JWT\"}")).\(parts[1]).\(parts[2])", with: self.made.keys) == .noAlgorithm)
        #expect(fault("\(base64URL("{\"alg\":7}")).\(parts[1]).\(parts[2])", with: self.made.keys) == .noAlgorithm)
        #expect(fault("\(base64URL("[]")).\(parts[1]).\(parts[2])", with: self.made.keys)?.isNotJSON == true)
        #expect(fault("..", with: self.made.keys)?.isNotJSON == true)
    }

    @Test func `an algorithm is one of the key`() throws {
        let parts = try self.made.token(.rs256).split(separator: ".").map(String.init)
        let header = base64URL(#"{"alg":"ES256","kid":"rsa"}"#)
        #expect(fault("\(header).\(parts[1]).\(parts[2])", with: self.made.keys) == .keyDoesNotFit("rsa"))
        // A key that says what it is for signs nothing else.
        var keys = try #require(self.made.document["keys"]?.array)
        guard case .object(var key) = keys[0] else { return }
        key.set("alg", "RS512")
        keys[0] = .object(key)
        let narrow = try MadeTokens.keySet(["keys": .array(keys)])
        #expect(fault(try self.made.token(.rs256), with: narrow) == .keyDoesNotFit("rsa"))
        #expect(fault(try self.made.token(.rs512), with: narrow) == nil)
    }

    @Test func `algorithms can be narrowed`() throws {
        let rules = TokenRules(
            issuer: MadeTokens.rules.issuer, audiences: MadeTokens.rules.audiences, algorithms: [.es256])
        #expect(fault(try self.made.token(.rs256), rules, with: self.made.keys) == .algorithm("RS256"))
        #expect(fault(try self.made.token(.es256), rules, with: self.made.keys) == nil)
    }

    // RFC 7515 §4.1.2, §4.1.3, §4.1.5, §4.1.11.
    @Test func `a header brings no keys, and no extensions`() throws {
        let parts = try self.made.token(.es256).split(separator: ".").map(String.init)
        for (header, expected) in [
            (#"{"alg":"ES256","kid":"p256","crit":["exp"],"exp":1}"#, TokenFault.criticalHeader),
            (#"{"alg":"ES256","kid":"p256","crit":[]}"#, .criticalHeader),
            (#"{"alg":"ES256","kid":"p256","jku":"https://evil.example.com/keys"}"#, .signature),
            (#"{"alg":"ES256","kid":"evil","jwk":{"kty":"EC"}}"#, .unknownKey("evil")),
            (#"{"alg":"ES256","kid":7}"#, .malformed("kid")),
        ] {
            #expect(
                fault("\(base64URL(header)).\(parts[1]).\(parts[2])", with: self.made.keys) == expected, "\(header)")
        }
        let twice = #"{"alg":"ES256","alg":"none"}"#
        #expect(fault("\(base64URL(twice)).\(parts[1]).\(parts[2])", with: self.made.keys)?.isRepeatedKey == true)
        let escaped = #"{"alg":"ES256","\u0061lg":"ES256"}"#
        #expect(fault("\(base64URL(escaped)).\(parts[1]).\(parts[2])", with: self.made.keys)?.isRepeatedKey == true)
    }

    @Test func `an unknown key asks for new ones, a wrong signature does not`() throws {
        let others = try MadeTokens.keySet([
            "keys": .array((self.made.document["keys"]?.array ?? []).filter { $0["kid"] != "p256" })
        ])
        let missing = try #require(fault(try self.made.token(.es256), with: others))
        #expect(missing == .unknownKey("p256"))
        #expect(missing.mayNeedNewKeys)
        #expect(!TokenFault.signature.mayNeedNewKeys)
        let anonymous = try #require(self.made.tokens.first { $0.algorithm == .es256 }).anonymous
        #expect(fault(anonymous, with: others) == .unknownKey(nil))
    }

    @Test func `a token is not too long`() throws {
        #expect(
            fault(String(repeating: "a", count: 8193), with: self.made.keys) == .tooLong(8193))
        #expect(fault(String(repeating: "a", count: 8192), with: self.made.keys) == .notCompact)
    }

    @Test(arguments: FuzzedTokens.seeds) func `whatever comes is refused`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let token = Array(try self.made.token(.es256).utf8)
        for _ in 0..<200 {
            var changed = token
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let index = Int.random(in: changed.indices, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: changed[index] = UInt8.random(in: 0...255, using: &random)
                case 1: changed.remove(at: index)
                default: changed.insert(UInt8.random(in: 0...255, using: &random), at: index)
                }
            }
            if changed == token { continue }
            let isTaken = (try? MadeTokens.rules.verify(changed.span, with: self.made.keys, at: MadeTokens.now)) != nil
            #expect(!isTaken)
        }
    }
}

enum FuzzedTokens {
    static let seeds: [UInt64] = Array(1...8)
}

extension TokenFault {
    var isNotJSON: Bool { if case .notJSON = self { true } else { false } }
    var isRepeatedKey: Bool { if case .notJSON(let error) = self { error.reason == .repeatedKey } else { false } }
}
