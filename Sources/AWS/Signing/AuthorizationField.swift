private import Bytes

/// The parts of an `Authorization: AWS4-HMAC-SHA256 ...` field.
struct AuthorizationField {
    let accessKeyID: String
    let date: String
    let region: String
    let service: String
    /// In the order in which they stand.
    let signedNames: [String]
    /// 64 lower-case hexadecimal digits.
    let signature: String

    static let algorithm = "AWS4-HMAC-SHA256"

    init(parsing text: String) throws(SigV4Refusal) {
        guard text.hasPrefix(Self.algorithm + " ") else {
            throw .incomplete("Unsupported AWS 'algorithm': '\(text.prefix { $0 != " " })'.")
        }
        var values: [Substring: Substring] = [:]
        for part in text.dropFirst(Self.algorithm.count).split(separator: ",") {
            let part = Self.trimmed(part)
            guard let equals = part.firstIndex(of: "=") else {
                throw .incomplete(
                    "'\(part)' not a valid key=value pair (missing equal-sign) in Authorization header: '\(text)'.")
            }
            values[part[..<equals]] = part[part.index(after: equals)...]
        }
        guard let credential = values["Credential"], let names = values["SignedHeaders"],
            let signature = values["Signature"]
        else {
            let missing = ["Credential", "Signature", "SignedHeaders"].filter { values[$0[...]] == nil }
            throw .incomplete(
                missing.map { "Authorization header requires '\($0)' parameter. " }.joined() + "Authorization=\(text)")
        }
        // The access key id has no slash, as AWS makes them.
        let scope = credential.split(separator: "/", omittingEmptySubsequences: false)
        guard scope.count == 5, scope[4] == "aws4_request" else {
            throw .incomplete(
                "Credential must have exactly 5 slash-delimited elements, e.g. "
                    + "keyid/date/region/service/term, got '\(credential)'")
        }
        self.accessKeyID = String(scope[0])
        self.date = String(scope[1])
        self.region = String(scope[2])
        self.service = String(scope[3])
        self.signedNames = names.split(separator: ";").map { $0.lowercased() }
        self.signature = String(signature)
    }

    private static func trimmed(_ text: Substring) -> Substring {
        let head = text.drop { $0 == " " || $0 == "\t" }
        guard let last = head.lastIndex(where: { $0 != " " && $0 != "\t" }) else { return head.prefix(0) }
        return head[...last]
    }
}
