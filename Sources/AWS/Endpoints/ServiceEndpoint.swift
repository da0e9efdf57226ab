private import Bytes

/// Where a service is reached: scheme, host, port and what stands in front of its paths.
package struct ServiceEndpoint: Sendable, Hashable {
    package let scheme: Scheme
    /// In lower case; IPv6 addresses without their brackets.
    package let host: String
    package let port: UInt16
    /// Empty, or a path that begins with a slash and does not end with one.
    package let pathPrefix: String

    /// How the service is spoken to.
    package enum Scheme: String, Sendable, Hashable {
        case http
        case https

        package var defaultPort: UInt16 {
            switch self {
            case .http: 80
            case .https: 443
            }
        }
    }

    /// An endpoint from parts that are known to be right.
    package init(scheme: Scheme, host: String, port: UInt16, pathPrefix: String = "") {
        self.scheme = scheme
        self.host = host
        self.port = port
        self.pathPrefix = pathPrefix
    }

    /// The value of the Host field, which the signature covers: with the port where it is not the scheme's own.
    package var hostField: String {
        let host = self.host.contains(":") ? "[\(self.host)]" : self.host
        return self.port == self.scheme.defaultPort ? host : "\(host):\(self.port)"
    }
}

extension ServiceEndpoint: CustomStringConvertible {
    /// The endpoint as a URL.
    package var description: String { "\(self.scheme.rawValue)://\(self.hostField)\(self.pathPrefix)" }
}

/// The public endpoints.
extension ServiceEndpoint {
    /// `https://lambda.{region}.{suffix}` and its FIPS and dual-stack forms.
    package static func of(
        _ service: AWSService, region: String, useFIPS: Bool = false, useDualStack: Bool = false
    ) throws(EndpointError) -> ServiceEndpoint {
        guard Self.isRegion(region) else { throw .region(region) }
        let partition = Partition.containing(region: region)
        let name = useFIPS ? service.hostNameFIPS(in: partition) : service.hostName
        let suffix = useDualStack ? partition.dualStackSuffix : partition.suffix
        return ServiceEndpoint(scheme: .https, host: "\(name).\(region).\(suffix)", port: 443)
    }

    /// Whether a text can be a region, that is a label of a host name.
    package static func isRegion(_ text: String) -> Bool {
        let bytes = text.utf8
        guard (1...63).contains(bytes.count), bytes.first != ASCII.minus, bytes.last != ASCII.minus else {
            return false
        }
        return bytes.allSatisfy {
            ($0 >= UInt8(ascii: "a") && $0 <= UInt8(ascii: "z")) || ASCII.isDigit($0) || $0 == ASCII.minus
        }
    }
}
