package import Time

/// What proves to AWS who is calling.
package struct Credentials: Sendable, Equatable {
    package let accessKeyID: String
    package let secretAccessKey: String
    /// Stands beside keys that were lent for a time.
    package let sessionToken: String?
    /// When the keys end; `nil` where they do not, or nobody knows.
    package let expiration: WallTime?
    /// The account that the keys belong to, where the source says it.
    package let accountID: String?

    package init(
        accessKeyID: String, secretAccessKey: String, sessionToken: String? = nil, expiration: WallTime? = nil,
        accountID: String? = nil
    ) {
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
        self.sessionToken = sessionToken
        self.expiration = expiration
        self.accountID = accountID
    }
}

/// Neither printing, nor dumping, nor a failed expectation shows a secret.
extension Credentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The access key id, which is no secret, and nothing else.
    package var description: String { "credentials of \(self.accessKeyID)" }

    /// The same as `description`.
    package var debugDescription: String { self.description }

    /// Shows the access key id alone.
    package var customMirror: Mirror { Mirror(self, children: ["accessKeyID": self.accessKeyID]) }
}
