private import Bytes

/// A redirect answer: where to, with the request's own path put in where the target says so.
///
/// A `*` at the end of the target's path stands for what the `*` of the route's path matched, `{id}` for a parameter.
/// The request's query is kept, behind the target's own.
///
/// What is put in comes from the path with runs of slashes made one and never stands at the beginning of a target, so
/// that no request can make the answer point to a host that the configuration does not name.
package struct Redirect: Sendable, Hashable {
    /// 301, 302, 303, 307 or 308.
    package let status: Int
    private let pieces: [Piece]
    /// With its question mark; empty without one.
    private let query: String
    /// With its number sign; empty without one.
    private let fragment: String

    private enum Piece: Sendable, Hashable {
        case text(String)
        case parameter(String)
        case rest
    }

    /// The statuses that a redirect can have.
    package static let statuses = [301, 302, 303, 307, 308]

    /// Reads `https://example.com/new/*` or `/new/{id}`.
    package init(to target: String, status: Int = 307) throws(RedirectError) {
        guard Self.statuses.contains(status) else { throw .badStatus(status) }
        self.status = status
        let isClean = target.utf8.allSatisfy {
            URIByte.isAllowedInURI($0) || $0 == ASCII.openBrace || $0 == ASCII.closeBrace
        }
        guard isClean else { throw .badCharacter }

        var path = Substring(target)
        self.fragment = Self.cut(&path, from: "#")
        self.query = Self.cut(&path, from: "?")
        guard !"\(self.query)\(self.fragment)".contains(where: { $0 == "{" || $0 == "}" }) else {
            throw .misplacedParameter
        }

        var origin = ""
        for scheme in ["https://", "http://"] where path.lowercased().hasPrefix(scheme) {
            let rest = path.dropFirst(scheme.count)
            let authority = rest.prefix { $0 != "/" }
            guard !authority.isEmpty else { throw .notATarget }
            guard !authority.contains(where: { $0 == "*" || $0 == "{" || $0 == "}" || $0 == "@" }) else {
                throw .variableHost
            }
            origin = scheme + authority
            path = rest.dropFirst(authority.count)
        }
        guard path.hasPrefix("/") || path.isEmpty && !origin.isEmpty, origin.isEmpty == false || !path.hasPrefix("//")
        else { throw .notATarget }
        self.pieces = try Self.pieces(origin: origin, path: path)
    }

    /// Takes everything from the first `mark` on out of the text.
    private static func cut(_ text: inout Substring, from mark: Character) -> String {
        guard let index = text.firstIndex(of: mark) else { return "" }
        let tail = String(text[index...])
        text = text[..<index]
        return tail
    }

    private static func pieces(origin: String, path: Substring) throws(RedirectError) -> [Piece] {
        var pieces: [Piece] = []
        var text = origin
        let segments = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        for (index, segment) in segments.enumerated() {
            text += "/"
            if segment == "*" {
                guard index == segments.count - 1 else { throw .misplacedRest }
                pieces += [.text(text), .rest]
                text = ""
            } else if segment.hasPrefix("{"), segment.hasSuffix("}"), segment.count > 2 {
                pieces += [.text(text), .parameter(String(segment.dropFirst().dropLast()))]
                text = ""
            } else if segment.contains("*") {
                throw .misplacedRest
            } else if segment.contains("{") || segment.contains("}") {
                throw .misplacedParameter
            } else {
                text += segment
            }
        }
        if !text.isEmpty { pieces.append(.text(text)) }
        return pieces
    }

    /// Where it goes to, as a configuration writes it.
    package var target: String {
        let path = self.pieces.map { piece in
            switch piece {
            case .text(let text): text
            case .parameter(let name): "{\(name)}"
            case .rest: "*"
            }
        }
        return path.joined() + self.query + self.fragment
    }

    /// Whether the target holds a `*`, which only a prefix can fill.
    package var usesRest: Bool { self.pieces.contains(.rest) }

    /// The parameters that the target asks for.
    package var parameterNames: [String] {
        self.pieces.compactMap {
            if case .parameter(let name) = $0 { name } else { nil }
        }
    }

    /// The value of the Location field for one request.
    package func location(rest: Substring, parameters: [PathParameter], query: String) -> String {
        var location = ""
        for piece in self.pieces {
            switch piece {
            case .text(let text): location += text
            case .rest: location.append(uriText: rest.utf8)
            case .parameter(let name):
                if let parameter = parameters.first(where: { $0.name == name }) {
                    location.append(uriText: parameter.value[...].utf8)
                }
            }
        }
        location += self.query
        if !query.isEmpty {
            location += self.query.isEmpty ? "?" : "&"
            location.append(uriText: query[...].utf8)
        }
        return location + self.fragment
    }
}

/// What is wrong with a redirect.
package enum RedirectError: Error, Equatable, Sendable, CustomStringConvertible {
    case notATarget
    case badCharacter
    case badStatus(Int)
    case variableHost
    case misplacedRest
    case misplacedParameter

    /// One line that says what to write instead.
    package var description: String {
        switch self {
        case .notATarget: "a redirect goes to \"https://host/path\", \"http://host/path\" or \"/path\""
        case .badCharacter: "a redirect's target is a URI: other characters are percent-encoded"
        case .badStatus(let status): "\(status) is no status of a redirect: 301, 302, 303, 307 or 308"
        case .variableHost: "the host of a redirect is fixed: no \"*\", \"{...}\" or \"@\" in it"
        case .misplacedRest: "\"*\" may only be the last segment of a redirect's path, as in \"/new/*\""
        case .misplacedParameter: "a parameter is a whole segment of a redirect's path, as in \"/users/{id}\""
        }
    }
}
