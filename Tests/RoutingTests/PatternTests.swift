import Routing
import Testing

@Suite struct PatternTests {
    @Test(arguments: [
        ("chat.example.com", "chat.example.com"), ("Chat.Example.COM.", "chat.example.com"),
        ("*.Example.com", "*.example.com"), ("*", "*"), ("localhost", "localhost"), ("10.0.0.1", "10.0.0.1"),
        ("[2001:DB8::1]", "[2001:db8::1]"), ("xn--bcher-kva.example", "xn--bcher-kva.example"), ("a_b.c", "a_b.c"),
    ])
    func `a host is taken in lower case`(text: String, expected: String) throws {
        #expect(try HostPattern(parsing: text).description == expected)
    }

    @Test(arguments: [
        ("", HostPatternError.empty), ("https://example.com", .notAHost), ("example.com/x", .notAHost),
        ("example.com:443", .hasPort), ("[::1]:80", .hasPort), ("[::1", .notAHost), ("[zz::]", .notAHost),
        ("[1:2]", .notAHost), ("[::::]", .notAHost), ("[::1.2.3]", .notAHost), ("[fe80::1%25eth0]", .notAHost),
        ("*example.com", .misplacedWildcard), ("a.*.com", .misplacedWildcard), ("*.*.com", .misplacedWildcard),
        ("bücher.example", .notASCII), ("a..b", .badLabel("")), (".", .badLabel("")),
        ("a b.c", .badLabel("a b")), (String(repeating: "a.", count: 127) + "com", .tooLong),
        (String(repeating: "a", count: 64), .badLabel(String(repeating: "a", count: 64))),
    ])
    func `a host that is none is refused`(text: String, expected: HostPatternError) {
        #expect(throws: expected) { try HostPattern(parsing: text) }
    }

    @Test(arguments: [
        ("/", "/", PathPattern.Kind.exact), ("/robots.txt", "/robots.txt", .exact), ("/a/", "/a/", .exact),
        ("/*", "/*", .prefix), ("/v1/*", "/v1/*", .prefix), ("/users/{id}", "/users/{id}", .parameters),
        ("/{a}/{b-2}/*", "/{a}/{b-2}/*", .prefix), ("/caf%c3%a9", "/caf%C3%A9", .exact),
        ("/café", "/caf%C3%A9", .exact),
        ("/%7euser/%41", "/~user/A", .exact), ("/a%2fb", "/a%2Fb", .exact), ("/a b", "/a%20b", .exact),
        ("/a:b@c;d=e,f", "/a:b@c;d=e,f", .exact), ("/a|b%7cc", "/a|b%7Cc", .exact),
    ])
    func `a path is taken in canonical form`(text: String, expected: String, kind: PathPattern.Kind) throws {
        let pattern = try PathPattern(parsing: text)
        #expect(pattern.description == expected)
        #expect(pattern.kind == kind)
    }

    @Test(arguments: [
        ("", PathPatternError.noLeadingSlash), ("v1", .noLeadingSlash), ("*", .noLeadingSlash),
        ("/a//b", .emptySegment), ("//", .emptySegment), ("/a//*", .emptySegment), ("/a/../b", .dotSegment),
        ("/a/%2e%2E", .dotSegment), ("/.", .dotSegment), ("/a?b", .hasQuery), ("/a#b", .hasQuery),
        ("/a%", .badPercentEncoding("a%")), ("/a%zz", .badPercentEncoding("a%zz")), ("/a%00", .forbidden("a%00")),
        ("/a\\b", .forbidden("a\\b")), ("/a\nb", .forbidden("a\nb")), ("/v1*", .misplacedWildcard("v1*")),
        ("/a/*/b", .misplacedWildcard("*")), ("/**", .misplacedWildcard("**")),
        ("/{id}.json", .partialParameter("{id}.json")),
        ("/{}", .badParameter("{}")), ("/{a b}", .badParameter("{a b}")), ("/{proxy+}", .greedyParameter("{proxy+}")),
        ("/{", .partialParameter("{")), ("/}{", .partialParameter("}{")), ("/{a}/{a}", .repeatedParameter("a")),
        ("/" + String(repeating: "a", count: 2048), .tooLong),
    ])
    func `a path that is none is refused`(text: String, expected: PathPatternError) {
        #expect(throws: expected) { try PathPattern(parsing: text) }
    }

    @Test(arguments: [
        ("/v1", "/v1/a/b", "/a/b"), ("/v1", "/v1", "/"), ("/v1", "/v1/", "/"), ("/v1", "/v12", "/v12"),
        ("/v1", "//v1//a", "//a"), ("/a/b", "/a//b/c", "/c"), ("/a/b", "/a/c", "/a/c"), ("/v1/", "/v1/a", "/a"),
        ("/caf%c3%a9", "/caf%C3%A9/x", "/x"), ("/v1", "/V1/a", "/V1/a"), ("/v1", "*", "*"),
    ])
    func `a prefix is stripped by segment`(prefix: String, path: String, expected: String) throws {
        #expect(try PathPrefix(parsing: prefix).stripped(from: path) == expected)
    }

    @Test(arguments: ["/", "", "v1", "/v1/*", "/{a}", "/a//b"])
    func `a prefix that strips nothing or anything is refused`(text: String) {
        #expect(throws: PathPrefixError.self) { try PathPrefix(parsing: text) }
    }

    @Test func `a prefix is held against patterns`() throws {
        let prefix = try PathPrefix(parsing: "/v1/api")
        for pattern in ["/v1/api", "/v1/api/*", "/v1/api/{id}", "/v1/api/"] {
            #expect(prefix.isPrefix(of: try PathPattern(parsing: pattern)))
        }
        for pattern in ["/v1", "/v1/*", "/v1/{api}", "/v1/apis/*", "/*"] {
            #expect(!prefix.isPrefix(of: try PathPattern(parsing: pattern)))
        }
    }
}
