private import Bytes

/// Which paths a route answers for: `/robots.txt`, `/users/{id}`, or everything below a prefix, `/v1/*`.
///
/// A pattern is kept in the canonical form of paths (unreserved characters decoded, the rest percent-encoded in
/// capitals), so that matching is comparing bytes, segment by segment.
package struct PathPattern: Sendable, Hashable {
    /// The segments, without the `*` of a prefix. `/` alone is one empty segment, `/a/` is `a` and an empty one.
    package let segments: [Segment]
    /// Whether the pattern ends in `/*` and so matches its segments and everything below them.
    package let isPrefix: Bool

    /// What stands between two slashes.
    package enum Segment: Sendable, Hashable {
        case literal(String)
        /// Matches any segment that is not empty, and gives it a name.
        case parameter(String)
    }

    /// The longest pattern that is taken, in bytes.
    package static let maximumLength = 2048

    /// Reads a pattern as a configuration has it.
    package init(parsing text: String) throws(PathPatternError) {
        guard text.utf8.first == ASCII.slash else { throw .noLeadingSlash }
        guard text.utf8.count <= Self.maximumLength else { throw .tooLong }
        var parts = text.utf8.dropFirst().split(separator: ASCII.slash, omittingEmptySubsequences: false)
        self.isPrefix = parts.last.map { $0.elementsEqual("*".utf8) } ?? false
        if self.isPrefix { parts.removeLast() }

        var segments: [Segment] = []
        var names: Set<String> = []
        for (index, part) in parts.enumerated() {
            let segment = try Self.segment(String(decoding: part, as: UTF8.self))
            if segment == .literal(""), index < parts.count - 1 || self.isPrefix { throw .emptySegment }
            if case .parameter(let name) = segment, !names.insert(name).inserted { throw .repeatedParameter(name) }
            segments.append(segment)
        }
        self.segments = segments
    }

    private static func segment(_ text: String) throws(PathPatternError) -> Segment {
        if text.contains("*") { throw .misplacedWildcard(text) }
        guard text.contains("{") || text.contains("}") else { return .literal(try Self.canonical(text)) }
        guard text.hasPrefix("{"), text.hasSuffix("}") else { throw .partialParameter(text) }
        let name = text.dropFirst().dropLast()
        if name.hasSuffix("+") { throw .greedyParameter(text) }
        let isName = name.utf8.allSatisfy {
            ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == ASCII.underscore || $0 == ASCII.minus
        }
        guard isName, !name.isEmpty else { throw .badParameter(text) }
        return .parameter(String(name))
    }

    /// The canonical form of one literal segment (RFC 3986 §6.2.2).
    private static func canonical(_ text: String) throws(PathPatternError) -> String {
        var result: [UInt8] = []
        var index = text.utf8.startIndex
        while index < text.utf8.endIndex {
            var byte = text.utf8[index]
            index = text.utf8.index(after: index)
            var isEncoded = false
            if byte == ASCII.percent {
                let digits = text.utf8[index...].prefix(2).compactMap(ASCII.hexValue)
                guard digits.count == 2 else { throw .badPercentEncoding(text) }
                byte = digits[0] << 4 | digits[1]
                index = text.utf8.index(index, offsetBy: 2)
                isEncoded = true
            }
            switch byte {
            case ASCII.nul..<ASCII.space, ASCII.delete: throw .forbidden(text)
            case ASCII.question where !isEncoded, UInt8(ascii: "#") where !isEncoded: throw .hasQuery
            case ASCII.backslash where !isEncoded: throw .forbidden(text)
            // What clients may send unencoded stays as it is, because a path that encodes it is another path.
            case _ where ASCII.isUnreserved(byte), ASCII.space + 1..<ASCII.delete where !isEncoded:
                result.append(byte)
            default:
                result.append(ASCII.percent)
                result.append(ASCII.upperHexDigit(byte >> 4))
                result.append(ASCII.upperHexDigit(byte & 15))
            }
        }
        let canonical = String(decoding: result, as: UTF8.self)
        if canonical == "." || canonical == ".." { throw .dotSegment }
        return canonical
    }
}

extension PathPattern: CustomStringConvertible {
    /// The canonical form: `/users/{id}`, `/v1/*`.
    package var description: String {
        self.text { "{\($0)}" }
    }

    /// The same for any two patterns that match the same paths: parameters without their names.
    var matchText: String { self.text { _ in "{}" } }

    private func text(_ parameter: (String) -> String) -> String {
        var text = ""
        for segment in self.segments {
            switch segment {
            case .literal(let literal): text += "/" + literal
            case .parameter(let name): text += "/" + parameter(name)
            }
        }
        return self.isPrefix ? text + "/*" : text
    }

    /// The names of the parameters, from the left.
    package var parameterNames: [String] {
        self.segments.compactMap {
            if case .parameter(let name) = $0 { name } else { nil }
        }
    }

    /// The kinds of patterns, the most specific first.
    package enum Kind: Int, Sendable, Comparable {
        case exact
        case parameters
        case prefix

        package static func < (left: Kind, right: Kind) -> Bool { left.rawValue < right.rawValue }
    }

    /// Of what kind the pattern is; a prefix with parameters is a prefix.
    package var kind: Kind {
        if self.isPrefix { return .prefix }
        return self.parameterNames.isEmpty ? .exact : .parameters
    }
}

/// What is wrong with a path pattern.
package enum PathPatternError: Error, Equatable, Sendable, CustomStringConvertible {
    case noLeadingSlash
    case tooLong
    case emptySegment
    case dotSegment
    case hasQuery
    case forbidden(String)
    case badPercentEncoding(String)
    case misplacedWildcard(String)
    case partialParameter(String)
    case greedyParameter(String)
    case badParameter(String)
    case repeatedParameter(String)

    /// One line that says what to write instead.
    package var description: String {
        switch self {
        case .noLeadingSlash: "a path begins with \"/\""
        case .tooLong: "a path may have at most \(PathPattern.maximumLength) bytes"
        case .emptySegment: "a path has no \"//\": requests are matched with runs of slashes made one"
        case .dotSegment: "a path has no \".\" and \"..\" segments: requests are matched with them resolved"
        case .hasQuery: "a path has no \"?\" and \"#\": routes do not look at the query"
        case .forbidden(let text): "\"\(text)\" holds a character that no path can have"
        case .badPercentEncoding(let text): "\"\(text)\" has a \"%\" without two hexadecimal digits"
        case .misplacedWildcard(let text):
            "\"\(text)\": \"*\" may only be the last segment, as in \"/v1/*\"; one segment in between is \"{name}\""
        case .partialParameter(let text): "\"\(text)\": a parameter is a whole segment, as in \"/users/{id}\""
        case .greedyParameter(let text): "\"\(text)\": for everything below a path write \"/*\" at its end"
        case .badParameter(let text):
            "\"\(text)\": a parameter's name has letters, digits, \"_\" and \"-\", as in \"{id}\""
        case .repeatedParameter(let name): "the parameter {\(name)} stands in the path twice"
        }
    }
}
