package import HTTP

/// All routes, compiled for matching. Copying a table costs nothing: what it is made of is shared.
package struct RouteTable: Sendable {
    /// The routes as they were given; matches name them by position.
    package let routes: [Route]
    let index: RouteIndex

    /// How many pairs of host and path a table may hold.
    package static let maximumEntries = 200_000
    /// How many conflicts are looked for before the search ends.
    package static let maximumConflicts = 100

    /// Compiles the routes, or says which of them match the same requests equally.
    package init(routes: [Route]) throws(RouteTableError) {
        let count = routes.reduce(0) { $0 + $1.hosts.count * $1.paths.count }
        guard count <= Self.maximumEntries else { throw .tooManyEntries(count: count) }
        let entries = RouteEntry.sorted(from: routes)
        let conflicts = RouteConflict.all(in: entries)
        guard conflicts.isEmpty else { throw .conflicts(conflicts) }
        self.routes = routes
        self.index = RouteIndex(RouteIndexBuilder(entries: entries))
    }

    /// Finds the most specific route for a request. `host` is in lower case, without port.
    ///
    /// Where a route for the request's very host does not match, the less specific hosts are tried: a route without
    /// host is there for every host. Allocates for parameters, and for answers that are no route.
    package func match(method: Method, host: String?, target: Target, fields: Fields) -> RouteMatch {
        self.index.match(method: method, host: host, path: target.routingPath.utf8.span, fields: fields)
    }
}

/// Which route takes a request.
package enum RouteMatch: Sendable, Equatable {
    case route(MatchedRoute)
    /// No route matches, whatever the method: 404.
    case notFound
    /// Routes match but for the method: 405, with the methods that they take as Allow field (RFC 9110 §15.5.6).
    case methodNotAllowed(allow: String)
}

/// The route that takes a request, and what its path matched.
package struct MatchedRoute: Sendable, Equatable {
    /// Position among the table's routes.
    package let route: Int
    /// Position among the route's paths.
    package let path: Int
    /// Host and path of the route, as logs show them.
    package let name: String
    /// What the parameters of the path matched, from the left.
    package let parameters: [PathParameter]
    /// Where in the routing path that begins which the `*` of a prefix matched, in bytes; the path's length where
    /// nothing is left or the route's path is no prefix.
    package let restStart: Int

    /// What the `*` of a prefix matched in the given routing path, without a slash in front.
    package func rest(of routingPath: String) -> Substring {
        let start = routingPath.utf8.index(
            routingPath.utf8.startIndex, offsetBy: self.restStart, limitedBy: routingPath.utf8.endIndex)
        return routingPath[(start ?? routingPath.endIndex)...]
    }
}

/// Why routes make no table.
package enum RouteTableError: Error, Equatable, Sendable {
    /// Hosts times paths, of all routes together, are more than `RouteTable.maximumEntries`.
    case tooManyEntries(count: Int)
    /// These match the same requests equally.
    case conflicts([RouteConflict])
}
