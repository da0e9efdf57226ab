import Testing

/// A request that must be refused: what it violates, and with which status.
///
/// The attempts are those of the smuggling literature (RFC 9112 §11.2, the CL.TE, TE.CL, TE.TE, CL.0 and TERM.EXT
/// families), written down anew; each names the clause that it breaks.
struct RefusedRequest: Sendable, CustomTestStringConvertible {
    let name: String
    let clause: String
    let request: String
    let status: Int

    var testDescription: String { self.name }

    init(_ name: String, _ clause: String, _ request: String, _ status: Int = 400) {
        self.name = name
        self.clause = clause
        self.request = request
        self.status = status
    }

    /// A request with these field lines.
    private static func fields(_ name: String, _ clause: String, _ lines: String, _ status: Int = 400) -> Self {
        Self(name, clause, "POST / HTTP/1.1\r\nHost: a\r\n\(lines)", status)
    }

    /// A chunked request with this body.
    private static func chunks(_ name: String, _ clause: String, _ body: String, _ status: Int = 400) -> Self {
        Self(name, clause, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(body)", status)
    }

    static let all =
        Self.lengths + Self.codings + Self.fieldLines + Self.hosts + Self.requestLines + Self.targets
        + Self.chunkLines + Self.limits

    static let lengths: [RefusedRequest] = [
        .fields("CL.TE", "RFC 9112 §6.1", "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG"),
        .fields("TE.CL", "RFC 9112 §6.1", "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\n"),
        .fields("two lengths", "RFC 9112 §6.3", "Content-Length: 5\r\nContent-Length: 6\r\n"),
        .fields("the same length twice", "RFC 9112 §6.3", "Content-Length: 5\r\nContent-Length: 5\r\n"),
        .fields("a list of lengths", "RFC 9110 §8.6", "Content-Length: 5, 5\r\n"),
        .fields("a list of lengths without space", "RFC 9110 §8.6", "Content-Length: 5,5\r\n"),
        .fields("length with plus", "RFC 9110 §8.6", "Content-Length: +5\r\n"),
        .fields("negative length", "RFC 9110 §8.6", "Content-Length: -5\r\n"),
        .fields("negative zero", "RFC 9110 §8.6", "Content-Length: -0\r\n"),
        .fields("hexadecimal length", "RFC 9110 §8.6", "Content-Length: 0x5\r\n"),
        .fields("octal length", "RFC 9110 §8.6", "Content-Length: 0o5\r\n"),
        .fields("length with fraction", "RFC 9110 §8.6", "Content-Length: 5.0\r\n"),
        .fields("length with exponent", "RFC 9110 §8.6", "Content-Length: 1e2\r\n"),
        .fields("length with underscore", "RFC 9110 §8.6", "Content-Length: 1_0\r\n"),
        .fields("length with a space inside", "RFC 9110 §8.6", "Content-Length: 1 0\r\n"),
        .fields("length in quotes", "RFC 9110 §8.6", "Content-Length: \"5\"\r\n"),
        .fields("empty length", "RFC 9110 §8.6", "Content-Length:\r\n"),
        .fields("length that is white space", "RFC 9110 §8.6", "Content-Length: \t \r\n"),
        .fields("length of words", "RFC 9110 §8.6", "Content-Length: five\r\n"),
        .fields("length in other digits", "RFC 9110 §8.6", "Content-Length: \u{0665}\r\n"),
        .fields("length beyond 64 bits", "RFC 9110 §8.6", "Content-Length: 18446744073709551616\r\n"),
        .fields("length beyond the bound", "RFC 9110 §8.6", "Content-Length: 1000000000000000\r\n"),
        .fields("length beyond 63 bits", "RFC 9110 §8.6", "Content-Length: 9223372036854775808\r\n"),
        .fields(
            "length of a hundred digits", "RFC 9110 §8.6", "Content-Length: \(String(repeating: "9", count: 100))\r\n"),
    ]

    static let codings: [Self] = [
        .fields("unknown coding", "RFC 9112 §6.1", "Transfer-Encoding: xchunked\r\n"),
        .fields("gzip alone", "RFC 9112 §6.3", "Transfer-Encoding: gzip\r\n"),
        .fields("gzip, chunked", "RFC 9112 §6.1", "Transfer-Encoding: gzip, chunked\r\n"),
        .fields("chunked not last", "RFC 9112 §6.3", "Transfer-Encoding: chunked, identity\r\n"),
        .fields("chunked twice", "RFC 9112 §6.1", "Transfer-Encoding: chunked, chunked\r\n"),
        .fields(
            "chunked on two lines", "RFC 9112 §6.1", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
        .fields("identity", "RFC 9112 §7", "Transfer-Encoding: identity\r\n"),
        .fields("empty coding", "RFC 9112 §6.1", "Transfer-Encoding:\r\n"),
        .fields("leading comma", "RFC 9112 §6.1", "Transfer-Encoding: ,chunked\r\n"),
        .fields("trailing comma", "RFC 9112 §6.1", "Transfer-Encoding: chunked,\r\n"),
        .fields("parameter", "RFC 9112 §7.1", "Transfer-Encoding: chunked;q=1\r\n"),
        .fields("quotes", "RFC 9112 §7", "Transfer-Encoding: \"chunked\"\r\n"),
        .fields("two words", "RFC 9112 §7", "Transfer-Encoding: chunked x\r\n"),
        .fields("vertical tab before", "RFC 9110 §5.5", "Transfer-Encoding: \u{b}chunked\r\n"),
        .fields("form feed behind", "RFC 9110 §5.5", "Transfer-Encoding: chunked\u{c}\r\n"),
        .fields("no-break space before", "RFC 9112 §7", "Transfer-Encoding: \u{a0}chunked\r\n"),
        .fields("folded", "RFC 9112 §5.2", "Transfer-Encoding:\r\n chunked\r\n"),
        .fields("long s", "RFC 9110 §5.1", "Tran\u{17f}fer-Encoding: chunked\r\n"),
        .fields("dotless i", "RFC 9110 §5.1", "Transfer-Encod\u{131}ng: chunked\r\n"),
        Self("in HTTP/1.0", "RFC 9112 §6.1", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n"),
        Self(
            "in HTTP/1.0 with length", "RFC 9112 §6.1",
            "POST / HTTP/1.0\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n"),
    ]

    static let fieldLines: [Self] = [
        .fields("space before the colon", "RFC 9112 §5.1", "Transfer-Encoding : chunked\r\n"),
        .fields("tab before the colon", "RFC 9112 §5.1", "Content-Length\t: 5\r\n"),
        .fields("space in a name", "RFC 9110 §5.1", "Transfer Encoding: chunked\r\n"),
        .fields("obs-fold with space", "RFC 9112 §5.2", "X: a\r\n b\r\n"),
        .fields("obs-fold with tab", "RFC 9112 §5.2", "X: a\r\n\tb\r\n"),
        .fields("obs-fold of white space alone", "RFC 9112 §5.2", "X: a\r\n \r\n"),
        .fields("no name", "RFC 9110 §5.1", ": chunked\r\n"),
        .fields("no colon", "RFC 9112 §5", "Transfer-Encoding\r\n"),
        .fields("brackets in a name", "RFC 9110 §5.1", "X[0]: a\r\n"),
        .fields("quote in a name", "RFC 9110 §5.1", "\"X\": a\r\n"),
        .fields("bare LF behind a line", "RFC 9112 §2.2", "X: a\nTransfer-Encoding: chunked\r\n"),
        .fields("bare CR in a value", "RFC 9112 §2.2", "X: a\rTransfer-Encoding: chunked\r\n"),
        .fields("CR CR LF", "RFC 9112 §2.2", "X: a\r\r\n"),
        .fields("bare LF for the empty line", "RFC 9112 §2.2", "X: a\r\n\n"),
        .fields("bare CR for the empty line", "RFC 9112 §2.2", "X: a\r\n\rX"),
        .fields("NUL in a value", "RFC 9110 §5.5", "X: a\0b\r\n"),
        .fields("NUL in a name", "RFC 9110 §5.1", "X\0: a\r\n"),
        .fields("unknown expectation", "RFC 9110 §10.1.1", "Expect: 200-ok\r\n", 417),
        .fields("two expectations", "RFC 9110 §10.1.1", "Expect: 100-continue, x\r\nContent-Length: 1\r\n", 417),
        Self("white space before the first field", "RFC 9112 §2.2", "GET / HTTP/1.1\r\n Host: a\r\n"),
        Self("white space line before the first field", "RFC 9112 §2.2", "GET / HTTP/1.1\r\n \r\nHost: a\r\n"),
    ]

    static let hosts: [Self] =
        [
            Self("no Host", "RFC 9112 §3.2", "GET / HTTP/1.1\r\nX: a\r\n"),
            Self("two Hosts", "RFC 9112 §3.2", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n"),
            Self("the same Host twice", "RFC 9112 §3.2", "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n"),
            Self("two Hosts in HTTP/1.0", "RFC 9112 §3.2", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n"),
            Self("empty Host with absolute form", "RFC 9112 §3.2", "GET http://a/ HTTP/1.1\r\nHost:\r\n"),
            Self("absolute form without Host", "RFC 9112 §3.2", "GET http://a/ HTTP/1.1\r\nX: a\r\n"),
        ]
        + [
            "u@a", "u:p@a", "a/b", "a#b", "a?b", "a<b", "a b", "a, b", "a\\b", "a\"b", "[::1", "::1", "[::g]", "[a]",
            "[v1.x]", "[::1]x",
            "[]", "[fe80::1%25eth0]", "[1:2:3:4:5:6:7:8:9]", "[1::2::3]", "a:x", "a:80x", "a:-1", "a:65536", "a:80:80",
            ":80", ".", "a..b", ".a",
            "a%", "a%2", "a%zz", "a%00", "a%0d", "\u{e4}", "a|b", "a^b", "{a}",
        ].map { Self("Host \($0)", "RFC 9112 §3.2", "GET / HTTP/1.1\r\nHost: \($0)\r\n") }

    static let requestLines: [Self] = [
        Self("HTTP/0.9", "RFC 9112 §3", "GET /\r\n"),
        Self("HTTP/0.9 with a space", "RFC 9112 §3", "GET / \r\n"),
        Self("no target", "RFC 9112 §3", "GET HTTP/1.1\r\nHost: a\r\n"),
        Self("two spaces before the target", "RFC 9112 §3", "GET  / HTTP/1.1\r\nHost: a\r\n"),
        Self("two spaces before the version", "RFC 9112 §3", "GET /  HTTP/1.1\r\nHost: a\r\n"),
        Self("space behind the version", "RFC 9112 §3", "GET / HTTP/1.1 \r\nHost: a\r\n"),
        Self("tab for space", "RFC 9112 §3", "GET\t/\tHTTP/1.1\r\nHost: a\r\n"),
        Self("space before the method", "RFC 9112 §2.2", " GET / HTTP/1.1\r\nHost: a\r\n"),
        Self("white space line before the request", "RFC 9112 §2.2", " \r\nGET / HTTP/1.1\r\nHost: a\r\n"),
        Self("bare LF before the request", "RFC 9112 §2.2", "\nGET / HTTP/1.1\r\nHost: a\r\n"),
        Self("bare CR before the request", "RFC 9112 §2.2", "\rGET / HTTP/1.1\r\nHost: a\r\n"),
        Self("bare LF behind the line", "RFC 9112 §2.2", "GET / HTTP/1.1\nHost: a\r\n"),
        Self("bare CR behind the line", "RFC 9112 §2.2", "GET / HTTP/1.1\rHost: a\r\n"),
        Self("method that is no token", "RFC 9110 §9.1", "G(T / HTTP/1.1\r\nHost: a\r\n"),
        Self("a TLS hello", "RFC 9112 §2.2", "\u{16}\u{3}\u{1}\u{2}\0\u{1}"),
        Self("small version name", "RFC 9112 §2.3", "GET / http/1.1\r\nHost: a\r\n"),
        Self("other protocol", "RFC 9112 §2.3", "GET / HTTPS/1.1\r\nHost: a\r\n"),
        Self("version without minor", "RFC 9112 §2.3", "GET / HTTP/1\r\nHost: a\r\n"),
        Self("version with comma", "RFC 9112 §2.3", "GET / HTTP/1,1\r\nHost: a\r\n"),
        Self("version with two digits", "RFC 9112 §2.3", "GET / HTTP/1.10\r\nHost: a\r\n"),
        Self("version with leading zero", "RFC 9112 §2.3", "GET / HTTP/01.1\r\nHost: a\r\n"),
        Self("version of letters", "RFC 9112 §2.3", "GET / HTTP/a.b\r\nHost: a\r\n"),
        Self("version with a word behind", "RFC 9112 §3", "GET / HTTP/1.1 HTTP/1.1\r\nHost: a\r\n"),
        Self("version 1.2", "RFC 9110 §15.6.6", "GET / HTTP/1.2\r\nHost: a\r\n", 505),
        Self("version 0.9 by name", "RFC 9110 §15.6.6", "GET / HTTP/0.9\r\nHost: a\r\n", 505),
        Self("version 2.0", "RFC 9110 §15.6.6", "GET / HTTP/2.0\r\nHost: a\r\n", 505),
        Self("version 3.0", "RFC 9110 §15.6.6", "GET / HTTP/3.0\r\nHost: a\r\n", 505),
        Self("preface of HTTP/2", "RFC 9110 §15.6.6", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        Self("long method", "RFC 9112 §3", "\(String(repeating: "M", count: 65)) / HTTP/1.1\r\nHost: a\r\n", 501),
    ]

    static let targets: [Self] = [
        Self("CONNECT", "RFC 9110 §9.3.6", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n", 501),
        Self("CONNECT without authority", "RFC 9112 §3.2.3", "CONNECT / HTTP/1.1\r\nHost: a\r\n"),
        Self("authority form without CONNECT", "RFC 9112 §3.2.3", "GET a:80 HTTP/1.1\r\nHost: a\r\n"),
        Self("asterisk with GET", "RFC 9112 §3.2.4", "GET * HTTP/1.1\r\nHost: a\r\n"),
        Self("two asterisks", "RFC 9112 §3.2.4", "OPTIONS ** HTTP/1.1\r\nHost: a\r\n"),
        Self("no leading slash", "RFC 9112 §3.2.1", "GET a/b HTTP/1.1\r\nHost: a\r\n"),
        Self("query alone", "RFC 9112 §3.2.1", "GET ?a HTTP/1.1\r\nHost: a\r\n"),
        Self("backslash first", "RFC 9112 §3.2.1", "GET \\a HTTP/1.1\r\nHost: a\r\n"),
        Self("other scheme", "RFC 9112 §3.2.2", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n"),
        Self("scheme without host", "RFC 9110 §4.2.1", "GET http:///a HTTP/1.1\r\nHost: a\r\n"),
        Self("scheme alone", "RFC 9110 §4.2.1", "GET http:// HTTP/1.1\r\nHost: a\r\n"),
        Self("scheme without slashes", "RFC 9112 §3.2.2", "GET http:a HTTP/1.1\r\nHost: a\r\n"),
        Self("user in absolute form", "RFC 9110 §4.2.4", "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n"),
        Self("port of letters in absolute form", "RFC 9110 §4.2.1", "GET http://a:b/ HTTP/1.1\r\nHost: a\r\n"),
        Self("fragment in absolute form", "RFC 9112 §3.2", "GET http://a#b HTTP/1.1\r\nHost: a\r\n"),
        Self("fragment", "RFC 9112 §3.2", "GET /a#b HTTP/1.1\r\nHost: a\r\n"),
        Self("fragment in the query", "RFC 9112 §3.2", "GET /a?b#c HTTP/1.1\r\nHost: a\r\n"),
        Self("space in the target", "RFC 9112 §3.2", "GET /a b HTTP/1.1\r\nHost: a\r\n"),
        Self("space in the query", "RFC 9112 §3.2", "GET /?a b HTTP/1.1\r\nHost: a\r\n"),
        Self("request in the target", "RFC 9112 §3.2", "GET /a\tHTTP/1.1\r\nHost: a\r\n\r\nGET\t/b HTTP/1.1\r\n"),
        Self("percent alone", "RFC 3986 §2.1", "GET /% HTTP/1.1\r\nHost: a\r\n"),
        Self("percent with one digit", "RFC 3986 §2.1", "GET /%2 HTTP/1.1\r\nHost: a\r\n"),
        Self("percent with letters", "RFC 3986 §2.1", "GET /%u002e HTTP/1.1\r\nHost: a\r\n"),
        Self("encoded NUL", "RFC 3986 §7.3", "GET /a%00.txt HTTP/1.1\r\nHost: a\r\n"),
    ]

    static let chunkLines: [Self] = [
        .chunks("empty size", "RFC 9112 §7.1", "\r\nhello"),
        .chunks("0x size", "RFC 9112 §7.1", "0x5\r\nhello\r\n0\r\n"),
        .chunks("plus size", "RFC 9112 §7.1", "+5\r\nhello\r\n0\r\n"),
        .chunks("negative size", "RFC 9112 §7.1", "-5\r\nhello\r\n0\r\n"),
        .chunks("size with underscore", "RFC 9112 §7.1", "1_0\r\n"),
        .chunks("size of letters", "RFC 9112 §7.1", "g\r\n"),
        .chunks("space before the size", "RFC 9112 §7.1", " 5\r\nhello\r\n0\r\n"),
        .chunks("space behind the size", "RFC 9112 §7.1", "5 \r\nhello\r\n0\r\n"),
        .chunks("size beyond 63 bits", "RFC 9112 §7.1", "8000000000000000\r\n"),
        .chunks("size beyond 64 bits", "RFC 9112 §7.1", "10000000000000005\r\nhello\r\n0\r\n"),
        .chunks("size of many zeros", "RFC 9112 §7.1", "00000000000000005\r\nhello\r\n0\r\n"),
        .chunks("bare LF behind the size", "RFC 9112 §7.1", "5\nhello\r\n0\r\n"),
        .chunks("bare CR behind the size", "RFC 9112 §7.1", "5\rhello\r\n0\r\n"),
        .chunks("no CRLF behind a chunk", "RFC 9112 §7.1", "5\r\nhello0\r\n"),
        .chunks("bare LF behind a chunk", "RFC 9112 §7.1", "5\r\nhello\n0\r\n"),
        .chunks("chunk longer than its size", "RFC 9112 §7.1", "5\r\nhello!!\r\n0\r\n"),
        .chunks("chunk shorter than its size", "RFC 9112 §7.1", "6\r\nhello\r\n0\r\n"),
        .chunks("semicolon alone", "RFC 9112 §7.1.1", "5;\r\nhello\r\n0\r\n"),
        .chunks("extension without value", "RFC 9112 §7.1.1", "5;a=\r\nhello\r\n0\r\n"),
        .chunks("extension that is no token", "RFC 9112 §7.1.1", "5;(\r\nhello\r\n0\r\n"),
        .chunks("space behind an extension", "RFC 9112 §7.1.1", "5;a \r\nhello\r\n0\r\n"),
        .chunks("open quotes", "RFC 9112 §7.1.1", "5;a=\"b\r\nhello\r\n0\r\n"),
        .chunks("bare LF in an extension", "RFC 9112 §7.1.1", "5;a\nhello\r\n0\r\n"),
        .chunks("bare LF in quotes", "RFC 9112 §7.1.1", "5;a=\"\n\"\r\nhello\r\n0\r\n"),
        .chunks("NUL in an extension", "RFC 9112 §7.1.1", "5;a\0\r\nhello\r\n0\r\n"),
        .chunks("bare CR in an extension", "RFC 9112 §7.1.1", "5;a\rb\r\nhello\r\n0\r\n"),
        .chunks("long extension", "RFC 9112 §7.1.1", "5;\(String(repeating: "a", count: 1100))\r\nhello\r\n0\r\n"),
        .chunks(
            "many extensions", "RFC 9112 §7.1.1",
            String(repeating: "1;\(String(repeating: "a", count: 900))\r\n.\r\n", count: 19)),
        .chunks("bare LF behind the last chunk", "RFC 9112 §7.1", "0\n\r\n"),
        .chunks("folded trailer", "RFC 9112 §5.2", "0\r\nA: b\r\n c\r\n"),
        .chunks("trailer without colon", "RFC 9112 §5", "0\r\nA\r\n"),
        .chunks("trailer with space before the colon", "RFC 9112 §5.1", "0\r\nA : b\r\n"),
        .chunks("bare LF behind a trailer", "RFC 9112 §2.2", "0\r\nA: b\n"),
        .chunks("NUL in a trailer", "RFC 9110 §5.5", "0\r\nA: \0\r\n"),
        .chunks("a request for trailers", "RFC 9112 §7.1.2", "0\r\nGET / HTTP/1.1\r\n"),
        .chunks("many trailers", "RFC 6585 §5", "0\r\n\(String(repeating: "A: b\r\n", count: 101))", 431),
        .chunks("long trailers", "RFC 6585 §5", "0\r\nA: \(String(repeating: "b", count: 33_000))\r\n", 431),
    ]

    static let limits: [Self] = [
        Self(
            "long target", "RFC 9110 §15.5.15", "GET /\(String(repeating: "a", count: 9000)) HTTP/1.1\r\nHost: a\r\n",
            414),
        Self("long target without end", "RFC 9110 §15.5.15", "GET /\(String(repeating: "a", count: 9000))", 414),
        .fields("many fields", "RFC 6585 §5", String(repeating: "A: b\r\n", count: 100), 431),
        .fields("long field", "RFC 6585 §5", "A: \(String(repeating: "b", count: 33_000))\r\n", 431),
        .fields("long name", "RFC 6585 §5", "\(String(repeating: "b", count: 33_000)): b\r\n", 431),
        .fields(
            "long fields", "RFC 6585 §5", String(repeating: "A: \(String(repeating: "b", count: 994))\r\n", count: 40),
            431),
    ]
}
