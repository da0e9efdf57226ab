/// The metadata service of an EC2 instance.
package struct InstanceMetadata: Sendable, Equatable {
    package let endpoint: ServiceEndpoint
    /// Whether requests without a token may be made where there are no tokens.
    package let allowsVersion1: Bool
    /// How long an answer may take.
    package let timeout: Duration
    /// How often each request is made, at most.
    package let attempts: Int
    /// The profile without keys, where nobody named this source.
    package let profile: String
    /// Whether this source is asked because there is no other.
    package let isLastResort: Bool

    /// What environment and profile say; `nil` where the service is not to be asked.
    init?(
        environment: [String: String], profile: (String) -> String?, profileName: String, isLastResort: Bool
    ) throws(SharedSettingsError) {
        func setting(_ variable: String, _ name: String?) -> (text: String, source: SettingSource)? {
            if let text = environment[variable] { return (text, .variable(variable)) }
            guard let name, let text = profile(name) else { return nil }
            return (text, .profile(profileName, name))
        }
        func flag(_ variable: String, _ name: String?) throws(SharedSettingsError) -> Bool {
            guard let (text, source) = setting(variable, name) else { return false }
            return try source.isTrue(text)
        }
        func number(
            _ variable: String, _ name: String, _ range: ClosedRange<Int>, default standard: Int
        ) throws(SharedSettingsError) -> Int {
            guard let (text, source) = setting(variable, name) else { return standard }
            guard let number = Int(text), range.contains(number) else { throw .malformed(source) }
            return number
        }
        if try flag("AWS_EC2_METADATA_DISABLED", nil) { return nil }
        self.endpoint = try Self.endpoint(
            setting("AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint"),
            mode: setting("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ec2_metadata_service_endpoint_mode"))
        self.allowsVersion1 = try !flag("AWS_EC2_METADATA_V1_DISABLED", "ec2_metadata_v1_disabled")
        self.timeout = .seconds(
            try number("AWS_METADATA_SERVICE_TIMEOUT", "metadata_service_timeout", 1...60, default: 1))
        self.attempts = try number(
            "AWS_METADATA_SERVICE_NUM_ATTEMPTS", "metadata_service_num_attempts", 1...10, default: 1)
        self.profile = profileName
        self.isLastResort = isLastResort
    }

    private static func endpoint(
        _ given: (text: String, source: SettingSource)?, mode: (text: String, source: SettingSource)?
    ) throws(SharedSettingsError) -> ServiceEndpoint {
        if let given {
            do throws(EndpointError) {
                return try ServiceEndpoint(parsing: given.text)
            } catch {
                throw .endpoint(error, from: given.source)
            }
        }
        switch mode?.text.lowercased() {
        case nil, "ipv4": return ServiceEndpoint(scheme: .http, host: "169.254.169.254", port: 80)
        case "ipv6": return ServiceEndpoint(scheme: .http, host: "fd00:ec2::254", port: 80)
        default: throw .malformed(mode?.source ?? .variable("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"))
        }
    }
}
