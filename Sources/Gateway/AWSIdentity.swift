internal import AWS
internal import Configuration
internal import Lambda

/// Who the gateway is in AWS, and where: credentials, region and endpoint of the functions there.
struct AWSIdentity {
    let credentials: CredentialStore
    private let settings: SharedSettings
    private let configured: AWSSettings

    /// Reads environment and shared files. Missing credentials are no error yet: a gateway whose functions all run on this
    /// machine needs none.
    init(
        _ configuration: GatewayConfiguration, environment: [String: String], readFile: (String) -> String?
    ) throws {
        self.configured = configuration.aws
        let locations = SharedFileLocations(environment: environment)
        let profiles = try Profiles(
            config: locations.config.flatMap(readFile), credentials: locations.credentials.flatMap(readFile))
        self.settings = try SharedSettings(
            environment: environment, profiles: profiles, profile: configuration.aws.profile)
        do throws(SharedSettingsError) {
            self.credentials = CredentialStore(try self.settings.credentials())
        } catch {
            self.credentials = CredentialStore(nil, explanation: error.description)
        }
    }

    /// The region in which a function is called: that of its ARN, else the gateway's own.
    func region(for function: FunctionReference, of name: String) throws -> String {
        if let region = function.region { return region }
        guard let region = try self.settings.region(explicit: self.configured.region) else {
            throw AssemblyError.noRegion(function: name)
        }
        return region
    }

    /// Where functions of a region are called.
    func endpoint(in region: String) throws -> ServiceEndpoint {
        if let configured = self.configured.endpoint { return configured }
        return try self.settings.lambdaEndpoint(region: region)
    }
}
