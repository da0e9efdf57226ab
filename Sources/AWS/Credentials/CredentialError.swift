private import Bytes

/// Why a source gave no credentials. No case holds a secret.
package enum CredentialError: Error, Sendable, Equatable {
    /// Environment and shared files are not in order.
    case settings(SharedSettingsError)
    /// The source did not answer, or only that it cannot now.
    case unanswered(source: String, reason: String)
    /// The source answered with an error.
    case refused(source: String, AWSServiceError)
    /// What the source answered holds no keys.
    case malformed(source: String, missing: String)
    /// A file that the source needs.
    case unreadable(file: String, reason: String)
    /// The program ended otherwise than with 0, or not in time.
    case program(String, reason: String)
    /// Somebody has to sign on again.
    case signOnExpired(profile: String)
    /// No source is set up, and the machine has no metadata service, or one without a role.
    case nothingElse(profile: String, metadata: String)
}

extension CredentialError {
    /// Whether the same question may be answered soon, so that a request should wait for it.
    package var isTransient: Bool {
        switch self {
        case .unanswered: true
        case .refused(_, let error):
            error.status >= 500 || error.isThrottle || error.type == "IDPCommunicationError"
        case .settings, .malformed, .unreadable, .program, .signOnExpired, .nothingElse: false
        }
    }
}

extension CredentialError: CustomStringConvertible {
    /// One line that says what to do.
    package var description: String {
        switch self {
        case .settings(let error): error.description
        case .unanswered(let source, let reason):
            "no AWS credentials from \(source): \(reason.onOneLine)"
        case .refused(let source, let error):
            "no AWS credentials from \(source): \(error)\(Self.advice(for: error))"
        case .malformed(let source, let missing):
            "no AWS credentials from \(source): the answer has no \(missing), or not in the right form"
        case .unreadable(let file, let reason):
            "no AWS credentials: \(file.onOneLine) cannot be read: \(reason.onOneLine)"
        case .program(let program, let reason):
            "no AWS credentials from credential_process (\(program.onOneLine)): \(reason.onOneLine)"
        case .signOnExpired(let profile):
            "the sign-on of the AWS profile '\(profile.onOneLine)' is missing or over; sign on again with: "
                + "aws sso login --profile \(profile.onOneLine)"
        case .nothingElse(let profile, let metadata):
            "there are no AWS credentials: neither the environment nor the AWS profile '\(profile.onOneLine)' nor a "
                + "container's endpoint gives any, and \(metadata.onOneLine); set AWS_ACCESS_KEY_ID and "
                + "AWS_SECRET_ACCESS_KEY, name a profile that has keys or a role, or give the instance a role"
        }
    }

    private static func advice(for error: AWSServiceError) -> String {
        switch error.type {
        case "AccessDenied", "AccessDeniedException":
            "; the role's trust policy must name whoever takes it on (and the external id, where it asks for one), and "
                + "that one needs sts:AssumeRole for it"
        case "InvalidClientTokenId": "; these keys are unknown there: are they deleted, or of another partition?"
        case "ExpiredToken", "ExpiredTokenException": "; the keys, or the token, that it was asked with are over"
        case "SignatureDoesNotMatch":
            "; the secret key is not the one that belongs to the key id, or the clock is wrong"
        case "RegionDisabledException": "; STS is switched off in this region: choose another one with aws.sts_endpoint"
        case "InvalidIdentityToken": "; the account must know the token's issuer as an identity provider"
        default: ""
        }
    }
}
