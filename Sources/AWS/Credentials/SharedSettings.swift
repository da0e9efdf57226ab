/// What environment and shared files say about AWS: region, endpoint, credentials, in the order of the SDKs.
///
/// The caller reads the files that `SharedFileLocations` names, and hands their texts in.
package struct SharedSettings: Sendable {
    let environment: [String: String]
    let profiles: Profiles
    /// The profile that is in force.
    package let profileName: String
    /// Whether somebody chose it: a chosen profile must exist, and one named in the configuration goes before the keys
    /// of the environment.
    let choice: ProfileChoice

    enum ProfileChoice {
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

    var profile: Profiles.Profile { self.profiles[self.profileName] ?? Profiles.Profile() }
}

/// Region and endpoint.
extension SharedSettings {
    /// The region: the one given, AWS_REGION, AWS_DEFAULT_REGION, the profile's, in this order. `nil` where nobody says
    /// it.
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

    /// Where a service is reached: the URL given, AWS_ENDPOINT_URL_LAMBDA or that of another service, AWS_ENDPOINT_URL,
    /// the profile's services and the profile's URL, else the public endpoint of the region.
    package func endpoint(
        of service: AWSService, explicit: String? = nil, region: String
    ) throws(SharedSettingsError) -> ServiceEndpoint {
        for case (let url?, let source) in try self.endpointURLs(of: service, explicit: explicit) {
            do throws(EndpointError) {
                return try ServiceEndpoint(parsing: url)
            } catch {
                throw .endpoint(error, from: source)
            }
        }
        let useFIPS = try self.flag("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint")
        let useDualStack = try self.flag("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint")
        do throws(EndpointError) {
            return try ServiceEndpoint.of(service, region: region, useFIPS: useFIPS, useDualStack: useDualStack)
        } catch {
            throw .endpoint(error, from: .configuration("region"))
        }
    }

    /// The Security Token Service of a region; the one for all regions where none is known.
    package func tokenService(
        explicit: ServiceEndpoint? = nil, region: String?
    ) throws(SharedSettingsError) -> SecurityTokenService {
        let signing = region ?? "us-east-1"
        if let explicit { return SecurityTokenService(endpoint: explicit, region: signing) }
        let endpoint = try self.endpoint(of: .sts, region: signing)
        // Without a region there is only the endpoint of old, and some ask for it where there is one. Endpoints that
        // somebody gave, and those of FIPS and dual stack, stay what they are.
        let isGiven = try self.endpointURLs(of: .sts, explicit: nil).contains { $0.0 != nil }
        let isLegacy = try self.choosesLegacyTokenService && SecurityTokenService.legacyRegions.contains(signing)
        guard !isGiven, region == nil || isLegacy, endpoint.host == "sts.\(signing).amazonaws.com" else {
            return SecurityTokenService(endpoint: endpoint, region: signing)
        }
        return .legacy
    }

    /// Whether `legacy` is chosen, and not `regional`, which is what the SDKs do where nobody chooses.
    private var choosesLegacyTokenService: Bool {
        get throws(SharedSettingsError) {
            let candidates: [(String?, SettingSource)] = [
                (self.environment["AWS_STS_REGIONAL_ENDPOINTS"], .variable("AWS_STS_REGIONAL_ENDPOINTS")),
                (self.profile["sts_regional_endpoints"], .profile(self.profileName, "sts_regional_endpoints")),
            ]
            for case (let text?, let source) in candidates {
                switch text.lowercased() {
                case "legacy": return true
                case "regional": return false
                default: throw .notLegacyOrRegional(text, from: source)
                }
            }
            return false
        }
    }

    private func endpointURLs(
        of service: AWSService, explicit: String?
    ) throws(SharedSettingsError) -> [(String?, SettingSource)] {
        let given: (String?, SettingSource) = (explicit, .configuration("endpoint"))
        if try self.flag("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls") { return [given] }
        let ofService = self.profile["services"].flatMap {
            self.profiles.setting("endpoint_url", ofService: service.rawValue, in: $0)
        }
        return [
            given,
            (self.environment[service.endpointVariable], .variable(service.endpointVariable)),
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
            return try source.isTrue(text)
        }
        return false
    }
}
