import HTTP

/// One host and one path of a route, with the route's conditions at hand.
struct RouteEntry: Sendable {
    let route: Int
    let hostIndex: Int
    let pathIndex: Int
    let host: HostPattern
    let path: PathPattern
    let methods: [Method]
    let headers: [HeaderCondition]
    /// Whether HEAD is taken because GET is, and not because it was named.
    let takesHeadForGet: Bool
    /// Whether the path has neither parameters nor a `*`.
    let isExact: Bool
    /// Host and path as logs show them: `chat.example.com/v1/*`, `/robots.txt`.
    let name: String

    private init(route: Int, _ definition: Route, hostIndex: Int, pathIndex: Int) {
        self.route = route
        self.hostIndex = hostIndex
        self.pathIndex = pathIndex
        self.host = definition.hosts[hostIndex]
        self.path = definition.paths[pathIndex]
        self.methods = definition.methods
        self.headers = definition.headers
        self.takesHeadForGet = definition.methods.contains(.get) && !definition.methods.contains(.head)
        self.isExact = self.path.kind == .exact
        self.name = self.host == .any ? self.path.description : "\(self.host)\(self.path)"
    }

    /// How many conditions there are besides host and path. Methods count as one, however many there are.
    var conditionCount: Int { self.headers.count + (self.methods.isEmpty ? 0 : 1) }

    /// Whether the entry takes the method.
    func takes(_ method: Method) -> Bool {
        if self.methods.isEmpty { return true }
        return self.methods.contains(method) || method == .head && self.takesHeadForGet
    }

    /// Whether the request's fields meet all conditions.
    func isMet(by fields: borrowing Fields) -> Bool {
        for condition in self.headers where !condition.isMet(by: fields) { return false }
        return true
    }

    /// Whether both have the same host and match the same paths.
    func isSamePlace(as other: RouteEntry) -> Bool {
        self.host == other.host && self.path.matchText == other.path.matchText
    }
}

extension RouteEntry {
    /// All entries of the routes: those of one host and path together, the more specific ones first within a host.
    static func sorted(from routes: [Route]) -> [RouteEntry] {
        var keyed: [(order: RouteOrder, entry: RouteEntry)] = []
        for (number, route) in routes.enumerated() {
            for hostIndex in route.hosts.indices {
                for pathIndex in route.paths.indices {
                    let entry = RouteEntry(route: number, route, hostIndex: hostIndex, pathIndex: pathIndex)
                    keyed.append((RouteOrder(entry), entry))
                }
            }
        }
        keyed.sort { $0.order < $1.order }
        return keyed.map(\.entry)
    }
}

/// Hosts in the order of precedence.
struct HostOrder: Comparable {
    /// Exact names, wildcards, any.
    let kind: Int
    let name: String

    init(_ pattern: HostPattern) {
        switch pattern {
        case .exact(let name): (self.kind, self.name) = (0, name)
        case .wildcard(let name): (self.kind, self.name) = (1, name)
        case .any: (self.kind, self.name) = (2, "")
        }
    }

    static func < (left: HostOrder, right: HostOrder) -> Bool {
        if left.kind != right.kind { return left.kind < right.kind }
        // Of two wildcards that match one name the longer one is the more specific.
        let (leftCount, rightCount) = (left.name.utf8.count, right.name.utf8.count)
        return leftCount != rightCount ? leftCount > rightCount : left.name < right.name
    }
}

/// Entries in the order of precedence: host, path, conditions.
private struct RouteOrder: Comparable {
    let host: HostOrder
    let path: PathPattern
    let kind: PathPattern.Kind
    let matchText: String
    let conditionCount: Int
    /// 0 where HEAD is named: such a route takes HEAD before one that takes it along with GET.
    let headRank: Int
    let route: Int

    init(_ entry: RouteEntry) {
        self.host = HostOrder(entry.host)
        self.path = entry.path
        self.kind = entry.path.kind
        self.matchText = entry.path.matchText
        self.conditionCount = entry.conditionCount
        self.headRank = entry.methods.contains(.head) ? 0 : 1
        self.route = entry.route
    }

    static func < (left: RouteOrder, right: RouteOrder) -> Bool {
        if left.host != right.host { return left.host < right.host }
        if left.matchText != right.matchText { return left.isPathBefore(right) }
        if left.conditionCount != right.conditionCount { return left.conditionCount > right.conditionCount }
        if left.headRank != right.headRank { return left.headRank < right.headRank }
        return left.route < right.route
    }

    private func isPathBefore(_ other: RouteOrder) -> Bool {
        if self.kind != other.kind { return self.kind < other.kind }
        let (count, otherCount) = (self.path.segments.count, other.path.segments.count)
        if count != otherCount { return count > otherCount }
        // Two patterns of one length that match the same path differ first where one has a parameter.
        for (segment, otherSegment) in zip(self.path.segments, other.path.segments) {
            switch (segment, otherSegment) {
            case (.literal, .parameter): return true
            case (.parameter, .literal): return false
            case (.literal(let text), .literal(let otherText)):
                if text != otherText { return text < otherText }
            case (.parameter, .parameter): break
            }
        }
        return false
    }
}
