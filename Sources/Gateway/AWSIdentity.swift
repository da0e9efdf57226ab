internal import AWS
internal import Configuration
internal import Lambda
internal import Reactor
private import Synchronization

/// Who the gateway is in AWS, and where: credentials, region and endpoint of the functions there.
struct AWSIdentity: Sendable {
    /// Where the gateway's own keys come from; or why there are none, which is no error yet: a gateway whose functions
    /// all run on this machine needs none.
    let plan: Result<CredentialPlan, CredentialError>
    private let settings: SharedSettings
    private let configured: AWSSettings
    private let resolver: Resolver
    /// The machine's answer to the question for its region, which is asked once.
    private let machineRegion = Memo<String?>()

    /// Reads environment and shared files.
    init(
        _ configuration: GatewayConfiguration, environment: [String: String], resolver: Resolver,
        readFile: (String) -> String?
    ) throws {
        self.configured = configuration.aws
        self.resolver = resolver
        let locations = SharedFileLocations(environment: environment)
        let profiles = try Profiles(
            config: locations.config.flatMap(readFile), credentials: locations.credentials.flatMap(readFile))
        let settings = try SharedSettings(
            environment: environment, profiles: profiles, profile: configuration.aws.profile)
        self.settings = settings
        do throws(SharedSettingsError) {
            self.plan = .success(try settings.credentialPlan())
        } catch {
            self.plan = .failure(.settings(error))
        }
    }

    /// The region of the gateway, as environment, files and configuration say it; else that of the machine, which is
    /// asked only where `asksMachine` says so.
    func region(asksMachine: Bool) throws -> String? {
        if let region = try self.settings.region(explicit: self.configured.region) { return region }
        guard asksMachine, let metadata = try self.settings.instanceMetadata(isLastResort: true) else { return nil }
        return try self.machineRegion.value { try MetadataRegion.find(metadata, resolver: self.resolver) }
    }

    /// Whether the machine may be asked for the region where nothing else says it.
    var mayAskMachine: Bool {
        get throws { try self.settings.instanceMetadata(isLastResort: true) != nil }
    }

    /// Where functions of a region are called.
    func endpoint(in region: String) throws -> ServiceEndpoint {
        if let configured = self.configured.endpoint { return configured }
        return try self.settings.endpoint(of: .lambda, region: region)
    }

    /// Whether roles are taken on at the same place as by another one.
    func asksSameService(as other: AWSIdentity) -> Bool {
        // Settings that are not in order are told where they are used.
        let own = try? self.tokenService(region: self.region(asksMachine: false))
        return own != nil && own == (try? other.tokenService(region: other.region(asksMachine: false)))
    }

    /// Where roles are taken on: in the gateway's region, or that of a function, or wherever that is done without one.
    func tokenService(region: String?) throws -> SecurityTokenService {
        try self.settings.tokenService(explicit: self.configured.tokenServiceEndpoint, region: region)
    }
}

/// A value that is found out when it is first wanted.
private final class Memo<Value: Sendable>: Sendable {
    private let known = Mutex<Value?>(nil)

    func value(_ find: () throws -> Value) throws -> Value {
        try self.known.withLock { known in
            if let known { return known }
            let value = try find()
            known = value
            return value
        }
    }
}
