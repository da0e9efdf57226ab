public import ArgumentParser
internal import Gateway
internal import Logging

/// `sluice run`
struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the gateway until it is told to stop.",
        discussion: """
            TERM or INT: stop accepting, let running streams finish for as long as drain_timeout says, then exit with 0.
            A second one cuts what still runs.
            """)

    @OptionGroup var file: ConfigurationFile

    @Option(help: "How much is logged: trace, debug, info, notice, warning, error or critical.")
    var logLevel: Logger.Level = .info

    func run() throws {
        // Before any thread is there, so that all of them inherit it.
        let signals = Signals()
        let configuration = try self.file.load()
        let logger = Log.logger(level: self.logLevel)
        let server: Server
        do {
            server = try Server(
                configuration, environment: Environment.all, readFile: Files.text(of:), logger: logger)
            try server.start()
        } catch {
            StandardError.print("sluice: \(error)")
            throw ExitCode(1)
        }
        let gate = DrainGate()
        while true {
            switch signals.wait() {
            case .stop: break
            case .reload, .upgrade:
                logger.warning("this signal is not supported yet")
                continue
            }
            break
        }
        signals.afterwards { signal in
            if signal == .stop { gate.hurry() }
        }
        server.drain(hurry: gate)
    }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}
