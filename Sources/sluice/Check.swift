internal import ArgumentParser
internal import Configuration
internal import Gateway
internal import Routing

/// `sluice check`
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check a configuration and list every fault with its place.",
        discussion: "Exit status 0 where the gateway would start with it, 1 where it would not.")

    @OptionGroup var file: ConfigurationFile

    func run() throws {
        let configuration = try self.file.load()
        let faults = CertificateFile.faults(of: configuration)
        for fault in faults { StandardError.print("\(fault)") }
        if faults.contains(where: { $0.severity == .error }) { throw ExitCode(1) }
        print(
            "\(self.file.config): ok: \(configuration.listeners.count) listeners, \(configuration.functions.count) functions, "
                + "\(configuration.routes.routes.count) routes")
    }
}
