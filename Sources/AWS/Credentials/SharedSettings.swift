private import Bytes
private import Time

/// What environment and shared files say about AWS: region, endpoint, credentials, in the order of the SDKs.
///
/// The caller reads the files that `SharedFileLocations` names, and hands their texts in.
package struct SharedSettings: Sendable {
    private let environment: [String: String]
    private let profiles: Profiles
    /// The profile that is in force.
    package let profileName: String
    /// Whether somebody chose it: a chosen profile must exist, and one named in the configuration goes before the keys of
    /// the environment.
    private let choice: ProfileChoice

    private enum ProfileChoice {
        case explicit
        case environment
        case none
    }

    /// - Parameter profile: The profile that the configuration names, if it does.
    package init(
        environment: [String: String], profiles: Profiles, profile: String? = nil
    ) throws(SharedSettingsError) {
        // An empty variable counts as one that is not set.
        self.environment = environment.filter { !$0.value.isEmpty }
        self.profiles = profiles
        if let profile {
            self.profileName = profile
            self.choice = .explicit
        } else if let name = self.environment["AWS_PROFILE"] ?? self.environment["AWS_DEFAULT_PROFILE"] {
            self.profileName = name
            self.choice = .environment
        } else {
            self.profileName = "default"
            self.choice = .none
        }
        if self.choice != .none, profiles[self.profileName] == nil {
            throw .noSuchProfile(self.profileName, known: profiles.names)
        }
    }

    private var profile: Profiles.Profile { self.profiles[self.profileName] ?? Profiles.Profile() }
}

/// Region and endpoint.
extension SharedSettings {
    /// The region: the one given, AWS_REGION, AWS_DEFAULT_REGION, the profile's, in this order. `nil` where nobody says it.
    package func region(explicit: String? = nil) throws(SharedSettingsError) -> String? {
        let candidates: [(String?, SettingSource)] = [
            (explicit, .configuration("region")),
            (self.environment["AWS_REGION"], .variable("AWS_REGION")),
            (self.environment["AWS_DEFAULT_REGION"], .variable("AWS_DEFAULT_REGION")),
            (self.profile["region"], .profile(self.profileName, "region")),
        ]
        for case (let region?, let source) in candidates {
            guard ServiceEndpoint.isRegion(region) else { throw .endpoint(.region(region), from: source) }
            return region
        }
        return nil
    }

    /// Where Lambda is reached: the URL given, AWS_ENDPOINT_URL_LAMBDA, AWS_ENDPOINT_URL, the profile's services and the
    /// profile's URL, else the public endpoint of the region.
    package func lambdaEndpoint(explicit: String? = nil, region: String) throws(SharedSettingsError) -> ServiceEndpoint
    {
        for case (let url?, let source) in try self.endpointURLs(explicit: explicit) {
            do throws(EndpointError) {
                return try ServiceEndpoint(parsing: url)
            } catch {
                throw .endpoint(error, from: source)
            }
        }
        let useFIPS = try self.flag("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint")
        let useDualStack = try self.flag("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint")
        do throws(EndpointError) {
            return try ServiceEndpoint.lambda(region: region, useFIPS: useFIPS, useDualStack: useDualStack)
        } catch {
            throw .endpoint(error, from: .configuration("region"))
        }
    }

    private func endpointURLs(explicit: String?) throws(SharedSettingsError) -> [(String?, SettingSource)] {
        let given: (String?, SettingSource) = (explicit, .configuration("endpoint"))
        if try self.flag("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls") { return [given] }
        let ofService = self.profile["services"].flatMap {
            self.profiles.setting("endpoint_url", ofService: "lambda", in: $0)
        }
        return [
            given,
            (self.environment["AWS_ENDPOINT_URL_LAMBDA"], .variable("AWS_ENDPOINT_URL_LAMBDA")),
            (self.environment["AWS_ENDPOINT_URL"], .variable("AWS_ENDPOINT_URL")),
            (ofService, .profile(self.profileName, "services")),
            (self.profile["endpoint_url"], .profile(self.profileName, "endpoint_url")),
        ]
    }

    private func flag(_ variable: String, _ setting: String) throws(SharedSettingsError) -> Bool {
        let candidates: [(String?, SettingSource)] = [
            (self.environment[variable], .variable(variable)),
            (self.profile[setting], .profile(self.profileName, setting)),
        ]
        for case (let text?, let source) in candidates {
            switch text.lowercased() {
            case "true": return true
            case "false": return false
            default: throw .notTrueOrFalse(text, from: source)
            }
        }
        return false
    }
}

/// Credentials.
extension SharedSettings {
    /// The credentials of the first source that is set up: a profile named in the configuration, else the environment,
    /// else the profile. A source that is set up and not usable stops the search, as it does in the SDKs.
    package func credentials() throws(SharedSettingsError) -> Credentials {
        if self.choice != .explicit {
            if let credentials = try self.environmentCredentials() { return credentials }
        }
        let profile = self.profile
        if profile["role_arn"] != nil { throw self.unsupported("role_arn") }
        if self.environment["AWS_WEB_IDENTITY_TOKEN_FILE"] != nil, self.choice != .explicit {
            throw .unsupportedSource(.variable("AWS_WEB_IDENTITY_TOKEN_FILE"))
        }
        for setting in ["web_identity_token_file", "sso_session", "sso_start_url"] where profile[setting] != nil {
            throw self.unsupported(setting)
        }
        if let credentials = try self.staticKeys(profile.credentials) { return credentials }
        for setting in ["login_session", "credential_process"] where profile[setting] != nil {
            throw self.unsupported(setting)
        }
        if let credentials = try self.staticKeys(profile.config) { return credentials }
        for variable in ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"]
        where self.environment[variable] != nil {
            throw .unsupportedSource(.variable(variable))
        }
        throw .noCredentials(profile: self.profileName)
    }

    private func environmentCredentials() throws(SharedSettingsError) -> Credentials? {
        try self.credentials(
            keyID: (self.environment["AWS_ACCESS_KEY_ID"], .variable("AWS_ACCESS_KEY_ID")),
            secret: (self.environment["AWS_SECRET_ACCESS_KEY"], .variable("AWS_SECRET_ACCESS_KEY")),
            token: self.environment["AWS_SESSION_TOKEN"].map { ($0, .variable("AWS_SESSION_TOKEN")) }
                ?? (self.environment["AWS_SECURITY_TOKEN"], .variable("AWS_SECURITY_TOKEN")),
            expiration: self.environment["AWS_CREDENTIAL_EXPIRATION"], accountID: self.environment["AWS_ACCOUNT_ID"])
    }

    private func staticKeys(_ settings: [String: String]) throws(SharedSettingsError) -> Credentials? {
        func setting(_ name: String) -> (String?, SettingSource) { (settings[name], .profile(self.profileName, name)) }
        return try self.credentials(
            keyID: setting("aws_access_key_id"), secret: setting("aws_secret_access_key"),
            token: setting("aws_session_token"), expiration: nil, accountID: settings["aws_account_id"])
    }

    /// Credentials of one source; `nil` where it has neither key.
    private func credentials(
        keyID: (String?, SettingSource), secret: (String?, SettingSource), token: (String?, SettingSource),
        expiration: String?, accountID: String?
    ) throws(SharedSettingsError) -> Credentials? {
        if keyID.0 == nil && secret.0 == nil { return nil }
        guard let accessKeyID = keyID.0 else { throw .incompleteKeys(missing: keyID.1) }
        guard let secretAccessKey = secret.0 else { throw .incompleteKeys(missing: secret.1) }
        // Both go into the request's head, where a line break would end their line.
        guard accessKeyID.isKeyID else { throw .malformed(keyID.1) }
        guard secretAccessKey.isPrintableASCII else { throw .malformed(secret.1) }
        guard token.0?.isPrintableASCII ?? true else { throw .malformed(token.1) }
        var end: WallTime?
        if let expiration {
            end = WallTime(rfc3339: expiration.utf8.span)
            if end == nil { throw .malformed(.variable("AWS_CREDENTIAL_EXPIRATION")) }
        }
        return Credentials(
            accessKeyID: accessKeyID, secretAccessKey: secretAccessKey, sessionToken: token.0, expiration: end,
            accountID: accountID)
    }

    private func unsupported(_ setting: String) -> SharedSettingsError {
        .unsupportedSource(.profile(self.profileName, setting))
    }
}

extension String {
    /// Whether the text can be an access key id: letters, digits and what else does not end the id in a signature.
    fileprivate var isKeyID: Bool {
        self.utf8.count <= 128
            && self.utf8.allSatisfy { $0 > ASCII.space && $0 < ASCII.delete && $0 != ASCII.slash && $0 != ASCII.comma }
    }

    /// Whether all bytes are visible ASCII characters.
    fileprivate var isPrintableASCII: Bool {
        self.utf8.count <= 16_384 && self.utf8.allSatisfy { $0 > ASCII.space && $0 < ASCII.delete }
    }
}
