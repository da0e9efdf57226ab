internal import ArgumentParser
internal import Configuration
internal import Gateway
internal import Logging
internal import Processes

/// The option that names the configuration, and the reading of it.
struct ConfigurationFile: ParsableArguments {
    @Option(
        name: [.short, .customLong("config")], help: "The configuration file.",
        completion: .file(extensions: ["yaml", "yml"]))
    var config: String

    /// Reads and checks the file. Every fault goes to standard error, then the command ends with status 1.
    func load() throws -> GatewayConfiguration {
        switch self.read() {
        case .success(let configuration):
            for warning in configuration.warnings { StandardError.print("\(warning)", level: .warning) }
            return configuration
        case .failure(let refusal):
            for fault in refusal.faults { StandardError.print(fault) }
            throw ExitCode(1)
        }
    }

    /// Reads and checks the file, or says everything that is wrong with it.
    func read() -> Result<GatewayConfiguration, ConfigurationRefusal> {
        let text: String
        do throws(TextFileError) {
            text = try TextFile.read(self.config)
        } catch {
            return .failure(ConfigurationRefusal(faults: ["\(error)"]))
        }
        return ConfigurationLoader.load(
            text: text, file: self.config, environment: ProcessEnvironment.current, readFile: TextFile.read
        ).mapError { faults in
            // Those of the files that it names are told at the same time.
            let all = faults.faults + CertificateFile.faults(of: faults.listeners, in: self.config)
            return ConfigurationRefusal(faults: all.sorted { $0.position < $1.position }.map(\.description))
        }
    }
}
