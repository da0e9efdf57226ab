/// A service of AWS that is called, by the name that environment and profiles have for it.
package enum AWSService: String, Sendable, Hashable {
    case lambda
    /// The Security Token Service.
    case sts
    /// The portal of IAM Identity Center, which lends keys to those who have signed on.
    case sso
    /// The part of it that makes tokens and renews them.
    case signOnTokens = "sso_oidc"

    /// What the names of its hosts begin with.
    var hostName: String {
        switch self {
        case .lambda: "lambda"
        case .sts: "sts"
        case .sso: "portal.sso"
        case .signOnTokens: "oidc"
        }
    }

    /// The same for hosts with FIPS 140 modules.
    func hostNameFIPS(in partition: Partition) -> String {
        switch self {
        case .lambda: "lambda-fips"
        // All of its hosts there are such.
        case .sts: partition.name == "aws-us-gov" ? "sts" : "sts-fips"
        case .sso: partition.name == "aws-us-gov" ? "portal.sso" : "portal.sso-fips"
        case .signOnTokens: partition.name == "aws-us-gov" ? "oidc" : "oidc-fips"
        }
    }

    /// The variable that names another endpoint.
    var endpointVariable: String { "AWS_ENDPOINT_URL_\(self.rawValue.uppercased())" }
}
