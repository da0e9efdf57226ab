/// Where the tenant of a call comes from, for functions with tenant isolation. Never from a header of the client.
package enum TenantSource: Sendable, Hashable {
    case fixed(String)
    /// The host that the request names.
    case host
    /// A parameter of the route's path, decoded.
    case pathParameter(String)
}
