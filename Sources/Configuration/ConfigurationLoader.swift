/// Makes a configuration of a file's text.
package enum ConfigurationLoader {
    /// Reads the text, or says everything that is wrong with it.
    ///
    /// `file` names the file in messages. Relative paths count from `folder`, or from the one that `file` names.
    /// `environment` fills `${NAME}`, `readFile` reads the files that `file:` values name; its errors' descriptions go
    /// into messages.
    package static func load(
        text: String, file: String, folder: String? = nil, environment: [String: String],
        readFile: @escaping (String) throws -> String
    ) -> Result<GatewayConfiguration, ConfigurationFaults> {
        let reading = Reading(file: file, folder: folder, environment: environment, readFile: readFile)
        var listeners: [ListenerConfiguration] = []
        let configuration = Self.read(text, reading, listeners: &listeners)
        let faults = reading.faults
        guard let configuration, !reading.hasErrors else {
            return .failure(ConfigurationFaults(faults: faults, listeners: listeners))
        }
        return .success(configuration(faults))
    }

    /// The configuration but for its warnings, which are complete only at the end.
    private static func read(
        _ text: String, _ reading: Reading, listeners: inout [ListenerConfiguration]
    ) -> (([ConfigurationFault]) -> GatewayConfiguration)? {
        guard let root = SourceDocument.root(of: text, reading: reading) else {
            if !reading.hasErrors { reading.report(.start, Self.noListeners) }
            return nil
        }
        guard let file = ConfigurationSchema.file.read(root, reading) else { return nil }

        if file.writtenKeys["listeners"] == nil { reading.report(root.position, Self.noListeners) }
        listeners = ListenerCheck.listeners(of: file, reading)
        let admin = ListenerCheck.admin(of: file, reading)
        LimitCheck.check(file.limits, reading)
        let functions = FunctionCheck(reading: reading, file: file).functions()
        let issuers = TokenIssuerCheck(reading: reading, file: file).issuers()
        let routes = RouteCheck(reading: reading, file: file, functions: functions, issuers: issuers.map(\.name))
            .table()
        guard let routes else { return nil }
        return { [listeners] warnings in
            GatewayConfiguration(
                file: reading.file, aws: file.aws, workers: file.workers, listeners: listeners,
                functions: functions.compactMap(\.value),
                routes: routes, tokenIssuers: issuers.compactMap(\.value), drainTimeout: file.drainTimeout,
                drainDelay: file.drainDelay,
                limits: file.limits.settings,
                localLambdaAddress: file.localLambda.address?.value, accessLog: file.accessLog, admin: admin,
                effective: EffectiveConfiguration.text(of: root, reading), warnings: warnings)
        }
    }

    private static let noListeners =
        "the file has no \"listeners\"; without one nothing could be reached: "
        + "listeners: [{ address: \"127.0.0.1:8080\" }]"
}
