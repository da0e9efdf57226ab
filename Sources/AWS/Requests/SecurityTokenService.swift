private import Bytes
private import HTTP
package import Time

/// Where the Security Token Service is asked, and what it is asked.
package struct SecurityTokenService: Sendable, Hashable {
    package let endpoint: ServiceEndpoint
    /// For which requests are signed.
    package let region: String

    package init(endpoint: ServiceEndpoint, region: String) {
        self.endpoint = endpoint
        self.region = region
    }

    /// The endpoint of old, one for all regions, which is in the region that it is signed for.
    static let legacy = SecurityTokenService(
        endpoint: ServiceEndpoint(scheme: .https, host: "sts.amazonaws.com", port: 443), region: "us-east-1")

    /// The regions that `sts_regional_endpoints = legacy` sends there; those that came later never were.
    static let legacyRegions: Set<String> = [
        "ap-northeast-1", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1", "eu-central-1",
        "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1",
        "us-west-2",
    ]

    private static let timeout = Duration.seconds(10)

    /// AssumeRole, signed with the keys of whoever takes the role on.
    package func assume(
        _ role: RoleAssumption, with credentials: Credentials, at time: WallTime
    ) -> ControlRequest {
        self.request("AssumeRole", self.pairs(of: role, at: time), signedWith: credentials, at: time)
    }

    /// AssumeRoleWithWebIdentity, which must not be signed: the token is the proof.
    package func assume(_ role: RoleAssumption, webIdentityToken token: String, at time: WallTime) -> ControlRequest {
        self.request(
            "AssumeRoleWithWebIdentity", self.pairs(of: role, at: time) + [("WebIdentityToken", token)],
            signedWith: nil, at: time)
    }

    /// GetCallerIdentity, which everybody may ask.
    package func callerIdentity(_ credentials: Credentials, at time: WallTime) -> ControlRequest {
        self.request("GetCallerIdentity", [], signedWith: credentials, at: time)
    }

    private func pairs(of role: RoleAssumption, at time: WallTime) -> [(name: String, value: String)] {
        var pairs = [("RoleArn", role.arn), ("RoleSessionName", role.sessionName ?? "sluice-\(time.seconds)")]
        if let externalID = role.externalID { pairs.append(("ExternalId", externalID)) }
        if let seconds = role.durationSeconds { pairs.append(("DurationSeconds", "\(seconds)")) }
        return pairs
    }

    private func request(
        _ action: String, _ pairs: [(name: String, value: String)], signedWith credentials: Credentials?,
        at time: WallTime
    ) -> ControlRequest {
        ControlRequest(
            .post, self.endpoint, path: "/",
            fields: [("content-type", "application/x-www-form-urlencoded; charset=utf-8")],
            body: FormText.text([("Action", action), ("Version", "2011-06-15")] + pairs), timeout: Self.timeout,
            signature: credentials.map {
                ControlRequest.Signature(
                    credentials: $0, scope: SigningScope(region: self.region, service: "sts"), at: time)
            })
    }
}

/// Whose keys they are.
package struct CallerIdentity: Sendable, Equatable {
    package let arn: String
    package let account: String

    /// Reads the answer of GetCallerIdentity; `nil` where it is none.
    package init?(_ answer: ControlAnswer) {
        guard answer.status == 200, let arn = answer.element("Arn"), let account = answer.element("Account") else {
            return nil
        }
        self.arn = arn.onOneLine
        self.account = account.onOneLine
    }
}

extension Credentials {
    /// Reads the answer of AssumeRole and its like; `nil` where the answer has no usable keys.
    init?(stsAnswer answer: ControlAnswer) {
        guard let keyID = answer.element("AccessKeyId"), let secret = answer.element("SecretAccessKey"),
            let token = answer.element("SessionToken"), let text = answer.element("Expiration"),
            let expiration = WallTime(rfc3339: text.utf8.span)
        else { return nil }
        // The account of the role, which is the fifth part of the session's ARN.
        let parts = answer.element("Arn")?.split(separator: ":", omittingEmptySubsequences: false)
        self.init(
            checking: keyID, secret, sessionToken: token, expiration: expiration,
            accountID: parts.flatMap { $0.count > 4 ? String($0[4]) : nil })
    }
}

extension AWSServiceError {
    /// Reads an error of the query protocol: XML, or whatever a proxy made of it.
    package init(queryAnswer answer: ControlAnswer) {
        self.init(
            status: answer.status, type: answer.element("Code") ?? "", message: answer.element("Message") ?? "",
            serverTime: Self.serverTime(in: answer.head.fields))
    }
}
