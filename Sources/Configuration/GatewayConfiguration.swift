package import AWS
package import Routing

/// All that a configuration file says, checked: every value is within its bounds, every name that is used exists.
package struct GatewayConfiguration: Sendable {
    /// The file as it was named.
    package let file: String
    package let aws: AWSSettings
    /// How many loops; `nil` for one on each CPU that the process may use.
    package let workers: Int?
    /// At least one, all different.
    package let listeners: [ListenerConfiguration]
    /// In the order of the file; routes name them by position.
    package let functions: [FunctionConfiguration]
    package let routes: RouteTable
    /// In the order of the file; routes name them by position.
    package let tokenIssuers: [TokenIssuerConfiguration]
    /// How long running exchanges may go on after a TERM.
    package let drainTimeout: Duration
    /// How long connections are still accepted after a TERM, while readiness already says no.
    package let drainDelay: Duration
    package let limits: LimitSettings
    /// Where local functions can be invoked by any AWS SDK; `nil` for a loopback port that the system chooses.
    package var localLambdaAddress: NetworkAddress?
    package let accessLog: AccessLogSettings
    /// `nil` for no admin listener.
    package let admin: AdminSettings?
    /// Every key with its value or its default, as JSON. Secrets are left out.
    package let effective: String
    /// What can be meant so, but hardly is.
    package let warnings: [ConfigurationFault]
}

/// `aws:`. What is not set here comes from the environment, a profile or the machine.
package struct AWSSettings: Sendable, Equatable {
    package var region: String?
    package var profile: String?
    /// Lambda's; `nil` for the one that the region has.
    package var endpoint: ServiceEndpoint?
    /// That of the Security Token Service; `nil` for the one that the region has.
    package var tokenServiceEndpoint: ServiceEndpoint?
    /// Authorities that are trusted besides the system's.
    package var caFile: String?

    /// Nothing is set.
    package init() {}
}

/// `admin:`.
package struct AdminSettings: Sendable, Equatable {
    package let address: ListenerAddress
    /// What clients show; `nil` where the address lets in those of this machine alone.
    package let token: String?
}

/// `access_log:`.
package struct AccessLogSettings: Sendable, Equatable {
    package var format: Format
    package var output: Output
    /// Query parameters whose values are not written, by name; `*` for all.
    package var redact: [String]

    package init(format: Format = .json, output: Output = .standardOutput, redact: [String] = []) {
        self.format = format
        self.output = output
        self.redact = redact
    }

    /// What a line looks like.
    package enum Format: Sendable {
        case json
        case text
        /// No lines.
        case none
    }

    /// Where the lines go.
    package enum Output: Sendable, Equatable {
        case standardOutput
        case standardError
        case file(path: String)
    }
}
