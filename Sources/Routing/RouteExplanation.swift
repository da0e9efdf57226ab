package import HTTP
private import Bytes

/// Why a request goes where it goes: every entry whose host and path match, the most specific first.
package struct RouteExplanation: Sendable, Equatable {
    package let result: RouteMatch
    package let candidates: [Candidate]
    /// How many pairs of host and path the table holds.
    package let consideredCount: Int

    /// A host and path of a route that match the request.
    package struct Candidate: Sendable, Equatable {
        /// Position among the table's routes.
        package let route: Int
        /// Host and path, as logs show them.
        package let name: String
        package let verdict: Verdict
    }

    /// What speaks for or against a candidate.
    package enum Verdict: Sendable, Equatable {
        case chosen
        /// It would take the request, but the chosen one is more specific.
        case lessSpecific(Reason)
        case methodNotTaken(taken: [String])
        case headerDiffers(name: String, wanted: String, found: String?)
    }

    /// In what the chosen one is more specific.
    package enum Reason: Sendable, Equatable {
        case host
        case pathKind(chosen: PathPattern.Kind)
        /// A longer prefix, or a literal segment where this one has a parameter.
        case path
        case conditions(chosen: Int, own: Int)
        /// Both take HEAD, but only the chosen one names it.
        case namedHead
    }
}

extension RouteTable {
    /// Goes through all entries one by one, as the rules say it, and tells what it found.
    package func explain(method: Method, host: String?, target: Target, fields: Fields) -> RouteExplanation {
        var chosen: RouteEntry?
        var candidates: [RouteExplanation.Candidate] = []
        for entry in self.index.entries where entry.host.matches(host) && entry.path.matches(target.routingPath) {
            let verdict: RouteExplanation.Verdict
            if let condition = entry.headers.first(where: { !$0.isMet(by: fields) }) {
                let found = fields.all(condition.line.name)
                verdict = .headerDiffers(
                    name: condition.line.name, wanted: condition.line.value,
                    found: found.isEmpty ? nil : found.joined(separator: ", "))
            } else if !entry.takes(method) {
                verdict = .methodNotTaken(taken: entry.methods.map(\.rawValue))
            } else if let chosen {
                verdict = .lessSpecific(entry.reason(toPrefer: chosen))
            } else {
                chosen = entry
                verdict = .chosen
            }
            candidates.append(.init(route: entry.route, name: entry.name, verdict: verdict))
        }
        return RouteExplanation(
            result: self.match(method: method, host: host, target: target, fields: fields), candidates: candidates,
            consideredCount: self.index.entries.count)
    }
}

extension RouteEntry {
    fileprivate func reason(toPrefer chosen: RouteEntry) -> RouteExplanation.Reason {
        if self.host != chosen.host { return .host }
        if self.path.kind != chosen.path.kind { return .pathKind(chosen: chosen.path.kind) }
        if !self.isSamePlace(as: chosen) { return .path }
        if self.conditionCount != chosen.conditionCount {
            return .conditions(chosen: chosen.conditionCount, own: self.conditionCount)
        }
        return .namedHead
    }
}

extension HostPattern {
    /// Whether a host, in lower case and without port, is one of the pattern's.
    package func matches(_ host: String?) -> Bool {
        switch self {
        case .any: true
        case .exact(let name): host == name
        case .wildcard(let name): host.map { $0.utf8.count > name.utf8.count + 1 && $0.hasSuffix("." + name) } ?? false
        }
    }
}

extension PathPattern {
    /// Whether a canonical path is one of the pattern's.
    package func matches(_ path: String) -> Bool {
        guard path.utf8.first == ASCII.slash else { return false }
        let parts = path.utf8.dropFirst().split(separator: ASCII.slash, omittingEmptySubsequences: false)
        guard parts.count == self.segments.count || self.isPrefix && parts.count > self.segments.count else {
            return false
        }
        return zip(self.segments, parts).allSatisfy { segment, part in
            switch segment {
            case .literal(let text): part.elementsEqual(text.utf8)
            case .parameter: !part.isEmpty
            }
        }
    }
}

extension RouteExplanation.Verdict: CustomStringConvertible {
    /// A few words.
    package var description: String {
        switch self {
        case .chosen: "takes it"
        case .methodNotTaken(let taken): "takes only \(taken.joined(separator: ", "))"
        case .headerDiffers(let name, let wanted, let found): "wants \(name): \(wanted), found \(found ?? "none")"
        case .lessSpecific(.host): "would take it, but another route names the host more closely"
        case .lessSpecific(.pathKind(let kind)): "would take it, but the other path is more specific (\(kind))"
        case .lessSpecific(.path): "would take it, but the other path is more specific"
        case .lessSpecific(.conditions(let chosen, let own)):
            "would take it, but has \(own) conditions where the other has \(chosen)"
        case .lessSpecific(.namedHead): "would take it, but the other names HEAD"
        }
    }
}
