private import Bytes
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

/// Checking.
extension Credentials {
    /// Takes keys from outside: `nil` where one of them has characters that would not stay in its place in a request's
    /// head.
    package init?(
        checking accessKeyID: String, _ secretAccessKey: String, sessionToken: String? = nil,
        expiration: WallTime? = nil, accountID: String? = nil
    ) {
        guard accessKeyID.isKeyID, secretAccessKey.isKeyText, sessionToken?.isKeyText ?? true else { return nil }
        self.init(
            accessKeyID: accessKeyID, secretAccessKey: secretAccessKey, sessionToken: sessionToken,
            expiration: expiration, accountID: accountID)
    }
}

extension String {
    /// Whether the text can be an access key id: letters, digits and what else does not end the id in a signature.
    var isKeyID: Bool {
        (1...128).contains(self.utf8.count)
            && self.utf8.allSatisfy { $0 > ASCII.space && $0 < ASCII.delete && $0 != ASCII.slash && $0 != ASCII.comma }
    }

    /// Whether the text can be a secret or a token: all bytes are visible ASCII characters.
    var isKeyText: Bool {
        (1...16_384).contains(self.utf8.count) && self.utf8.allSatisfy { $0 > ASCII.space && $0 < ASCII.delete }
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
