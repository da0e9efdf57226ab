import HTTP
import Routing
import Testing
import TestSupport

/// The compiled table against the rules written down once more, as plainly as possible.
@Suite struct ReferenceTests {
    @Test(arguments: 0..<60)
    func `the table agrees with a naive matcher`(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        let routes = try Self.routesWithoutConflicts(&random)
        let table = try RouteTable(routes: routes)
        for _ in 0..<120 {
            let request = Self.request(&random)
            let match = table.match(
                method: request.method, host: request.host, target: request.target, fields: request.fields)
            let expected = Self.reference(routes, request)
            let found: [Int]
            switch match {
            case .route(let route): found = [route.route]
            case .notFound: found = []
            case .methodNotAllowed: found = [-1]
            }
            #expect(
                found == expected,
                "seed \(seed): \(request.method.rawValue) \(request.host ?? "-") \(request.target.path)")

            let explanation = table.explain(
                method: request.method, host: request.host, target: request.target, fields: request.fields)
            let chosen = explanation.candidates.filter { $0.verdict == .chosen }.map(\.route)
            #expect(chosen == expected.filter { $0 >= 0 }, "seed \(seed)")
        }
    }

    private static let names = ["a", "b", "c"]

    private static func host(_ random: inout SeededRandom) -> String {
        (0..<Int.random(in: 1...3, using: &random)).map { _ in names.randomElement(using: &random)! }
            .joined(separator: ".")
    }

    private static func routesWithoutConflicts(_ random: inout SeededRandom) throws -> [Route] {
        var routes: [Route] = []
        for _ in 0..<Int.random(in: 1...60, using: &random) {
            let route = try Self.route(&random)
            // The table itself says what conflicts; that it says so rightly is another test's matter.
            if (try? RouteTable(routes: routes + [route])) != nil { routes.append(route) }
        }
        return routes
    }

    private static func route(_ random: inout SeededRandom) throws -> Route {
        let hosts: [HostPattern] = (0..<Int.random(in: 1...2, using: &random)).map { _ in
            switch Int.random(in: 0..<3, using: &random) {
            case 0: .any
            case 1: .exact(Self.host(&random))
            default: .wildcard(below: Self.host(&random))
            }
        }
        let paths = try (0..<Int.random(in: 1...2, using: &random)).map { _ in
            var text = ""
            for position in 0..<Int.random(in: 0...3, using: &random) {
                let isParameter = Int.random(in: 0..<3, using: &random) == 0
                text += isParameter ? "/{p\(position)}" : "/" + Self.names.randomElement(using: &random)!
            }
            switch Int.random(in: 0..<4, using: &random) {
            case 0: text += "/"
            case 1, 2: text += "/*"
            default: text = text.isEmpty ? "/" : text
            }
            return try PathPattern(parsing: text)
        }
        let methods = [Method.get, .head, .post].filter { _ in Int.random(in: 0..<4, using: &random) == 0 }
        var headers: [HeaderCondition] = []
        for name in ["x", "y"] where Int.random(in: 0..<4, using: &random) == 0 {
            let value = "\(Int.random(in: 1...2, using: &random))"
            headers.append(HeaderCondition(try FieldLine(name: name, value: value)))
        }
        return Route(hosts: hosts, paths: paths, methods: methods, headers: headers, action: .function(0))
    }

    private static func request(_ random: inout SeededRandom) -> Request {
        var path = ""
        for _ in 0..<Int.random(in: 0...4, using: &random) { path += "/" + Self.names.randomElement(using: &random)! }
        if path.isEmpty || Int.random(in: 0..<4, using: &random) == 0 { path += "/" }
        var line = ["GET", "HEAD", "POST", "PUT"].randomElement(using: &random)! + " "
        if Bool.random(using: &random) { line += Self.host(&random) }
        line += path
        for name in ["x", "y"] where Bool.random(using: &random) {
            line += " \(name)=\(Int.random(in: 1...2, using: &random))"
        }
        return Request(line)
    }

    /// The route that should win, nothing for 404, -1 for 405.
    private static func reference(_ routes: [Route], _ request: Request) -> [Int] {
        typealias Rank = (host: [Int], path: [Int], conditions: [Int])
        var best: (rank: Rank, route: Int)?
        var isRefused = false
        for (number, route) in routes.enumerated() {
            let meetsHeaders = route.headers.allSatisfy {
                request.fields.all($0.line.name).joined(separator: ", ") == $0.line.value
                    && !request.fields.all($0.line.name).isEmpty
            }
            guard meetsHeaders else { continue }
            for host in route.hosts {
                guard let hostRank = Self.rank(host, request.host) else { continue }
                for path in route.paths {
                    guard let pathRank = Self.rank(path, request.target.routingPath) else { continue }
                    let named = route.methods.isEmpty || route.methods.contains(request.method)
                    guard named || request.method == .head && route.methods.contains(.get) else {
                        isRefused = true
                        continue
                    }
                    let conditions = route.headers.count + (route.methods.isEmpty ? 0 : 1)
                    let rank: Rank = (hostRank, pathRank, [-conditions, named && !route.methods.isEmpty ? 0 : 1])
                    if let other = best, !Self.isLess(rank, other.rank) { continue }
                    best = (rank, number)
                }
            }
        }
        if let best { return [best.route] }
        return isRefused ? [-1] : []
    }

    private static func isLess(
        _ left: (host: [Int], path: [Int], conditions: [Int]), _ right: (host: [Int], path: [Int], conditions: [Int])
    ) -> Bool {
        let (first, second) = (left.host + left.path + left.conditions, right.host + right.path + right.conditions)
        if left.host != right.host { return left.host.lexicographicallyPrecedes(right.host) }
        if left.path != right.path { return left.path.lexicographicallyPrecedes(right.path) }
        return first.lexicographicallyPrecedes(second)
    }

    private static func rank(_ pattern: HostPattern, _ host: String?) -> [Int]? {
        switch pattern {
        case .any: return [2]
        case .exact(let name): return host == name ? [0] : nil
        case .wildcard(let name):
            guard let host else { return nil }
            let (labels, wanted) = (host.split(separator: "."), name.split(separator: "."))
            guard labels.count > wanted.count, labels.suffix(wanted.count) == wanted[...] else { return nil }
            return [1, -wanted.count]
        }
    }

    private static func rank(_ pattern: PathPattern, _ path: String) -> [Int]? {
        let parts = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        guard pattern.isPrefix ? parts.count >= pattern.segments.count : parts.count == pattern.segments.count else {
            return nil
        }
        var kinds: [Int] = []
        for (segment, part) in zip(pattern.segments, parts) {
            switch segment {
            case .literal(let text):
                guard text == part else { return nil }
                kinds.append(0)
            case .parameter:
                guard !part.isEmpty else { return nil }
                kinds.append(1)
            }
        }
        if pattern.isPrefix { return [2, -kinds.count] + kinds }
        return [kinds.contains(1) ? 1 : 0] + kinds
    }
}
