/// Where the tenant of a call comes from, for functions with tenant isolation. Never from a header of the client.
package enum TenantSource: Sendable, Hashable {
    case fixed(String)
    /// The host that the request names.
    case host
    /// A parameter of the route's path, decoded.
    case pathParameter(String)
    /// A name in the client's certificate, which has been verified.
    case clientCertificate(CertificateName)
    /// A claim of the request's token, which has been verified.
    case claim(String)
}

/// A kind of name that certificates have for their owners.
package enum CertificateName: Sendable, Hashable {
    case commonName
    case organization
    case organizationalUnit
    /// A DNS name among the alternatives to the subject.
    case dnsName
    /// A URI among them, such as that of SPIFFE.
    case uri
}
