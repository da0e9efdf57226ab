import JSON
import Testing
import Time

@testable import Tokens

/// Who issued a token, for whom, and when. Nobody can sign claims anew for each row, so these look at the claims alone.
@Suite struct ClaimTests {
    private static let now = WallTime(seconds: 1000)
    private static let rules = TokenRules(issuer: "https://i", audiences: ["a", "b"], clockSkew: .seconds(60))

    @Test(
        arguments: [
            (#"{"iss":"https://i","aud":"a","exp":1001}"#, nil),
            (#"{"iss":"https://i","aud":["x","b"],"exp":1001}"#, nil),
            (#"{"iss":"https://i","client_id":"b","exp":1001}"#, nil),
            // Where there is `aud`, `client_id` says nothing.
            (#"{"iss":"https://i","aud":"x","client_id":"b","exp":1001}"#, .audience),
            (#"{"iss":"https://i","aud":[],"exp":1001}"#, .audience),
            (#"{"iss":"https://i","aud":"A","exp":1001}"#, .audience),
            (#"{"iss":"https://i","aud":["a",7],"exp":1001}"#, .malformed("aud")),
            (#"{"iss":"https://i","aud":{"a":1},"exp":1001}"#, .malformed("aud")),
            (#"{"iss":"https://i","client_id":["a"],"exp":1001}"#, .malformed("client_id")),
            (#"{"iss":"https://i","exp":1001}"#, .missing("aud")),
            (#"{"aud":"a","exp":1001}"#, .missing("iss")),
            (#"{"iss":"https://i/","aud":"a","exp":1001}"#, .issuer("https://i/")),
            (#"{"iss":"HTTPS://i","aud":"a","exp":1001}"#, .issuer("HTTPS://i")),
            (#"{"iss":["https://i"],"aud":"a","exp":1001}"#, .malformed("iss")),
            (#"{"iss":"https://i","aud":"a"}"#, .missing("exp")),
            (#"{"iss":"https://i","aud":"a","exp":"1001"}"#, .malformed("exp")),
            (#"{"iss":"https://i","aud":"a","exp":null}"#, .malformed("exp")),
            (#"{"iss":"https://i","aud":"a","exp":1e400}"#, .malformed("exp")),
            (#"{"iss":"https://i","aud":"a","exp":-1}"#, .malformed("exp")),
            // The skew is 60 s: what ended 59.5 s ago still counts.
            (#"{"iss":"https://i","aud":"a","exp":940.5}"#, nil),
            (#"{"iss":"https://i","aud":"a","exp":940}"#, .expired),
            (#"{"iss":"https://i","aud":"a","exp":1001,"nbf":1060,"iat":1060}"#, nil),
            (#"{"iss":"https://i","aud":"a","exp":1001,"nbf":1060.5}"#, .notYetValid),
            (#"{"iss":"https://i","aud":"a","exp":1001,"iat":1061}"#, .notYetValid),
            (#"{"iss":"https://i","aud":"a","exp":1001,"nbf":"1"}"#, .malformed("nbf")),
        ] as [(String, TokenFault?)])
    func `claims are checked`(text: String, expected: TokenFault?) throws {
        let claims = try JSONValue.ofToken(text.utf8.span)
        var found: TokenFault?
        do throws(TokenFault) {
            try Self.rules.check(claims, at: Self.now)
        } catch {
            found = error
        }
        #expect(found == expected)
    }

    @Test func `a claim stands there once`() {
        let text = #"{"iss":"https://i","sub":"a","sub":"b"}"#
        #expect(throws: TokenFault.self) { try JSONValue.ofToken(text.utf8.span) }
        let deep = #"{"x":{"a":1,"a":1}}"#
        #expect(throws: TokenFault.self) { try JSONValue.ofToken(deep.utf8.span) }
    }

    @Test(arguments: [
        (#"{"scope":"a b"}"#, ["a", "b"]), (#"{"scp":["a","b"]}"#, ["a", "b"]),
        (#"{"scope":["a"],"scp":"b"}"#, ["a", "b"]),
        (#"{"scope":7,"scp":[7,"a"]}"#, ["a"]), (#"{}"#, []), (#"{"scope":"  a  "}"#, ["a"]),
    ])
    func `scopes come from scope and scp`(text: String, expected: [String]) throws {
        let claims = try JSONValue.ofToken(text.utf8.span)
        #expect(VerifiedToken(claims: try #require(claims.object)).scopes == expected)
    }

    @Test func `a fault is one line, whatever the token says`() {
        for fault: TokenFault in [
            .issuer("a\nb\u{1b}[31m"), .unknownKey("\r\n"), .algorithm(String(repeating: "x", count: 5000)),
            .keyDoesNotFit("\u{2028}\u{0}"),
        ] {
            #expect(!fault.description.utf8.contains { $0 < 0x20 || $0 == 0x7f }, "\(fault)")
            #expect(fault.description.utf8.count < 1000)
        }
    }
}
