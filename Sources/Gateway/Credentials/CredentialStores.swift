internal import AWS
internal import Configuration

/// The stores that functions get their keys from: one of the gateway's own keys, one for each role. Functions with the
/// same role share its session, and a reload keeps those whose source is the same.
struct CredentialStores: Sendable {
    private let identity: AWSIdentity
    /// The gateway's own keys.
    let own: CredentialStore
    /// Those that are kept filled, by what they are filled with.
    private var kept: [Key: CredentialStore] = [:]
    /// Those of the configuration before.
    private let before: [Key: CredentialStore]
    /// What has to be begun for those that are new.
    private(set) var tasks: [ControlPlane.Task] = []
    /// Whether keys may be fetched over TLS.
    private(set) var usesTLS = false

    private enum Key: Hashable {
        case own(Int)
        case role(RoleAssumption, SecurityTokenService, of: Int)
    }

    init(_ identity: AWSIdentity, after previous: CredentialStores?) {
        self.identity = identity
        self.before = previous?.kept ?? [:]
        switch identity.plan {
        case .success(let plan):
            if let previous, case .success(plan) = previous.identity.plan,
                identity.asksSameService(as: previous.identity)
            {
                self.own = previous.own
            } else if let credentials = plan.fixedCredentials {
                self.own = CredentialStore(credentials)
            } else {
                self.own = CredentialStore(source: "\(plan)")
            }
        case .failure(let error):
            self.own = CredentialStore(error)
        }
    }

    /// The store for a function that is called in a region.
    mutating func store(for role: RoleAssumption?, region: String) throws -> CredentialStore {
        try self.keepOwn(region: region)
        guard let role else { return self.own }
        self.usesTLS = true
        let tokenService = try self.tokenService(region: region)
        let own = self.own
        return self.keep(.role(role, tokenService, of: own.id)) {
            let store = CredentialStore(source: "\(own.source), then the role \(role.arn)")
            return ControlPlane.Task(store: store, means: .role(role, of: own), tokenService: tokenService)
        }
    }

    /// Has the gateway's own keys fetched although no function in AWS needs them: whoever calls a local function signs
    /// with them. Not where only the machine could give some, which it hardly can.
    mutating func keepOwnForLocalFunctions() throws {
        guard case .success(let plan) = self.identity.plan, !plan.isLastResort else { return }
        try self.keepOwn(region: nil)
    }

    private mutating func keepOwn(region: String?) throws {
        guard case .success(let plan) = self.identity.plan, plan.fixedCredentials == nil else { return }
        guard self.kept[.own(self.own.id)] == nil else { return }
        self.usesTLS = self.usesTLS || plan.usesTLS
        let tokenService = try self.tokenService(region: region)
        let own = self.own
        _ = self.keep(.own(own.id)) {
            ControlPlane.Task(store: own, means: .plan(plan), tokenService: tokenService)
        }
    }

    private mutating func keep(_ key: Key, _ make: () -> ControlPlane.Task) -> CredentialStore {
        if let store = self.kept[key] ?? self.before[key] {
            self.kept[key] = store
            return store
        }
        let task = make()
        self.kept[key] = task.store
        self.tasks.append(task)
        return task.store
    }

    private func tokenService(region: String?) throws -> SecurityTokenService {
        try self.identity.tokenService(region: try self.identity.region(asksMachine: false) ?? region)
    }
}
