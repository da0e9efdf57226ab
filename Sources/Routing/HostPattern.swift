private import Bytes
private import HTTP

/// Which hosts a route answers for.
package enum HostPattern: Sendable, Hashable {
    /// Every host, and requests that name none.
    case any
    /// This host alone, in lower case.
    case exact(String)
    /// Every host that ends in a dot and this name: `example.com` for `*.example.com`, which `example.com` itself does
    /// not match.
    case wildcard(below: String)

    /// Reads `chat.example.com`, `*.example.com`, `[2001:db8::1]` or `*`; capitals and a trailing dot do not matter.
    package init(parsing text: String) throws(HostPatternError) {
        if text == "*" {
            self = .any
            return
        }
        var name = text.lowercased()
        if name.hasSuffix("."), name.utf8.count > 1 { name.removeLast() }
        guard !name.isEmpty else { throw .empty }
        if name.contains("://") || name.contains("/") { throw .notAHost }
        if name.hasPrefix("[") {
            self = .exact(try Self.checkedAddress(name))
            return
        }
        if name.contains(":") { throw .hasPort }
        if name.hasPrefix("*.") {
            let rest = String(name.dropFirst(2))
            guard !rest.contains("*") else { throw .misplacedWildcard }
            self = .wildcard(below: try Self.checkedName(rest))
            return
        }
        guard !name.contains("*") else { throw .misplacedWildcard }
        self = .exact(try Self.checkedName(name))
    }

    /// RFC 1123 §2.1 names of at most 253 bytes; `_` is let through because it is in use.
    private static func checkedName(_ name: String) throws(HostPatternError) -> String {
        guard name.utf8.allSatisfy({ $0 < 0x80 }) else { throw .notASCII }
        guard name.utf8.count <= 253 else { throw .tooLong }
        for label in name.utf8.split(separator: ASCII.dot, omittingEmptySubsequences: false) {
            guard (1...63).contains(label.count) else { throw .badLabel(String(decoding: label, as: UTF8.self)) }
            let isClean = label.allSatisfy {
                ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == ASCII.minus || $0 == ASCII.underscore
            }
            guard isClean else { throw .badLabel(String(decoding: label, as: UTF8.self)) }
        }
        return name
    }

    /// An IPv6 address in brackets, as the Host field has it; what it says is compared letter by letter.
    private static func checkedAddress(_ name: String) throws(HostPatternError) -> String {
        let inner = name.utf8.dropFirst()
        guard let end = inner.firstIndex(of: ASCII.closeBracket) else { throw .notAHost }
        guard inner.index(after: end) == inner.endIndex else { throw .hasPort }
        guard IPAddress(parsingV6: String(decoding: inner[..<end], as: UTF8.self).utf8.span) != nil else {
            throw .notAHost
        }
        return name
    }
}

extension HostPattern: CustomStringConvertible {
    /// As it is written in a configuration; `*` for any host.
    package var description: String {
        switch self {
        case .any: "*"
        case .exact(let name): name
        case .wildcard(let name): "*.\(name)"
        }
    }
}

/// What is wrong with a host pattern.
package enum HostPatternError: Error, Equatable, Sendable, CustomStringConvertible {
    case empty
    case notAHost
    case hasPort
    case misplacedWildcard
    case notASCII
    case tooLong
    case badLabel(String)

    /// One line that says what to write instead.
    package var description: String {
        switch self {
        case .empty: "a host must not be empty"
        case .notAHost: "a host is a bare name such as \"chat.example.com\", without scheme and path"
        case .hasPort: "a host has no port here; routes apply to every listener"
        case .misplacedWildcard: "\"*\" may only be the whole first label, as in \"*.example.com\""
        case .notASCII: "a host must be ASCII; write international names as \"xn--...\""
        case .tooLong: "a host may have at most 253 bytes"
        case .badLabel(let label): "\"\(label)\" is no label of a host name"
        }
    }
}
