internal import ArgumentParser
internal import Gateway
internal import Logging
internal import Processes

/// `sluice run`
struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the gateway until it is told to stop.",
        discussion: """
            TERM or INT: stop accepting, let running streams finish for as long as drain_timeout says, then exit with 0.
            A second one cuts what still runs.
            """)

    @OptionGroup var file: ConfigurationFile

    @Option(help: "How much is logged.")
    var logLevel: LogLevel = .info

    func run() throws {
        // Before any thread is there, so that all of them inherit it.
        let signals = Signals()
        let configuration = try self.file.load()
        let logger = Log.logger(level: self.logLevel.level)
        let server: Server
        do {
            server = try Server(
                configuration, environment: ProcessEnvironment.current, readFile: TextFile.readIfPresent, logger: logger
            )
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
        try signals.afterwards { signal in
            if signal == .stop { gate.hurry() }
        }
        server.drain(hurry: gate)
    }
}

/// How much is logged, as the command line says it.
enum LogLevel: String, ExpressibleByArgument, CaseIterable {
    case trace, debug, info, notice, warning, error, critical

    /// The library's own.
    var level: Logger.Level { Logger.Level(rawValue: self.rawValue) ?? .info }
}
