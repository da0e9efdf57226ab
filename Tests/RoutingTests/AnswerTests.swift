import HTTP
import Routing
import Testing

@Suite struct AnswerTests {
    @Test(arguments: [
        ("https://example.com/new/*", "a/b", "", "https://example.com/new/a/b"),
        ("https://example.com/new/*", "", "", "https://example.com/new/"),
        ("https://example.com/new/*", "a", "x=1&y", "https://example.com/new/a?x=1&y"),
        ("https://example.com/new?z=1", "a", "x=1", "https://example.com/new?z=1&x=1"),
        ("https://example.com", "a", "x=1", "https://example.com/?x=1"),
        ("HTTPS://Example.com/a", "", "", "https://Example.com/a"),
        ("/new/*#top", "a", "x", "/new/a?x#top"), ("/*", "a", "", "/a"), ("/", "", "", "/"),
        ("http://[::1]:8080/*", "a", "", "http://[::1]:8080/a"),
        // What a browser would take for the beginning of another host stays a path.
        ("/*", "\\evil.example", "", "/%5Cevil.example"), ("/*", "a\r\nb", "x\ny", "/a%0D%0Ab?x%0Ay"),
        ("/{id}/x", "", "", "/7%C3%A9/x"),
    ])
    func `a redirect is filled from the request`(to: String, rest: String, query: String, expected: String) throws {
        let redirect = try Redirect(to: to, status: 308)
        let location = redirect.location(
            rest: rest[...], parameters: [.init(name: "id", value: "7%C3%A9")], query: query)
        #expect(location == expected)
    }

    @Test(arguments: [
        ("", RedirectError.notATarget), ("example.com", .notATarget), ("//example.com/x", .notATarget),
        ("ftp://example.com/", .notATarget), ("https://", .notATarget), ("https:///x", .notATarget),
        ("https://example.com*", .variableHost), ("https://{host}/", .variableHost), ("https://a@b/", .variableHost),
        ("/a/*/b", .misplacedRest), ("/a*", .misplacedRest), ("/{a}b", .misplacedParameter),
        ("/a?x={a}", .misplacedParameter), ("/a b", .badCharacter), ("/é", .badCharacter), ("/a\n", .badCharacter),
        ("/\\evil", .badCharacter),
    ])
    func `a redirect that could go anywhere is refused`(to: String, expected: RedirectError) {
        #expect(throws: expected) { try Redirect(to: to) }
    }

    @Test func `a redirect has a status of redirects`() throws {
        #expect(throws: RedirectError.badStatus(300)) { try Redirect(to: "/", status: 300) }
        #expect(throws: RedirectError.badStatus(200)) { try Redirect(to: "/", status: 200) }
        #expect(try Redirect(to: "/").status == 307)
        #expect(try Redirect(to: "/{a}/*").usesRest)
        #expect(try Redirect(to: "/{a}/{b}").parameterNames == ["a", "b"])
    }

    @Test func `header edits remove, then set, then add`() throws {
        let edits = FieldEdits(
            set: [try FieldLine(name: "X-Set", value: "new")], add: [try FieldLine(name: "x-more", value: "2")],
            remove: ["x-gone"])
        var fields = Fields(["X-Gone": "1", "x-more": "1", "x-set": "old", "X-SET": "older", "x-kept": "k"])
        edits.apply(to: &fields)
        #expect(fields == Fields(["x-more": "1", "x-kept": "k", "x-set": "new", "x-more": "2"]))
        var untouched = fields
        FieldEdits().apply(to: &untouched)
        #expect(untouched == fields)
    }

    @Test func `a header line is checked`() throws {
        #expect(try FieldLine(name: "X-A", value: " v w\t").value == "v w")
        #expect(try FieldLine(name: "X-A", value: "é").name == "x-a")
        for name in ["", "a b", "a:", "é", "a\n"] {
            #expect(throws: FieldLineError.badName(name)) { try FieldLine(name: name, value: "") }
        }
        for value in ["a\r\nb", "\u{0}", "a\u{7f}"] {
            #expect(throws: FieldLineError.badValue(name: "a")) { try FieldLine(name: "a", value: value) }
        }
    }

    @Test func `an explanation names each candidate and why it lost`() throws {
        let table = try table(
            "/*", "GET /a/*", "/a/{x}", "POST /a/b", "/a/b x-beta=1 x-more=1", "www.example.com/a/*", "/other")
        let request = Request("GET /a/b x-beta=2")
        let explanation = table.explain(
            method: request.method, host: request.host, target: request.target, fields: request.fields)
        #expect(
            explanation.candidates.map { "\($0.name): \($0.verdict)" } == [
                "/a/b: wants x-beta: 1, found 2", "/a/b: takes only POST", "/a/{x}: takes it",
                "/a/*: would take it, but the other path is more specific (parameters)",
                "/*: would take it, but the other path is more specific (parameters)",
            ])
        #expect(explanation.candidates.map(\.route) == [4, 3, 2, 1, 0] && explanation.consideredCount == 7)
        let missing = table.explain(
            method: .get, host: nil, target: Target(path: "*", routingPath: "*", query: ""), fields: Fields())
        #expect(missing.result == .notFound && missing.candidates.isEmpty && missing.consideredCount == 7)
    }
}
