import HTTP
private import Bytes

/// All routes, compiled for matching: hash tables for hosts and exact paths, a trie of segments for the others.
///
/// The entries (one for each host and path of a route) are sorted by precedence, so that of the entries that match a
/// request the one with the smallest position wins. `RouteTable+Matching.swift` finds it without allocating.
package struct RouteTable: Sendable {
    /// The routes as they were given; matches name them by position.
    package let routes: [Route]
    /// One for each host and path of each route, the most specific first within a host.
    let entries: [RouteEntry]

    /// Exact host names and the names below which wildcards match, to positions in `hosts`.
    var hostNames = ByteKeyTable()
    var hosts: [HostNode] = []
    /// The host node for requests that no name of the table matches; -1 without routes for any host.
    var anyHost: Int32 = -1
    var hasWildcards = false
    /// Whole paths, with the host node as scope, to positions in `leaves`.
    var exactPaths = ByteKeyTable()
    /// Literal segments, with the parent as scope, to positions in `nodes`.
    var segments = ByteKeyTable()
    var nodes: [PathNode] = []
    /// Each a run of entries with the same host and path.
    var leaves: [Range<Int32>] = []

    /// How many pairs of host and path a table may hold.
    package static let maximumEntries = 200_000
    /// How many conflicts are looked for before the search ends.
    package static let maximumConflicts = 100

    static let exactScope: Int32 = 0
    static let wildcardScope: Int32 = 1

    /// A host that routes name, and where to look when none of them takes a request.
    struct HostNode: Sendable {
        /// The trie of its paths.
        var root: Int32
        /// The next less specific host that matches the same names, or -1.
        var fallback: Int32
    }

    /// A position in the trie: what follows some segments.
    struct PathNode: Sendable {
        var parameterChild: Int32 = -1
        /// The leaf of the pattern that ends here.
        var leaf: Int32 = -1
        /// The leaf of the prefix that ends here.
        var prefixLeaf: Int32 = -1
    }

    /// Compiles the routes, or says which of them match the same requests equally.
    package init(routes: [Route]) throws(RouteTableError) {
        let count = routes.reduce(0) { $0 + $1.hosts.count * $1.paths.count }
        guard count <= Self.maximumEntries else { throw .tooManyEntries(count: count) }
        self.routes = routes
        self.entries = RouteEntry.sorted(from: routes)
        let conflicts = RouteConflict.all(in: self.entries)
        guard conflicts.isEmpty else { throw .conflicts(conflicts) }

        self.addHosts()
        self.addPaths()
    }

    private mutating func addHosts() {
        let patterns = Set(self.entries.map(\.host))
        // The shorter a wildcard, the earlier it is there to be the fallback of longer ones.
        let sorted = patterns.sorted { HostOrder($1) < HostOrder($0) }
        for pattern in sorted {
            let number = Int32(self.hosts.count)
            let root = Int32(self.nodes.count)
            self.nodes.append(PathNode())
            switch pattern {
            case .any:
                self.anyHost = number
                self.hosts.append(HostNode(root: root, fallback: -1))
            case .wildcard(let name):
                // `*.a.example` also matches what `*.example` does, but not the other way round.
                self.hosts.append(HostNode(root: root, fallback: self.wildcardOrAny(for: name.utf8.span)))
                self.hostNames.insert(name, in: Self.wildcardScope, value: number)
                self.hasWildcards = true
            case .exact(let name):
                self.hosts.append(HostNode(root: root, fallback: self.wildcardOrAny(for: name.utf8.span)))
                self.hostNames.insert(name, in: Self.exactScope, value: number)
            }
        }
    }

    private mutating func addPaths() {
        var start = 0
        while start < self.entries.count {
            let entry = self.entries[start]
            var end = start + 1
            while end < self.entries.count, self.entries[end].isSamePlace(as: entry) { end += 1 }
            let leaf = Int32(self.leaves.count)
            self.leaves.append(Int32(start)..<Int32(end))
            self.add(leaf, for: entry.path, below: self.hostNode(of: entry.host))
            start = end
        }
    }

    private func hostNode(of pattern: HostPattern) -> Int32 {
        switch pattern {
        case .any: self.anyHost
        case .exact(let name): self.hostNames.value(of: name.utf8.span, in: Self.exactScope)
        case .wildcard(let name): self.hostNames.value(of: name.utf8.span, in: Self.wildcardScope)
        }
    }

    private mutating func add(_ leaf: Int32, for pattern: PathPattern, below host: Int32) {
        if pattern.kind == .exact {
            self.exactPaths.insert(pattern.description, in: host, value: leaf)
            return
        }
        var node = self.hosts[Int(host)].root
        for segment in pattern.segments {
            var child: Int32
            switch segment {
            case .parameter: child = self.nodes[Int(node)].parameterChild
            case .literal(let text): child = self.segments.value(of: text.utf8.span, in: node)
            }
            if child < 0 {
                child = Int32(self.nodes.count)
                self.nodes.append(PathNode())
                switch segment {
                case .parameter: self.nodes[Int(node)].parameterChild = child
                case .literal(let text): self.segments.insert(text, in: node, value: child)
                }
            }
            node = child
        }
        if pattern.isPrefix {
            self.nodes[Int(node)].prefixLeaf = leaf
        } else {
            self.nodes[Int(node)].leaf = leaf
        }
    }
}

/// Why routes make no table.
package enum RouteTableError: Error, Equatable, Sendable {
    /// Hosts times paths, of all routes together, are more than `RouteTable.maximumEntries`.
    case tooManyEntries(count: Int)
    /// These match the same requests equally.
    case conflicts([RouteConflict])
}
