import HTTP
import Routing
import Testing

@Suite struct MatchingTests {
    // The host decides first, then the path, then method and header conditions.
    @Test func `the most specific route wins`() throws {
        let table = try table(
            "chat.example.com/v1/*",  // 0
            "*.example.com/v1/exact",  // 1
            "*.eu.example.com/*",  // 2
            "/v1/exact",  // 3
            "/users/{id}",  // 4
            "/users/me",  // 5
            "/users/*",  // 6
            "/users/{id}/posts/*",  // 7
            "/users/me/*",  // 8
            "/*",  // 9
            "GET /users/{id} x-beta=1",  // 10
            "GET /robots.txt",  // 11
            "/robots.txt x-beta=1 x-more=2",  // 12
            "/{a}/b/{c}",  // 13
            "/{a}/{b}/c",  // 14
            "/trailing/"  // 15
        )
        let expected: KeyValuePairs = [
            "GET chat.example.com/v1/exact": "0", "GET www.example.com/v1/exact": "1",
            "GET a.eu.example.com/v1/exact": "2", "GET a.b.eu.example.com/x": "2", "GET eu.example.com/v1/exact": "1",
            "GET example.com/v1/exact": "3", "GET other.org/v1/exact": "3", "GET /v1/exact": "3",
            // A less specific host takes what the specific one has no route for.
            "GET chat.example.com/users/me": "5", "GET www.example.com/nothing": "9",
            "GET /users/7": "4", "GET /users/me": "5", "GET /users": "6", "GET /users/": "6", "GET /users/7/x": "6",
            "GET /users/7/posts": "7", "GET /users/7/posts/1/2": "7", "GET /users/me/posts": "7",
            "GET /users/me/x": "8",
            "GET /usersx": "9", "GET /": "9", "GET /users/7 x-beta=1": "10", "POST /users/7 x-beta=1": "4",
            "GET /users/7 x-beta=2": "4", "GET /robots.txt": "11", "GET /robots.txt x-beta=1 x-more=2": "12",
            "POST /robots.txt x-beta=1 x-more=2": "12", "POST /robots.txt": "9", "GET /1/b/c": "13",
            "GET /1/x/c": "14", "GET /trailing/": "15", "GET /trailing": "9",
        ]
        for (request, answer) in expected { #expect(table.answer(request) == answer, "\(request)") }
    }

    @Test func `a prefix matches by segment`() throws {
        let table = try table("/v1/*", "/a/b/*", "/a/*")
        for path in ["/v1", "/v1/", "/v1/x", "/v1/x/y/"] { #expect(table.answer("GET \(path)") == "0") }
        for path in ["/v12", "/v", "/", "/V1", "/x/v1"] { #expect(table.answer("GET \(path)") == "404") }
        for path in ["/a/b", "/a/b/", "/a/b/c"] { #expect(table.answer("GET \(path)") == "1") }
        for path in ["/a", "/a/", "/a/bc", "/a/c"] { #expect(table.answer("GET \(path)") == "2") }
    }

    @Test func `parameters are named and never empty`() throws {
        let table = try table("/users/{user}/posts/{post}", "/files/{name}/*")
        guard case .route(let match) = table.found("GET /users/%C3%A9/posts/a.b") else {
            Issue.record("no match")
            return
        }
        #expect(
            match.parameters == [.init(name: "user", value: "%C3%A9"), .init(name: "post", value: "a.b")])
        #expect(match.name == "/users/{user}/posts/{post}")
        #expect(match.rest(of: "/users/%C3%A9/posts/a.b") == "")
        guard case .route(let file) = table.found("GET /files/x/y/z") else {
            Issue.record("no match")
            return
        }
        #expect(file.parameters == [.init(name: "name", value: "x")])
        #expect(file.rest(of: "/files/x/y/z") == "y/z")
        for path in ["/users//posts/1", "/users/1/posts/", "/users/1/posts", "/files/", "/files"] {
            #expect(table.answer("GET \(path)") == "404", "\(path)")
        }
    }

    @Test func `the rest of a prefix is what its star matched`() throws {
        let table = try table("/old/*")
        for (path, rest) in ["/old": "", "/old/": "", "/old/a": "a", "/old/a/": "a/"] {
            guard case .route(let match) = table.found("GET \(path)") else {
                Issue.record("no match for \(path)")
                continue
            }
            #expect(match.rest(of: path) == rest)
        }
    }

    // RFC 9110 §15.5.6: a 405 MUST have an Allow field with the methods that the target takes.
    @Test func `a method that no route takes is refused with those that are`() throws {
        let table = try table(
            "GET,POST /a", "a.example/a x-y=1", "PUT /a x-y=1", "PURGE,DELETE /{any}", "GET /b", "POST b.example/b",
            "PATCH /a/*")
        #expect(table.answer("OPTIONS /a") == "405 GET, HEAD, POST, PATCH, DELETE, PURGE")
        #expect(table.answer("OPTIONS /a x-y=1") == "405 GET, HEAD, POST, PUT, PATCH, DELETE, PURGE")
        #expect(table.answer("OPTIONS a.example/a x-y=1") == "1")
        #expect(table.answer("PUT b.example/b") == "405 GET, HEAD, POST, DELETE, PURGE")
        #expect(table.answer("PUT /b/c") == "404")
        #expect(table.answer("PURGE /x") == "3")
        #expect(table.answer("get /b") == "405 GET, HEAD, DELETE, PURGE", "methods are case-sensitive")
    }

    @Test func `a header that differs is no route, and no 405`() throws {
        let table = try table("GET /a x-beta=1")
        #expect(table.answer("GET /a") == "404")
        #expect(table.answer("POST /a") == "404")
        #expect(table.answer("POST /a x-beta=1") == "405 GET, HEAD")
    }

    // RFC 9110 §9.1: all general-purpose servers MUST support the methods GET and HEAD.
    @Test func `HEAD goes where GET goes unless a route names it`() throws {
        let table = try table("GET /a", "GET /b", "HEAD /b", "POST /c", "GET /d/*", "HEAD /*")
        #expect(table.answer("HEAD /a") == "0")
        #expect(table.answer("HEAD /b") == "2")
        #expect(table.answer("GET /b") == "1")
        #expect(table.answer("HEAD /c") == "5")
        #expect(table.answer("HEAD /d/x") == "4", "the path decides before the method")
    }

    @Test func `values of repeated headers count as joined`() throws {
        let table = try table("/a x-v=1", "/b x-v=1,")
        #expect(table.answer("GET /a X-V=1") == "0")
        for line in ["GET /a x-v=1 x-v=1", "GET /a x-v=1 x-v=2", "GET /a x-v=12", "GET /a x-v=", "GET /a y-v=1"] {
            #expect(table.answer(line) == "404", "\(line)")
        }
        let joined = try RouteTable(routes: [
            Route(
                paths: [try PathPattern(parsing: "/a")],
                headers: [HeaderCondition(try FieldLine(name: "X-V", value: " 1, 2 "))], action: .function(0))
        ])
        #expect(joined.answer("GET /a x-v=1 x-v=2") == "0")
        #expect(joined.answer("GET /a x-v=2 x-v=1") == "404")
    }

    @Test func `an asterisk is no path, and an empty table takes nothing`() throws {
        let all = try table("/*")
        let target = Target(path: "*", routingPath: "*", query: "")
        #expect(all.match(method: .options, host: nil, target: target, fields: Fields()) == .notFound)
        let nothing = Target(path: "", routingPath: "", query: "")
        #expect(all.match(method: .get, host: "", target: nothing, fields: Fields()) == .notFound)
        #expect(try RouteTable(routes: []).answer("GET a.example/") == "404")
    }

    // The table sees canonical paths only. What a path could still try must fall to the routes that name it.
    @Test func `what is left of odd paths dodges no route`() throws {
        let table = try table("/admin/*", "/*", "*.internal.example/*")
        for path in ["/admin", "/admin/", "/admin/x%2Fy", "/admin/%2E%2E", "/admin/;x", "/admin/."] {
            #expect(table.answer("GET \(path)") == "0", "\(path)")
        }
        // These are other paths for every reader of RFC 3986, the function included.
        for path in ["/Admin", "/admin%2Fx", "/admin;x", "/%61dmin", "/x/admin"] {
            #expect(table.answer("GET \(path)") == "1", "\(path)")
        }
        for host in ["a.internal.example", "a.b.internal.example"] {
            #expect(table.answer("GET \(host)/") == "2")
        }
        for host in ["internal.example", "xinternal.example", ".internal.example", "a.internal.example.org", ""] {
            let match = table.match(
                method: .get, host: host, target: Target(path: "/", routingPath: "/", query: ""), fields: Fields())
            guard case .route(let found) = match else {
                Issue.record("no match for \(host)")
                continue
            }
            #expect(found.route == 1, "\(host)")
        }
    }

    @Test func `names and paths of any length are answered`() throws {
        let table = try table("*.example.com/a/{b}/c/*", "/x")
        let host = String(repeating: "a.", count: 20_000) + "example.com"
        let path = "/a/b/c" + String(repeating: "/", count: 10_000) + String(repeating: "/d", count: 10_000)
        let match = table.match(
            method: .get, host: host, target: Target(path: path, routingPath: path, query: ""), fields: Fields())
        guard case .route(let found) = match else {
            Issue.record("no match")
            return
        }
        #expect(found.name == "*.example.com/a/{b}/c/*")
    }
}
