/// Where a setting came from.
package enum SettingSource: Equatable, Sendable {
    /// A key of our own configuration, below `aws`.
    case configuration(String)
    /// An environment variable.
    case variable(String)
    /// A setting of a profile of the shared files.
    case profile(String, String)
}

extension SettingSource: CustomStringConvertible {
    /// The source as a person would look for it.
    package var description: String {
        switch self {
        case .configuration(let key): "aws.\(key)"
        case .variable(let name): name
        case .profile(let profile, let setting): "\(setting) of the AWS profile '\(profile)'"
        }
    }
}

/// Why environment and shared files give no region, endpoint or credentials. No case holds a secret.
package enum SharedSettingsError: Error, Equatable, Sendable {
    /// The chosen profile stands in neither file.
    case noSuchProfile(String, known: [String])
    /// A region or an endpoint's URL is none.
    case endpoint(EndpointError, from: SettingSource)
    /// A switch is neither `true` nor `false`.
    case notTrueOrFalse(String, from: SettingSource)
    /// One of the two keys is missing.
    case incompleteKeys(missing: SettingSource)
    /// A key, a token or a date has characters that it cannot have.
    case malformed(SettingSource)
    /// A source of credentials that the SDKs know and we do not yet.
    case unsupportedSource(SettingSource)
    /// No source of credentials is set up.
    case noCredentials(profile: String)
}

extension SharedSettingsError: CustomStringConvertible {
    /// One line that says what to do.
    package var description: String {
        switch self {
        case .noSuchProfile(let name, let known):
            "the AWS profile '\(name.onOneLine)' stands in neither shared file"
                + (known.isEmpty ? "; they have no profiles" : "; there are: \(known.joined(separator: ", "))")
        case .endpoint(let error, let source): "\(source): \(error)"
        case .notTrueOrFalse(let text, let source): "\(source): '\(text.onOneLine)' is neither 'true' nor 'false'"
        case .incompleteKeys(let missing): "an AWS key is only half there: \(missing) is not set"
        case .malformed(let source):
            "\(source) has characters that it cannot have, such as white space or a line break at its end"
        case .unsupportedSource(let source):
            "\(source) is set, and this source of AWS credentials is not supported yet: set AWS_ACCESS_KEY_ID and "
                + "AWS_SECRET_ACCESS_KEY, or a profile with static keys"
        case .noCredentials(let profile):
            "there are no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or put aws_access_key_id and "
                + "aws_secret_access_key into the profile '\(profile)' of ~/.aws/credentials"
        }
    }
}
