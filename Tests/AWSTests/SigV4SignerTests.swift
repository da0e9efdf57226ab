import AWS
import Bytes
import Digest
import Foundation
import HTTP
import JSON
import TestSupport
import Testing
import Time

/// One signature as botocore makes it.
struct SigningCase: CustomTestStringConvertible {
    let name: String
    let credentials: Credentials
    let time: WallTime
    let scope: SigningScope
    let method: Method
    let path: String
    let query: String
    let fields: [(name: String, value: String)]
    let body: [UInt8]
    let canonicalRequest: String
    let authorization: String

    var testDescription: String { self.name }

    /// Empty where the file cannot be read, which a test of its own finds out.
    static let all = (try? vectors("sigv4.json").map(SigningCase.init)) ?? []

    init(_ json: JSONValue) {
        func text(_ key: String) -> String { json[key]!.string! }
        self.name = text("name")
        self.credentials = Credentials(
            accessKeyID: text("accessKeyID"), secretAccessKey: text("secretAccessKey"),
            sessionToken: json["sessionToken"]!.string)
        self.time = WallTime(basicISO8601: text("time").utf8.span)!
        self.scope = SigningScope(region: text("region"), service: text("service"))
        self.method = Method(rawValue: text("method"))
        self.path = text("path")
        self.query = text("query")
        self.fields = json["fields"]!.array!.map { ($0.array![0].string!, $0.array![1].string!) }
        self.body = hex(text("bodyHex"))
        self.canonicalRequest = text("canonicalRequest")
        self.authorization = text("authorization")
    }

    /// What the signer appends.
    func lines(of signer: SigV4Signer, at time: WallTime? = nil) -> [String] {
        var buffer = ByteBuffer()
        signer.appendSignature(
            to: &buffer, method: self.method, path: self.path, query: self.query,
            signedFields: SignedFields(self.fields),
            payloadHash: signer.payloadHash(of: self.body.span), scope: self.scope, credentials: self.credentials,
            at: time ?? self.time)
        return buffer.string().components(separatedBy: "\r\n")
    }
}

@Suite struct SigV4SignerTests {
    @Test func `the vectors are there`() {
        #expect(SigningCase.all.count == 68)
    }

    @Test(arguments: SigningCase.all)
    func `signatures are those that botocore makes`(signing: SigningCase) {
        let lines = signing.lines(of: SigV4Signer())
        #expect(lines.last == "")
        #expect(lines.contains("authorization: \(signing.authorization)"))
        var date = ByteBuffer()
        date.append("x-amz-date: ")
        date.append(basicISO8601: signing.time.calendar)
        #expect(lines.contains(date.string()))
        if let token = signing.credentials.sessionToken {
            #expect(lines.contains("x-amz-security-token: \(token)"))
        }
        #expect(lines.count == (signing.credentials.sessionToken == nil ? 3 : 4))
    }

    @Test(arguments: SigningCase.all)
    func `canonical paths and queries are those that botocore makes`(signing: SigningCase) {
        let parts = signing.canonicalRequest.split(separator: "\n", omittingEmptySubsequences: false)
        var path = ByteBuffer()
        path.append(canonicalURI: signing.path.utf8.span)
        #expect(path.string() == parts[1])
        var query = ByteBuffer()
        query.append(canonicalQuery: signing.query.utf8.span)
        #expect(query.string() == parts[2])
    }

    @Test func `one signer signs for many, in any order, twice`() {
        let signer = SigV4Signer()
        for signing in SigningCase.all + SigningCase.all.reversed() {
            #expect(signing.lines(of: signer).contains("authorization: \(signing.authorization)"))
        }
    }

    @Test func `what signatures of a second share is shared by none that differ`() {
        let template = { (path: String) in
            SigningTemplate(
                method: .post, path: path, query: "", fields: SignedFields([("host", "h")]),
                scope: SigningScope(region: "r", service: "s"))
        }
        let templates = [template("/a"), template("/b")]
        let credentials = [
            Credentials(accessKeyID: "A", secretAccessKey: "one"),
            Credentials(accessKeyID: "A", secretAccessKey: "two"),
            Credentials(accessKeyID: "A", secretAccessKey: "one", sessionToken: "token"),
            Credentials(accessKeyID: "A", secretAccessKey: "one", sessionToken: "other"),
        ]
        let signer = SigV4Signer()
        var random = SeededRandom(seed: 7)
        for _ in 0..<400 {
            let template = templates.randomElement(using: &random) ?? templates[0]
            let credentials = credentials.randomElement(using: &random) ?? credentials[0]
            let time = WallTime(milliseconds: .random(in: 0..<4000, using: &random))
            let hash = SHA256.hash([UInt8.random(in: 0...255, using: &random)].span)
            let lines = [signer, SigV4Signer()].map { signer in
                var buffer = ByteBuffer()
                signer.appendSignature(
                    to: &buffer, template: template, payloadHash: hash, credentials: credentials, at: time)
                return buffer.string()
            }
            #expect(lines[0] == lines[1])
        }
    }

    @Test func `more templates than are kept only cost time`() {
        let signer = SigV4Signer()
        let signing = SigningCase.all[0]
        for path in 0..<600 {
            var buffer = ByteBuffer()
            signer.appendSignature(
                to: &buffer, method: .get, path: "/\(path)", query: "", signedFields: SignedFields([]),
                payloadHash: SHA256.hash(Span()), scope: signing.scope, credentials: signing.credentials,
                at: signing.time)
        }
        #expect(signing.lines(of: signer).contains("authorization: \(signing.authorization)"))
    }

    @Test func `more keys than are kept only cost time`() {
        let signer = SigV4Signer()
        let signing = SigningCase.all[0]
        for day in 0..<100 as Range<Int64> {
            _ = signing.lines(of: signer, at: WallTime(seconds: day * 86_400))
        }
        #expect(signing.lines(of: signer).contains("authorization: \(signing.authorization)"))
    }

    @Test func `new secrets of the same key id are not signed with the old key`() {
        let signer = SigV4Signer()
        var buffer = ByteBuffer()
        var seen: Set<String> = []
        for secret in ["one", "two", "one"] {
            buffer.removeAll()
            signer.appendSignature(
                to: &buffer, method: .get, path: "/", query: "", signedFields: SignedFields([]),
                payloadHash: SHA256.hash(Span()),
                scope: SigningScope(region: "r", service: "s"),
                credentials: Credentials(accessKeyID: "A", secretAccessKey: secret), at: WallTime(seconds: 0))
            seen.insert(buffer.string())
        }
        #expect(seen.count == 2)
    }

    @Test(arguments: SigningCase.all)
    func `a template gives the same signature`(signing: SigningCase) {
        let signer = SigV4Signer()
        let template = SigningTemplate(
            method: signing.method, path: signing.path, query: signing.query, fields: SignedFields(signing.fields),
            scope: signing.scope)
        var buffer = ByteBuffer()
        for _ in 0..<2 {
            buffer.removeAll()
            signer.appendSignature(
                to: &buffer, template: template, payloadHash: SHA256.hash(signing.body.span),
                credentials: signing.credentials, at: signing.time)
            #expect(buffer.string().contains("authorization: \(signing.authorization)\r\n"))
        }
    }

    @Test(arguments: [
        ("", ""), ("a", "a="), ("a=", "a="), ("=a", "=a"), ("&&a&&", "a="), ("b&a", "a=&b="),
        ("a=2&a=10&a=1", "a=1&a=10&a=2"), ("a=%2f%7E", "a=%2F~"), ("a=%", "a=%25"), ("a=%4", "a=%254"),
        ("a=%zz", "a=%25zz"), ("a=b=c", "a=b%3Dc"), ("a=+", "a=%2B"), ("%41=é", "A=%C3%A9"),
    ])
    func `queries in any form become canonical`(query: String, expected: String) {
        var buffer = ByteBuffer()
        buffer.append(canonicalQuery: query.utf8.span)
        #expect(buffer.string() == expected)
    }
}
