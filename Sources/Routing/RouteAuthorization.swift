/// Whose tokens a route takes.
package struct RouteAuthorization: Sendable, Equatable {
    /// The position of the issuer among the configured ones.
    package let issuer: Int
    /// What a token has to allow, one of them; empty where any token will do.
    package let scopes: [String]

    package init(issuer: Int, scopes: [String] = []) {
        self.issuer = issuer
        self.scopes = scopes
    }
}
