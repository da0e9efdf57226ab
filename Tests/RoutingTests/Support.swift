import HTTP
import Routing

/// Routes in the shorthand of these tests: `GET,POST chat.example.com/v1/* x-beta=1`. The host may be left out; its
/// action is the function with the route's position, so that a match names itself.
func table(_ lines: String...) throws -> RouteTable {
    try RouteTable(routes: lines.enumerated().map { try route($0.element, action: .function($0.offset)) })
}

func route(_ line: String, action: Route.Action) throws -> Route {
    var words = line.split(separator: " ").map(String.init)
    var methods: [Method] = []
    if let first = words.first, !first.contains("/") {
        methods = first.split(separator: ",").map { Method(rawValue: String($0)) }
        words.removeFirst()
    }
    let slash = words[0].firstIndex(of: "/")!
    let host = String(words[0][..<slash])
    return Route(
        hosts: [host.isEmpty ? .any : try HostPattern(parsing: host)],
        paths: [try PathPattern(parsing: String(words[0][slash...]))], methods: methods,
        headers: try words.dropFirst().map { word in
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            return HeaderCondition(try FieldLine(name: parts[0], value: parts[1]))
        },
        action: action)
}

extension RouteTable {
    /// Matches `GET chat.example.com/v1/x x-beta=1` and answers with the position of the route, 404, or the Allow
    /// field.
    func answer(_ line: String) -> String {
        switch self.found(line) {
        case .route(let match): "\(match.route)"
        case .notFound: "404"
        case .methodNotAllowed(let allow): "405 \(allow)"
        }
    }

    func found(_ line: String) -> RouteMatch {
        let request = Request(line)
        return self.match(
            method: request.method, host: request.host, target: request.target, fields: request.fields)
    }
}

/// A request in the same shorthand; the path is taken as canonical.
struct Request {
    var method: Method
    var host: String?
    var target: Target
    var fields = Fields()

    init(_ line: String) {
        let words = line.split(separator: " ").map(String.init)
        self.method = Method(rawValue: words[0])
        let slash = words[1].firstIndex(of: "/") ?? words[1].startIndex
        self.host = slash == words[1].startIndex ? nil : String(words[1][..<slash])
        let path = String(words[1][slash...])
        self.target = Target(path: path, routingPath: path, query: "")
        for word in words.dropFirst(2) {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            self.fields.append(parts[0], parts[1])
        }
    }
}
