private import Digest
private import Time

/// The chain of sources, in the order of the SDKs.
extension SharedSettings {
    /// The first source that is set up: a profile named in the configuration, else the environment, a profile, the
    /// container's endpoint, the instance. A source that is set up and not usable stops the search, as it does in the
    /// SDKs.
    package func credentialPlan() throws(SharedSettingsError) -> CredentialPlan {
        if self.choice != .explicit, let keys = try self.environmentKeys() { return CredentialPlan(.fixed(keys)) }
        if let plan = try self.roleByProfile(self.profileName, visited: []) { return plan }
        if self.choice != .explicit, let identity = try self.webIdentityOfEnvironment() {
            return CredentialPlan(.webIdentity(identity))
        }
        if let origin = try self.originOfProfile(self.profileName) { return CredentialPlan(origin) }
        if let container = try ContainerCredentials(environment: self.environment) {
            return CredentialPlan(.container(container))
        }
        if let metadata = try self.instanceMetadata(isLastResort: true) { return CredentialPlan(.instance(metadata)) }
        throw .noCredentials(profile: self.profileName)
    }

    /// The metadata service, as this machine may have it; `nil` where it is not to be asked.
    package func instanceMetadata(isLastResort: Bool) throws(SharedSettingsError) -> InstanceMetadata? {
        let profile = self.profile
        return try InstanceMetadata(
            environment: self.environment, profile: { profile[$0] }, profileName: self.profileName,
            isLastResort: isLastResort)
    }
}

/// Roles.
extension SharedSettings {
    /// Profiles that may stand behind one another.
    private static let longestChain = 8

    /// A profile's `role_arn` with what it is taken on from; `nil` where the profile has none, or one for a web
    /// identity.
    private func roleByProfile(
        _ name: String, visited: [String]
    ) throws(SharedSettingsError) -> CredentialPlan? {
        let profile = self.profiles[name] ?? Profiles.Profile()
        guard profile["role_arn"] != nil, profile["web_identity_token_file"] == nil else { return nil }
        func setting(_ setting: String) -> SettingSource { .profile(name, setting) }
        if profile["mfa_serial"] != nil { throw .needsPerson(setting("mfa_serial")) }
        let role = try self.role(of: name, profile)
        switch (profile["source_profile"], profile["credential_source"]) {
        case (nil, nil):
            throw .missing(setting("source_profile"), beside: "role_arn")
        case (_?, _?):
            throw .both(setting("source_profile"), and: "credential_source")
        case (nil, let source?):
            return CredentialPlan(try self.origin(named: source, by: setting("credential_source")), roles: [role])
        case (let source?, nil):
            guard self.profiles[source] != nil else { throw .noSuchSource(source, namedBy: setting("source_profile")) }
            let base = try self.plan(ofSource: source, visited: visited + [name])
            return CredentialPlan(base.origin, roles: base.roles + [role])
        }
    }

    /// What a profile gives to one that names it as its source. Keys of its own go before a role of its own, as in the
    /// SDKs.
    private func plan(ofSource name: String, visited: [String]) throws(SharedSettingsError) -> CredentialPlan {
        if let keys = try self.staticKeys(of: name) { return CredentialPlan(.fixed(keys)) }
        guard !visited.contains(name), visited.count < Self.longestChain else {
            throw .endlessRoles(profile: self.profileName)
        }
        if let plan = try self.roleByProfile(name, visited: visited) { return plan }
        if let origin = try self.originOfProfile(name) { return CredentialPlan(origin) }
        throw .missing(.profile(name, "aws_access_key_id"), beside: "source_profile = \(name)")
    }

    private func origin(
        named text: String, by source: SettingSource
    ) throws(SharedSettingsError) -> CredentialPlan.Origin {
        switch text.lowercased() {
        case "environment":
            guard let keys = try self.environmentKeys() else {
                throw .missing(.variable("AWS_ACCESS_KEY_ID"), beside: "credential_source = Environment")
            }
            return .fixed(keys)
        case "ec2instancemetadata":
            guard let metadata = try self.instanceMetadata(isLastResort: false) else {
                throw .both(source, and: "AWS_EC2_METADATA_DISABLED")
            }
            return .instance(metadata)
        case "ecscontainer":
            guard let container = try ContainerCredentials(environment: self.environment) else {
                throw .missing(
                    .variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"), beside: "credential_source = EcsContainer")
            }
            return .container(container)
        default:
            throw .noSuchCredentialSource(text, source)
        }
    }

    private func role(of name: String, _ profile: Profiles.Profile) throws(SharedSettingsError) -> RoleAssumption {
        var durationSeconds: Int?
        if let text = profile["duration_seconds"] {
            guard let seconds = Int(text) else { throw .malformed(.profile(name, "duration_seconds")) }
            durationSeconds = seconds
        }
        do throws(RoleError) {
            return try RoleAssumption(
                arn: profile["role_arn"] ?? "", externalID: profile["external_id"],
                sessionName: profile["role_session_name"], durationSeconds: durationSeconds)
        } catch {
            throw .role(error, from: .profile(name, error.setting))
        }
    }

    private func webIdentityOfEnvironment() throws(SharedSettingsError) -> WebIdentity? {
        guard let file = self.environment["AWS_WEB_IDENTITY_TOKEN_FILE"] else { return nil }
        guard let arn = self.environment["AWS_ROLE_ARN"] else {
            throw .missing(.variable("AWS_ROLE_ARN"), beside: "AWS_WEB_IDENTITY_TOKEN_FILE")
        }
        do throws(RoleError) {
            let role = try RoleAssumption(arn: arn, sessionName: self.environment["AWS_ROLE_SESSION_NAME"])
            return WebIdentity(role: role, tokenFile: file)
        } catch {
            let isName = if case .sessionName = error { true } else { false }
            throw .role(error, from: .variable(isName ? "AWS_ROLE_SESSION_NAME" : "AWS_ROLE_ARN"))
        }
    }
}

/// What a profile has besides roles.
extension SharedSettings {
    /// Web identity, single sign-on, keys of the credentials file, a program, keys of the config file, in this order.
    private func originOfProfile(_ name: String) throws(SharedSettingsError) -> CredentialPlan.Origin? {
        let profile = self.profiles[name] ?? Profiles.Profile()
        if let file = profile["web_identity_token_file"] {
            guard profile["role_arn"] != nil else {
                throw .missing(.profile(name, "role_arn"), beside: "web_identity_token_file")
            }
            return .webIdentity(WebIdentity(role: try self.role(of: name, profile), tokenFile: file))
        }
        if profile["sso_session"] != nil || profile["sso_start_url"] != nil {
            return .singleSignOn(try self.signOn(of: name, profile))
        }
        if let keys = try self.keys(in: profile.credentials, of: name) { return .fixed(keys) }
        if profile["login_session"] != nil { throw .unsupportedSource(.profile(name, "login_session")) }
        if let text = profile["credential_process"] {
            guard let words = ProgramWords.split(text) else { throw .malformed(.profile(name, "credential_process")) }
            return .process(words)
        }
        return try self.keys(in: profile.config, of: name).map { .fixed($0) }
    }

    private func signOn(of name: String, _ profile: Profiles.Profile) throws(SharedSettingsError) -> SingleSignOn {
        func needed(_ setting: String, _ value: String?) throws(SharedSettingsError) -> String {
            guard let value else {
                let beside = profile["sso_session"] == nil ? "sso_start_url" : "sso_session"
                throw .missing(.profile(name, setting), beside: beside)
            }
            guard value.isFieldText else { throw .malformed(.profile(name, setting)) }
            return value
        }
        let key: String
        let region: String
        var renewal: SingleSignOn.Session?
        if let session = profile["sso_session"] {
            guard let settings = self.profiles.signOnSession(session) else {
                throw .noSuchSource("[sso-session \(session)]", namedBy: .profile(name, "sso_session"))
            }
            key = session
            region = try needed("sso_region", settings["sso_region"])
            renewal = SingleSignOn.Session(
                endpoint: try self.endpoint(of: .signOnTokens, region: region), region: region)
        } else {
            key = try needed("sso_start_url", profile["sso_start_url"])
            region = try needed("sso_region", profile["sso_region"])
        }
        guard let home = self.environment["HOME"] else { throw .missing(.variable("HOME"), beside: "single sign-on") }
        return SingleSignOn(
            endpoint: try self.endpoint(of: .sso, region: region),
            accountID: try needed("sso_account_id", profile["sso_account_id"]),
            roleName: try needed("sso_role_name", profile["sso_role_name"]),
            cacheFile: "\(home)/.aws/sso/cache/\(SHA1.hexadecimal(of: key.utf8.span)).json", session: renewal,
            profile: name)
    }
}

/// Keys that stand somewhere.
extension SharedSettings {
    private func environmentKeys() throws(SharedSettingsError) -> Credentials? {
        try self.credentials(
            keyID: (self.environment["AWS_ACCESS_KEY_ID"], .variable("AWS_ACCESS_KEY_ID")),
            secret: (self.environment["AWS_SECRET_ACCESS_KEY"], .variable("AWS_SECRET_ACCESS_KEY")),
            token: self.environment["AWS_SESSION_TOKEN"].map { ($0, .variable("AWS_SESSION_TOKEN")) }
                ?? (self.environment["AWS_SECURITY_TOKEN"], .variable("AWS_SECURITY_TOKEN")),
            expiration: self.environment["AWS_CREDENTIAL_EXPIRATION"], accountID: self.environment["AWS_ACCOUNT_ID"])
    }

    private func staticKeys(of name: String) throws(SharedSettingsError) -> Credentials? {
        guard let profile = self.profiles[name] else { return nil }
        if let keys = try self.keys(in: profile.credentials, of: name) { return keys }
        return try self.keys(in: profile.config, of: name)
    }

    private func keys(
        in settings: [String: String], of name: String
    ) throws(SharedSettingsError) -> Credentials? {
        func setting(_ setting: String) -> (String?, SettingSource) { (settings[setting], .profile(name, setting)) }
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
        // They go into the request's head, where a line break would end their line.
        guard accessKeyID.isKeyID else { throw .malformed(keyID.1) }
        guard secretAccessKey.isKeyText else { throw .malformed(secret.1) }
        guard token.0?.isKeyText ?? true else { throw .malformed(token.1) }
        var end: WallTime?
        if let expiration {
            end = WallTime(rfc3339: expiration.utf8.span)
            if end == nil { throw .malformed(.variable("AWS_CREDENTIAL_EXPIRATION")) }
        }
        return Credentials(
            accessKeyID: accessKeyID, secretAccessKey: secretAccessKey, sessionToken: token.0, expiration: end,
            accountID: accountID)
    }
}

extension RoleError {
    /// The setting of a profile that is wrong.
    fileprivate var setting: String {
        switch self {
        case .arn: "role_arn"
        case .externalID: "external_id"
        case .sessionName: "role_session_name"
        case .duration: "duration_seconds"
        }
    }
}
