private import Bytes

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

extension SettingSource {
    /// The meaning of a switch.
    func isTrue(_ text: String) throws(SharedSettingsError) -> Bool {
        switch text.lowercased() {
        case "true": return true
        case "false": return false
        default: throw .notTrueOrFalse(text, from: self)
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
    /// A choice of STS endpoints is neither `legacy` nor `regional`.
    case notLegacyOrRegional(String, from: SettingSource)
    /// One of the two keys is missing.
    case incompleteKeys(missing: SettingSource)
    /// A key, a token or a date has characters that it cannot have.
    case malformed(SettingSource)
    /// A source of credentials that the SDKs know and we do not.
    case unsupportedSource(SettingSource)
    /// Settings that are of no use without another one.
    case missing(SettingSource, beside: String)
    /// Two settings of which there may be one.
    case both(SettingSource, and: String)
    /// A profile that another one, or a setting, refers to.
    case noSuchSource(String, namedBy: SettingSource)
    /// Profiles whose roles go round in a circle, or on for too long.
    case endlessRoles(profile: String)
    /// A role with a second factor, for which a person would have to be asked.
    case needsPerson(SettingSource)
    /// What STS would not take.
    case role(RoleError, from: SettingSource)
    /// A `credential_source` that is none of the three.
    case noSuchCredentialSource(String, SettingSource)
    /// A container's endpoint in the clear, somewhere else than on this machine.
    case untrustedContainerHost(String)
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
        case .notLegacyOrRegional(let text, let source):
            "\(source): '\(text.onOneLine)' is neither 'legacy' nor 'regional'"
        case .incompleteKeys(let missing): "an AWS key is only half there: \(missing) is not set"
        case .malformed(let source):
            "\(source) has characters that it cannot have, such as white space or a line break at its end"
        case .unsupportedSource(let source):
            "\(source) is set, and this source of AWS credentials is not supported: it is made for people at a browser; set "
                + "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile with a role"
        case .missing(let missing, let beside): "\(missing) is not set, and \(beside) is of no use without it"
        case .both(let source, let other): "\(source) stands beside \(other); there may be one of them"
        case .noSuchSource(let name, let source): "\(source): there is no '\(name.onOneLine)' in the shared files"
        case .endlessRoles(let profile):
            "the roles of the AWS profile '\(profile.onOneLine)' lead back to themselves, or over more than eight profiles"
        case .needsPerson(let source):
            "\(source): a role with a second factor needs a person at each renewal; use one without for a server"
        case .role(let error, let source): "\(source): \(error)"
        case .noSuchCredentialSource(let text, let source):
            "\(source): '\(text.onOneLine)' is none of Environment, Ec2InstanceMetadata and EcsContainer"
        case .untrustedContainerHost(let host):
            "AWS_CONTAINER_CREDENTIALS_FULL_URI: keys may come from '\(host)' over https only; http is for this machine "
                + "(localhost) and the platform (169.254.170.2, 169.254.170.23, [fd00:ec2::23])"
        case .noCredentials(let profile):
            "there are no AWS credentials: neither the environment nor the AWS profile '\(profile.onOneLine)' nor a "
                + "container's endpoint gives any, and the instance metadata is switched off (AWS_EC2_METADATA_DISABLED); "
                + "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile that has keys or a role"
        }
    }
}
