import HTTP
private import Bytes

extension RouteIndex {
    /// What is looked for among the entries whose host and path match.
    private enum Search {
        /// The smallest position of those that take the request.
        case best(Int32)
        /// The methods of all whose other conditions are met.
        case methods(Set<Method>)
    }

    /// Finds the most specific entry for a request.
    func match(method: Method, host: String?, path: Span<UInt8>, fields: Fields) -> RouteMatch {
        // `*`, the target of OPTIONS for the server as a whole, is no path.
        guard !path.isEmpty, path[0] == ASCII.slash else { return .notFound }
        let bit = EntryConditions.bit(of: method)
        let none = Int32(self.entries.count)
        let firstHost = self.host(for: host)
        var hostNumber = firstHost
        while hostNumber >= 0 {
            var search = Search.best(none)
            self.search(&search, host: hostNumber, path: path, method: method, bit: bit, fields: fields)
            if case .best(let number) = search, number < none {
                return .route(self.matched(Int(number), path: path))
            }
            hostNumber = self.hosts[Int(hostNumber)].fallback
        }

        var search = Search.methods([])
        hostNumber = firstHost
        while hostNumber >= 0 {
            self.search(&search, host: hostNumber, path: path, method: method, bit: bit, fields: fields)
            hostNumber = self.hosts[Int(hostNumber)].fallback
        }
        guard case .methods(let methods) = search, !methods.isEmpty else { return .notFound }
        return .methodNotAllowed(allow: Self.allow(methods))
    }

    /// The most specific host node that a name matches, or -1.
    private func host(for name: String?) -> Int32 {
        guard let name, self.hostNames.count > 0 else { return self.anyHost }
        let bytes = name.utf8.span
        let exact = self.hostNames.value(of: bytes, in: Self.exactScope)
        if exact >= 0 { return exact }
        guard self.hasWildcards else { return self.anyHost }
        let wildcard = self.hostNames.longestSuffix(of: bytes, in: Self.wildcardScope)
        return wildcard >= 0 ? wildcard : self.anyHost
    }

    private func search(
        _ search: inout Search, host: Int32, path: Span<UInt8>, method: Method, bit: UInt16, fields: Fields
    ) {
        let exact = self.exactPaths.count == 0 ? -1 : self.exactPaths.value(of: path, in: host)
        if exact >= 0 {
            self.consider(exact, &search, method: method, bit: bit, fields: fields)
            // Entries with an exact path come before all others of their host.
            if case .best(let number) = search, number < self.entries.count { return }
        }
        let root = self.hosts[Int(host)].root
        self.walk(from: root, path: path, at: 1, &search, method: method, bit: bit, fields: fields)
    }

    /// Considers each leaf of the trie that matches the path, in no particular order.
    ///
    /// `position` is where the next segment begins; one past the end means that no segment is left. Goes into itself
    /// only for parameters, so no deeper than the longest pattern is.
    private func walk(
        from start: Int32, path: Span<UInt8>, at position: Int, _ search: inout Search, method: Method, bit: UInt16,
        fields: Fields
    ) {
        var number = start
        var position = position
        while true {
            let node = self.nodes[Int(number)]
            if node.prefixLeaf >= 0 {
                self.consider(node.prefixLeaf, &search, method: method, bit: bit, fields: fields)
            }
            if position > path.count {
                if node.leaf >= 0 { self.consider(node.leaf, &search, method: method, bit: bit, fields: fields) }
                return
            }
            let end = path.firstIndex(of: ASCII.slash, from: position) ?? path.count
            if node.parameterChild >= 0, end > position {
                self.walk(
                    from: node.parameterChild, path: path, at: end + 1, &search, method: method, bit: bit,
                    fields: fields)
            }
            number = self.segments.value(of: path.extracting(position..<end), in: number)
            if number < 0 { return }
            position = end + 1
        }
    }

    private func consider(_ leaf: Int32, _ search: inout Search, method: Method, bit: UInt16, fields: Fields) {
        switch search {
        case .best(let best):
            for number in self.leaves[Int(leaf)] {
                if number >= best { return }
                if self.takes(number, method: method, bit: bit, fields: fields) {
                    search = .best(number)
                    return
                }
            }
        case .methods(var methods):
            for number in self.leaves[Int(leaf)] where self.entries[Int(number)].isMet(by: fields) {
                methods.formUnion(self.entries[Int(number)].methods)
                if self.entries[Int(number)].takesHeadForGet { methods.insert(.head) }
            }
            search = .methods(methods)
        }
    }

    /// Whether an entry whose host and path match takes the request.
    private func takes(_ number: Int32, method: Method, bit: UInt16, fields: Fields) -> Bool {
        let conditions = self.conditions[Int(number)]
        if conditions.methods & bit == 0 {
            guard conditions.hasOtherMethods, bit == EntryConditions.other else { return false }
            guard self.entries[Int(number)].methods.contains(method) else { return false }
        }
        return !conditions.hasHeaders || self.entries[Int(number)].isMet(by: fields)
    }

    /// The match for an entry that is known to match the path.
    private func matched(_ number: Int, path: Span<UInt8>) -> MatchedRoute {
        let pattern = self.entries[number].path
        var parameters: [PathParameter] = []
        var position = 1
        if !self.entries[number].isExact {
            for segment in pattern.segments {
                let end = path.firstIndex(of: ASCII.slash, from: position) ?? path.count
                if case .parameter(let name) = segment {
                    parameters.append(PathParameter(name: name, value: path.extracting(position..<end).string()))
                }
                position = end + 1
            }
        }
        return MatchedRoute(
            route: self.entries[number].route, path: self.entries[number].pathIndex, name: self.entries[number].name,
            parameters: parameters,
            restStart: pattern.isPrefix ? min(position, path.count) : path.count)
    }

    /// The methods in the order in which people expect them, unregistered ones behind.
    static func allow(_ methods: Set<Method>) -> String {
        let order: [Method] = [.get, .head, .post, .put, .patch, .delete, .options, .trace, .connect]
        let others = methods.subtracting(order).map(\.rawValue).sorted()
        return (order.filter(methods.contains).map(\.rawValue) + others).joined(separator: ", ")
    }
}
