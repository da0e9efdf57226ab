private import Bytes
private import HTTP

/// The endpoint of a container platform that lends keys: ECS, EKS Pod Identity, or something of the operator's own.
package struct ContainerCredentials: Sendable, Equatable {
    package let endpoint: ServiceEndpoint
    /// With its query.
    package let target: String
    package let authorization: Authorization

    /// What the endpoint wants to see.
    package enum Authorization: Sendable, Equatable {
        case none
        case token(String)
        /// Read anew for every request.
        case tokenFile(String)
    }

    /// Reads the variables; `nil` where none of them is set. The relative one wins.
    init?(environment: [String: String]) throws(SharedSettingsError) {
        let authorization: Authorization =
            if let file = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] {
                .tokenFile(file)
            } else if let token = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"] {
                .token(token)
            } else {
                .none
            }
        if case .token(let token) = authorization, !token.isFieldText {
            throw .malformed(.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN"))
        }
        if let path = environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] {
            guard path.hasPrefix("/"), path.isTarget else {
                throw .malformed(.variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"))
            }
            self.endpoint = ServiceEndpoint(scheme: .http, host: "169.254.170.2", port: 80)
            self.target = path
            self.authorization = authorization
        } else if let url = environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] {
            (self.endpoint, self.target) = try Self.parse(url)
            self.authorization = authorization
        } else {
            return nil
        }
    }

    private static func parse(_ url: String) throws(SharedSettingsError) -> (ServiceEndpoint, String) {
        let source = SettingSource.variable("AWS_CONTAINER_CREDENTIALS_FULL_URI")
        let hostStart = url.firstRange(of: "://")?.upperBound ?? url.startIndex
        let pathStart = url[hostStart...].firstIndex { $0 == "/" || $0 == "?" } ?? url.endIndex
        let endpoint: ServiceEndpoint
        do throws(EndpointError) {
            endpoint = try ServiceEndpoint(parsing: String(url[..<pathStart]))
        } catch {
            throw .endpoint(error, from: source)
        }
        var target = String(url[pathStart...])
        if !target.hasPrefix("/") { target = "/" + target }
        guard target.isTarget else { throw .malformed(source) }
        // Keys that come in the clear must come from this machine or from the platform.
        guard endpoint.scheme == .https || Self.isTrusted(endpoint.host) else {
            throw .untrustedContainerHost(endpoint.host)
        }
        return (endpoint, target)
    }

    private static func isTrusted(_ host: String) -> Bool {
        switch host {
        case "localhost", "169.254.170.2", "169.254.170.23", "fd00:ec2::23": true
        default: IPAddress(parsing: host.utf8.span)?.isLoopback ?? false
        }
    }
}

extension String {
    /// Whether the text can be the value of a field: visible ASCII characters, and spaces inside.
    var isFieldText: Bool {
        (1...16_384).contains(self.utf8.count) && self.first != " " && self.last != " "
            && self.utf8.allSatisfy { $0 >= ASCII.space && $0 < ASCII.delete }
    }

    /// Whether the text can be path and query of a request.
    fileprivate var isTarget: Bool {
        self.utf8.count <= 2048
            && self.utf8.allSatisfy { $0 > ASCII.space && $0 < ASCII.delete && $0 != UInt8(ascii: "#") }
    }
}
