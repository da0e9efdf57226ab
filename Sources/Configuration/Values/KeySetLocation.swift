package import AWS
private import Bytes

/// A URL that keys are fetched from: `https://`, or `http://` of this machine, where nobody can come between.
package struct KeySetLocation: Sendable, Hashable {
    package let endpoint: ServiceEndpoint
    /// With the slash in front.
    package let path: String
    /// Without the question mark; empty for none.
    package let query: String

    /// Reads a URL, which may come from an issuer's document.
    package init(parsing url: String) throws(KeySetLocationError) {
        let mark = url.firstIndex(of: "?") ?? url.endIndex
        let query = url[mark...].dropFirst()
        guard query.utf8.allSatisfy({ $0 > ASCII.space && $0 < ASCII.delete }), query.utf8.count <= 2048,
            !query.contains("#")
        else { throw .query(url) }
        let whole: ServiceEndpoint
        do throws(EndpointError) {
            whole = try ServiceEndpoint(parsing: String(url[..<mark]))
        } catch {
            throw .url(error)
        }
        let isOfThisMachine = ["localhost", "127.0.0.1", "::1"].contains(whole.host)
        guard whole.scheme == .https || isOfThisMachine else { throw .unprotected(url) }
        self.endpoint = ServiceEndpoint(scheme: whole.scheme, host: whole.host, port: whole.port)
        self.path = whole.pathPrefix + (url[..<mark].hasSuffix("/") || whole.pathPrefix.isEmpty ? "/" : "")
        self.query = String(query)
    }
}

extension KeySetLocation: CustomStringConvertible {
    /// The URL.
    package var description: String {
        "\(self.endpoint)\(self.path)\(self.query.isEmpty ? "" : "?")\(self.query)"
    }
}

/// Why a text is no URL to fetch keys from.
package enum KeySetLocationError: Error, Equatable, CustomStringConvertible {
    case url(EndpointError)
    case query(String)
    case unprotected(String)

    package var description: String {
        switch self {
        case .url(let error): "\(error)"
        case .query(let url): "\(url.debugDescription) has a query that is none"
        case .unprotected(let url):
            "\(url.debugDescription): whoever can change keys on their way can make tokens; http:// is for this machine alone"
        }
    }
}
