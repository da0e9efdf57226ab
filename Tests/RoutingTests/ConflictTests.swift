import HTTP
import Routing
import Testing

@Suite struct ConflictTests {
    @Test(arguments: [
        ["/a", "/a"], ["a.example/x", "A.example./x"], ["/users/{id}", "/users/{name}"], ["/v1/*", "/v1/*"],
        ["GET,POST /a", "POST,PUT /a"], ["GET /a", "/a x-y=1"], ["/a x-y=1", "/a x-z=1"], ["/%7ea", "/~a"],
        ["GET /a x-y=1", "GET,HEAD /a X-Y=1"], ["/{a}/{b}/*", "/{c}/{d}/*"],
    ])
    func `routes that match equally are a conflict`(lines: [String]) throws {
        let routes = try lines.enumerated().map { try route($0.element, action: .function($0.offset)) }
        let error = #expect(throws: RouteTableError.self) { try RouteTable(routes: routes) }
        guard case .conflicts(let conflicts) = error else {
            Issue.record("not a conflict: \(String(describing: error))")
            return
        }
        #expect(conflicts.count == 1)
        #expect(conflicts.first?.first.route == 0)
        #expect(conflicts.first?.second.route == 1)
    }

    @Test(arguments: [
        ["/a", "/a/"], ["/a", "a.example/a"], ["/a", "/{a}"], ["/{a}", "/*"], ["/a/{b}", "/{a}/b"],
        ["GET /a", "POST /a"], ["GET /a", "HEAD /a"], ["GET /a", "/a"], ["/a x-y=1", "/a x-y=2"], ["/a x-y=1", "/a"],
        ["/a/*", "/a"], ["GET /a x-y=1", "/a x-y=1"], ["/a", "/A"], ["*.example/a", "*.a.example/a"],
    ])
    func `routes of which one is more specific are none`(lines: [String]) throws {
        _ = try RouteTable(routes: lines.map { try route($0, action: .function(0)) })
    }

    @Test func `a route that names the same place twice conflicts with itself`() throws {
        let path = try PathPattern(parsing: "/a")
        let hosts = [HostPattern.exact("a.example"), .exact("b.example"), .exact("a.example")]
        let error = #expect(throws: RouteTableError.self) {
            try RouteTable(routes: [Route(hosts: hosts, paths: [path], action: .function(0))])
        }
        guard case .conflicts(let conflicts) = error else {
            Issue.record("not a conflict: \(String(describing: error))")
            return
        }
        #expect(conflicts.map(\.first.host) == [0])
        #expect(conflicts.map(\.second.host) == [2])
    }

    @Test func `conflicts and entries are bounded`() throws {
        let same = try (0..<200).map { try route("/a", action: .function($0)) }
        let error = #expect(throws: RouteTableError.self) { try RouteTable(routes: same) }
        guard case .conflicts(let conflicts) = error else {
            Issue.record("not a conflict: \(String(describing: error))")
            return
        }
        #expect(conflicts.count == RouteTable.maximumConflicts)

        let hosts = (0..<1000).map { HostPattern.exact("h\($0).example") }
        let paths = try (0..<1000).map { try PathPattern(parsing: "/p\($0)") }
        let bomb = Route(hosts: hosts, paths: paths, action: .function(0))
        #expect(throws: RouteTableError.tooManyEntries(count: 1_000_000)) { try RouteTable(routes: [bomb]) }
    }
}
