private import Bytes

/// Where credentials come from: one origin, and the roles that are taken on one after another from there.
package struct CredentialPlan: Sendable, Equatable {
    package let origin: Origin
    package let roles: [RoleAssumption]

    /// What gives the first keys.
    package enum Origin: Sendable, Equatable {
        /// Keys that stand in the environment or in a file; nobody renews them.
        case fixed(Credentials)
        case webIdentity(WebIdentity)
        case singleSignOn(SingleSignOn)
        /// A program that prints keys, with its arguments.
        case process([String])
        case container(ContainerCredentials)
        case instance(InstanceMetadata)
    }

    package init(_ origin: Origin, roles: [RoleAssumption] = []) {
        self.origin = origin
        self.roles = roles
    }

    /// The keys, where nothing has to be asked for them.
    package var fixedCredentials: Credentials? {
        guard self.roles.isEmpty, case .fixed(let credentials) = self.origin else { return nil }
        return credentials
    }

    /// Whether keys that have expired are still to be tried while their source gives no others: AWS goes on taking
    /// those of instances in such a time.
    package var keepsExpiredKeys: Bool {
        guard self.roles.isEmpty, case .instance = self.origin else { return false }
        return true
    }

    /// Whether nobody chose this source: the machine's own, which is asked when nothing else is set up.
    package var isLastResort: Bool {
        if case .instance(let metadata) = self.origin { metadata.isLastResort } else { false }
    }

    /// Whether a request of the plan goes over TLS. STS and the sign-on service are reached by TLS unless somebody gave
    /// another endpoint, so they count.
    package var usesTLS: Bool {
        switch self.origin {
        case .webIdentity, .singleSignOn: true
        case .container(let container): container.endpoint.scheme == .https || !self.roles.isEmpty
        case .fixed, .process, .instance: !self.roles.isEmpty
        }
    }
}

/// A token of somebody else's, by which STS lends a role.
package struct WebIdentity: Sendable, Hashable {
    package let role: RoleAssumption
    /// Read anew for every call: whoever issues the token replaces it there.
    package let tokenFile: String
}

/// A role of an account, for whoever has signed on in a browser.
package struct SingleSignOn: Sendable, Hashable {
    package let endpoint: ServiceEndpoint
    package let accountID: String
    package let roleName: String
    /// Where the AWS CLI left the token.
    package let cacheFile: String
    /// Where the token is renewed; `nil` for the old form of a profile, whose tokens nobody renews.
    package let session: Session?
    /// The profile to sign on with again.
    package let profile: String

    /// A `[sso-session]`.
    package struct Session: Sendable, Hashable {
        package let endpoint: ServiceEndpoint
        let region: String
    }
}

extension CredentialPlan: CustomStringConvertible {
    /// Where the keys come from, as a person would say it.
    package var description: String {
        let origin =
            switch self.origin {
            case .fixed(let credentials): "keys \(credentials.accessKeyID)"
            case .webIdentity(let identity): "the role \(identity.role.arn) by the token in \(identity.tokenFile)"
            case .singleSignOn(let signOn): "the role \(signOn.roleName) of \(signOn.accountID) by single sign-on"
            case .process(let words): "the program \(words.first ?? "")"
            case .container(let container): "the container's endpoint \(container.endpoint)"
            case .instance(let metadata): "the instance metadata at \(metadata.endpoint)"
            }
        return self.roles.reduce(origin) { "\($0), then the role \($1.arn)" }.onOneLine
    }
}
