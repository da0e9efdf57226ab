private import Bytes

/// Why a text is no endpoint, or a region has none.
package enum EndpointError: Error, Equatable, Sendable {
    /// The text does not begin with `http://` or `https://`.
    case scheme(String)
    /// There is nothing between the slashes.
    case hostMissing(String)
    /// The host is neither a name nor an address.
    case host(String)
    /// The port is no number from 1 to 65535.
    case port(String)
    /// A name or password stands before the host.
    case userInfo
    /// A query stands behind the path.
    case query
    /// A fragment stands behind the path.
    case fragment
    /// The path has a character that would have to be encoded, an empty segment or a dot segment.
    case path(String)
    /// The text is longer than any endpoint.
    case tooLong(Int, limit: Int)
    /// A region that cannot be part of a host name.
    case region(String)
}

extension EndpointError: CustomStringConvertible {
    /// One line that says what to write instead.
    package var description: String {
        switch self {
        case .scheme(let text):
            "'\(text.onOneLine)' is no endpoint: it must begin with http:// or https://, as https://lambda.eu-west-1.amazonaws.com"
        case .hostMissing(let text): "'\(text.onOneLine)' is no endpoint: a host must stand behind the scheme"
        case .host(let text):
            "'\(text.onOneLine)' is no host: letters, digits, '-' and '.', an IPv4 address, or an IPv6 address in brackets"
        case .port(let text): "'\(text.onOneLine)' is no port: a number from 1 to 65535"
        case .userInfo: "an endpoint has no user name or password; credentials come from the chain of sources"
        case .query: "an endpoint has no query ('?')"
        case .fragment: "an endpoint has no fragment ('#')"
        case .path(let text):
            "'\(text.onOneLine)' is no path of an endpoint: plain or percent-encoded segments, none of them empty"
        case .tooLong(let count, let limit): "an endpoint of \(count) bytes is above the limit of \(limit)"
        case .region(let text): "'\(text.onOneLine)' is no region: lower-case letters, digits and '-', as eu-west-1"
        }
    }
}
