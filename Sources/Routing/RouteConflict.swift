package import HTTP

/// Two places of the configuration that match some request equally, so that nobody could say which one takes it.
package struct RouteConflict: Error, Equatable, Sendable {
    /// The one that comes first in the configuration.
    package let first: Place
    package let second: Place
    /// A method with which both match; `nil` where every method does.
    package let method: Method?

    /// Where in the configuration an entry comes from.
    package struct Place: Equatable, Sendable {
        /// Position among the routes.
        package let route: Int
        /// Position among the route's hosts.
        package let host: Int
        /// Position among the route's paths.
        package let path: Int
        /// Host and path, as logs show them.
        package let name: String
    }

    /// Compares the entries of each host and path with one another.
    static func all(in entries: [RouteEntry]) -> [RouteConflict] {
        var conflicts: [RouteConflict] = []
        var start = 0
        while start < entries.count {
            var end = start + 1
            while end < entries.count, entries[end].isSamePlace(as: entries[start]) {
                for other in start..<end where entries[other].conditionCount == entries[end].conditionCount {
                    guard let conflict = Self.between(entries[other], entries[end]) else { continue }
                    conflicts.append(conflict)
                    if conflicts.count >= RouteTable.maximumConflicts { return conflicts }
                }
                end += 1
            }
            start = end
        }
        return conflicts
    }

    private static func between(_ left: RouteEntry, _ right: RouteEntry) -> RouteConflict? {
        for condition in left.headers {
            let other = right.headers.first { $0.line.name == condition.line.name }
            if let other, other.line.value != condition.line.value { return nil }
        }
        var method: Method?
        if !left.methods.isEmpty, !right.methods.isEmpty {
            method = left.methods.first { right.methods.contains($0) }
            if method == nil { return nil }
        } else {
            method = left.methods.first ?? right.methods.first
        }
        let places = [left, right].map { entry in
            Place(route: entry.route, host: entry.hostIndex, path: entry.pathIndex, name: entry.name)
        }
        let isInOrder =
            (places[0].route, places[0].host, places[0].path) <= (places[1].route, places[1].host, places[1].path)
        return RouteConflict(
            first: places[isInOrder ? 0 : 1], second: places[isInOrder ? 1 : 0], method: method)
    }
}
