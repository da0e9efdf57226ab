private import Bytes

/// The beginning of a path that a route takes away before its function sees it: `strip_prefix: /v1`.
package struct PathPrefix: Sendable, Hashable, CustomStringConvertible {
    /// Literal segments in canonical form; at least one.
    package let segments: [String]

    /// Reads `/v1` or `/v1/`; parameters and `*` are refused.
    package init(parsing text: String) throws(PathPrefixError) {
        let pattern: PathPattern
        do {
            pattern = try PathPattern(parsing: text)
        } catch {
            throw .pattern(error)
        }
        guard pattern.kind == .exact else { throw .notLiteral }
        var segments: [String] = []
        for case .literal(let literal) in pattern.segments where !literal.isEmpty { segments.append(literal) }
        guard !segments.isEmpty else { throw .nothing }
        self.segments = segments
    }

    /// Whether every path that the pattern matches begins with the prefix.
    package func isPrefix(of pattern: PathPattern) -> Bool {
        guard pattern.segments.count >= self.segments.count else { return false }
        return zip(pattern.segments, self.segments).allSatisfy { $0 == .literal($1) }
    }

    /// The path without the prefix; `/` where nothing is left, and the path itself where it does not begin with the
    /// prefix. Runs of slashes count as one, as they do in matching, and those after the prefix are kept.
    package func stripped(from path: String) -> String {
        let bytes = path.utf8.span
        var position = 0
        for segment in self.segments {
            guard position < bytes.count, bytes[position] == ASCII.slash else { return path }
            while position < bytes.count, bytes[position] == ASCII.slash { position += 1 }
            let literal = segment.utf8.span
            guard literal.count <= bytes.count - position,
                bytes.extracting(position..<position + literal.count).equals(literal)
            else { return path }
            position += literal.count
        }
        if position == bytes.count { return "/" }
        guard bytes[position] == ASCII.slash else { return path }
        return bytes.extracting(position..<bytes.count).string()
    }

    /// `/v1`.
    package var description: String { self.segments.map { "/" + $0 }.joined() }
}

/// What is wrong with a prefix to strip.
package enum PathPrefixError: Error, Equatable, Sendable, CustomStringConvertible {
    case pattern(PathPatternError)
    case notLiteral
    case nothing

    /// One line that says what to write instead.
    package var description: String {
        switch self {
        case .pattern(let error): error.description
        case .notLiteral: "a prefix to strip has no parameters and no \"*\": write \"/v1\""
        case .nothing: "a prefix to strip has at least one segment, as in \"/v1\""
        }
    }
}
