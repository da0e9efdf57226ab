private import Bytes

/// Fills the tables of a `RouteIndex` from sorted entries.
struct RouteIndexBuilder {
    let entries: [RouteEntry]
    private(set) var hostNames = ByteKeyTable()
    private(set) var hosts: [RouteIndex.HostNode] = []
    private(set) var anyHost: Int32 = -1
    private(set) var hasWildcards = false
    private(set) var exactPaths = ByteKeyTable()
    private(set) var segments = ByteKeyTable()
    private(set) var nodes: [RouteIndex.PathNode] = []
    private(set) var leaves: [Range<Int32>] = []

    init(entries: [RouteEntry]) {
        self.entries = entries
        self.addHosts()
        self.addPaths()
    }

    private mutating func addHosts() {
        let patterns = Set(self.entries.map(\.host))
        // The shorter a wildcard, the earlier it is there to be the fallback of longer ones.
        for pattern in patterns.sorted(by: { HostOrder($1) < HostOrder($0) }) {
            let number = Int32(self.hosts.count)
            let root = Int32(self.nodes.count)
            self.nodes.append(RouteIndex.PathNode())
            switch pattern {
            case .any:
                self.anyHost = number
                self.hosts.append(.init(root: root, fallback: -1))
            case .wildcard(let name):
                // `*.a.example` also matches what `*.example` does, but not the other way round.
                self.hosts.append(.init(root: root, fallback: self.fallback(for: name)))
                self.hostNames.insert(name, in: RouteIndex.wildcardScope, value: number)
                self.hasWildcards = true
            case .exact(let name):
                self.hosts.append(.init(root: root, fallback: self.fallback(for: name)))
                self.hostNames.insert(name, in: RouteIndex.exactScope, value: number)
            }
        }
    }

    private func fallback(for name: String) -> Int32 {
        let found = self.hostNames.longestSuffix(of: name.utf8.span, in: RouteIndex.wildcardScope)
        return found >= 0 ? found : self.anyHost
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
        case .exact(let name): self.hostNames.value(of: name.utf8.span, in: RouteIndex.exactScope)
        case .wildcard(let name): self.hostNames.value(of: name.utf8.span, in: RouteIndex.wildcardScope)
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
                self.nodes.append(RouteIndex.PathNode())
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
