private import JSON
import Time

/// The documents in which keys come from containers, instances, programs and the sign-on service.
extension Credentials {
    /// `AccessKeyId`, `SecretAccessKey`, `Token`, `Expiration`, as containers and instances answer.
    init(containerDocument bytes: [UInt8], source: String) throws(CredentialError) {
        let document = try Self.document(bytes, source: source)
        try self.init(document, token: "Token", source: source)
    }

    /// The same with a `Code`, which is something else than `Success` where the machine's role is not usable.
    init(instanceDocument bytes: [UInt8], source: String) throws(CredentialError) {
        let document = try Self.document(bytes, source: source)
        if let code = document["Code"]?.string, code != "Success" {
            let message = document["Message"]?.string ?? ""
            throw .refused(source: source, AWSServiceError(status: 200, type: code, message: message))
        }
        try self.init(document, token: "Token", source: source)
    }

    /// What `credential_process` prints: `Version` 1, and a `SessionToken` where there is one.
    init(processDocument bytes: [UInt8], source: String) throws(CredentialError) {
        let document = try Self.document(bytes, source: source)
        guard document["Version"]?.integer == 1 else { throw .malformed(source: source, missing: "\"Version\": 1") }
        try self.init(document, token: "SessionToken", source: source)
    }

    private static func document(_ bytes: [UInt8], source: String) throws(CredentialError) -> JSONValue {
        do throws(JSONError) {
            return try JSONValue(parsing: bytes.span)
        } catch {
            throw .malformed(source: source, missing: "JSON document")
        }
    }

    private init(_ document: JSONValue, token: String, source: String) throws(CredentialError) {
        func text(_ name: String) throws(CredentialError) -> String {
            guard let text = document[name]?.string else { throw .malformed(source: source, missing: name) }
            return text
        }
        var end: WallTime?
        if let expiration = document["Expiration"], expiration != .null {
            end = expiration.string.flatMap { WallTime(rfc3339: $0.utf8.span) }
            if end == nil { throw .malformed(source: source, missing: "Expiration") }
        }
        guard
            let credentials = Credentials(
                checking: try text("AccessKeyId"), try text("SecretAccessKey"), sessionToken: document[token]?.string,
                expiration: end, accountID: document["AccountId"]?.string)
        else { throw .malformed(source: source, missing: "AccessKeyId") }
        self = credentials
    }

    /// `roleCredentials` of GetRoleCredentials, whose times are milliseconds.
    init(signOnDocument bytes: [UInt8], accountID: String, source: String) throws(CredentialError) {
        let keys = try Self.document(bytes, source: source)["roleCredentials"]
        guard let keyID = keys?["accessKeyId"]?.string, let secret = keys?["secretAccessKey"]?.string,
            let token = keys?["sessionToken"]?.string, let end = keys?["expiration"]?.integer,
            // Up to the end of the year 9999, behind which no date of AWS lies.
            (0...253_402_300_799_999).contains(end),
            let credentials = Credentials(
                checking: keyID, secret, sessionToken: token, expiration: WallTime(milliseconds: Int64(end)),
                accountID: accountID)
        else { throw .malformed(source: source, missing: "roleCredentials") }
        self = credentials
    }
}
