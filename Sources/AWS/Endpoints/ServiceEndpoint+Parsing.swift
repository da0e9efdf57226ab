private import Bytes
private import HTTP

extension ServiceEndpoint {
    private static let longest = 2048

    /// Reads `http[s]://host[:port][/path]`, and nothing that is only similar.
    package init(parsing url: String) throws(EndpointError) {
        guard url.utf8.count <= Self.longest else { throw .tooLong(url.utf8.count, limit: Self.longest) }
        guard let colon = url.firstRange(of: "://"),
            let scheme = Scheme(rawValue: url[..<colon.lowerBound].lowercased())
        else { throw .scheme(url) }
        let rest = url[colon.upperBound...]
        if rest.contains("#") { throw .fragment }
        if rest.contains("?") { throw .query }
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        let authority = rest[..<slash]
        if authority.contains("@") { throw .userInfo }
        guard !authority.isEmpty else { throw .hostMissing(url) }
        let (host, port) = try Self.split(authority)
        self.init(
            scheme: scheme, host: try Self.host(host), port: try port.map(Self.port) ?? scheme.defaultPort,
            pathPrefix: try Self.path(rest[slash...]))
    }

    /// Host and port; the colons inside brackets belong to the host.
    private static func split(_ authority: Substring) throws(EndpointError) -> (host: Substring, port: Substring?) {
        let hostEnd: Substring.Index
        if authority.first == "[" {
            guard let bracket = authority.firstIndex(of: "]") else { throw .host(String(authority)) }
            hostEnd = authority.index(after: bracket)
        } else {
            hostEnd = authority.firstIndex(of: ":") ?? authority.endIndex
        }
        guard hostEnd < authority.endIndex else { return (authority, nil) }
        guard authority[hostEnd] == ":" else { throw .host(String(authority)) }
        return (authority[..<hostEnd], authority[authority.index(after: hostEnd)...])
    }

    private static func port(_ text: Substring) throws(EndpointError) -> UInt16 {
        guard text.utf8.allSatisfy(ASCII.isDigit), let port = UInt16(text), port > 0 else { throw .port(String(text)) }
        return port
    }

    private static func host(_ text: Substring) throws(EndpointError) -> String {
        if text.first == "[" {
            let address = text.dropFirst().dropLast().lowercased()
            guard IPAddress(parsingV6: address.utf8.span) != nil else { throw .host(String(text)) }
            return address
        }
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        let isName =
            text.utf8.count <= 253
            && labels.allSatisfy { label in
                (1...63).contains(label.utf8.count)
                    && label.utf8.allSatisfy {
                        ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == ASCII.minus || $0 == ASCII.underscore
                    }
            }
        guard isName else { throw .host(String(text)) }
        // A name whose last label is a number is read as an IPv4 address by some, so it must be one.
        let name = text.lowercased()
        if let last = labels.last, last.utf8.allSatisfy(ASCII.isDigit), IPAddress(parsing: name.utf8.span) == nil {
            throw .host(String(text))
        }
        return name
    }

    /// The path without a slash at its end.
    private static func path(_ text: Substring) throws(EndpointError) -> String {
        let path = text.last == "/" ? text.dropLast() : text
        guard !path.isEmpty else { return "" }
        for segment in path.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            guard Self.isSegment(segment.utf8), segment != ".", segment != ".." else { throw .path(String(text)) }
        }
        return String(path)
    }

    /// Whether the bytes are a path segment as RFC 3986 §3.3 has it, and not an empty one.
    private static func isSegment(_ bytes: Substring.UTF8View) -> Bool {
        let bytes = Array(bytes)
        var index = 0
        while index < bytes.count {
            switch bytes[index] {
            case ASCII.percent:
                guard index + 2 < bytes.count, ASCII.hexValue(bytes[index + 1]) != nil,
                    ASCII.hexValue(bytes[index + 2]) != nil
                else { return false }
                index += 3
            case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: "!"),
                UInt8(ascii: "$"), UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "("), UInt8(ascii: ")"),
                UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "="),
                UInt8(ascii: ":"), UInt8(ascii: "@"):
                index += 1
            case let byte where ASCII.isLetter(byte) || ASCII.isDigit(byte):
                index += 1
            default:
                return false
            }
        }
        return !bytes.isEmpty
    }
}
