package import HTTP
private import Bytes

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

extension RouteTable {
    /// Finds the most specific route for a request. `host` is in lower case, without port.
    ///
    /// Where a route for the request's very host does not match, the less specific hosts are tried: a route without
    /// host is there for every host. Allocates for parameters, and for answers that are no route.
    package func match(method: Method, host: String?, target: Target, fields: Fields) -> RouteMatch {
        let path = target.routingPath.utf8.span
        // `*`, the target of OPTIONS for the server as a whole, is no path.
        guard !path.isEmpty, path[0] == ASCII.slash else { return .notFound }
        let firstHost = self.host(for: host)
        var hostNumber = firstHost
        while hostNumber >= 0 {
            let node = self.hosts[Int(hostNumber)]
            let best = self.best(at: hostNumber, root: node.root, path: path, method: method, fields: fields)
            if best < self.entries.count { return .route(self.matched(best, path: path)) }
            hostNumber = node.fallback
        }
        return self.refusal(host: firstHost, path: path, fields: fields)
    }

    /// The most specific host node that a name matches, or -1.
    private func host(for name: String?) -> Int32 {
        guard let name, self.hostNames.count > 0 else { return self.anyHost }
        let exact = self.hostNames.value(of: name.utf8.span, in: Self.exactScope)
        return exact >= 0 ? exact : self.wildcardOrAny(for: name.utf8.span)
    }

    /// The longest wildcard that a name matches, else the node for any host.
    func wildcardOrAny(for name: Span<UInt8>) -> Int32 {
        guard self.hasWildcards else { return self.anyHost }
        var found = self.anyHost
        var hash = ByteKeyTable.initialHash
        var index = name.count
        // From the right, so that each suffix costs one step; the first byte is no dot that a wildcard could end at.
        while index > 1 {
            index -= 1
            if name[index] == ASCII.dot {
                let suffix = name.extracting(index + 1..<name.count)
                let number = self.hostNames.value(of: suffix, hash: hash, in: Self.wildcardScope)
                if number >= 0 { found = number }
            }
            ByteKeyTable.extend(&hash, with: name[index])
        }
        return found
    }

    /// The first entry of a host that takes the request; as many as there are entries where none does.
    private func best(
        at host: Int32, root: Int32, path: Span<UInt8>, method: Method, fields: Fields
    ) -> Int {
        let exact = self.exactPaths.count == 0 ? -1 : self.exactPaths.value(of: path, in: host)
        if exact >= 0 {
            for number in self.leaves[Int(exact)] {
                if self.entries[Int(number)].takes(method), self.entries[Int(number)].isMet(by: fields) {
                    return Int(number)
                }
            }
        }
        var best = Int32(self.entries.count)
        self.visit(from: root, path: path, at: 1) { leaf in
            for number in leaf {
                if number >= best { return }
                if self.entries[Int(number)].takes(method), self.entries[Int(number)].isMet(by: fields) {
                    best = number
                }
            }
        }
        return Int(best)
    }

    /// Calls `body` with each leaf of the trie that matches the path, in no particular order.
    ///
    /// `position` is where the next segment begins; one past the end means that no segment is left. Goes into itself
    /// only for parameters, so no deeper than the longest pattern is.
    private func visit(from start: Int32, path: Span<UInt8>, at position: Int, _ body: (Range<Int32>) -> Void) {
        var number = start
        var position = position
        while true {
            let node = self.nodes[Int(number)]
            if node.prefixLeaf >= 0 { body(self.leaves[Int(node.prefixLeaf)]) }
            if position > path.count {
                if node.leaf >= 0 { body(self.leaves[Int(node.leaf)]) }
                return
            }
            let end = path.firstIndex(of: ASCII.slash, from: position) ?? path.count
            if node.parameterChild >= 0, end > position {
                self.visit(from: node.parameterChild, path: path, at: end + 1, body)
            }
            number = self.segments.value(of: path.extracting(position..<end), in: number)
            if number < 0 { return }
            position = end + 1
        }
    }

    /// The match for an entry that is known to match the path.
    private func matched(_ number: Int, path: Span<UInt8>) -> MatchedRoute {
        let entry = self.entries[number]
        var parameters: [PathParameter] = []
        var position = 1
        for segment in entry.path.segments {
            let end = path.firstIndex(of: ASCII.slash, from: position) ?? path.count
            if case .parameter(let name) = segment {
                parameters.append(
                    PathParameter(name: name, value: path.extracting(position..<end).string()))
            }
            position = end + 1
        }
        return MatchedRoute(
            route: entry.route, name: entry.name, parameters: parameters,
            restStart: entry.path.isPrefix ? min(position, path.count) : path.count)
    }

    /// 405 with the methods that would have matched, or 404 where none would.
    private func refusal(host: Int32, path: Span<UInt8>, fields: Fields) -> RouteMatch {
        var methods: Set<Method> = []
        let collect = { (leaf: Range<Int32>) in
            for number in leaf where self.entries[Int(number)].isMet(by: fields) {
                let entry = self.entries[Int(number)]
                methods.formUnion(entry.methods)
                if entry.takesHeadForGet { methods.insert(.head) }
            }
        }
        var hostNumber = host
        while hostNumber >= 0 {
            let node = self.hosts[Int(hostNumber)]
            let exact = self.exactPaths.value(of: path, in: hostNumber)
            if exact >= 0 { collect(self.leaves[Int(exact)]) }
            self.visit(from: node.root, path: path, at: 1, collect)
            hostNumber = node.fallback
        }
        return methods.isEmpty ? .notFound : .methodNotAllowed(allow: Self.allow(methods))
    }

    /// The methods in the order in which people expect them, unregistered ones behind.
    static func allow(_ methods: Set<Method>) -> String {
        let order: [Method] = [.get, .head, .post, .put, .patch, .delete, .options, .trace, .connect]
        let others = methods.subtracting(order).map(\.rawValue).sorted()
        return (order.filter(methods.contains).map(\.rawValue) + others).joined(separator: ", ")
    }
}
