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
            HUP: read the configuration again; where it is faulty the one before stays in force.
            USR2: start the program anew, hand the sockets over to it, and let running streams finish here.
            """)

    @OptionGroup var file: ConfigurationFile

    @Option(help: "How much is logged.")
    var logLevel: LogLevel = .info

    @Option(help: "What the lines of the log look like.")
    var logFormat: OperatorLog.Format = .text

    func run() throws {
        // Before any thread is there, so that all of them inherit it.
        Signals.block()
        let environment = ProcessEnvironment.current
        let configuration = try self.file.load()
        let log = OperatorLog(format: self.logFormat, isJournal: StandardError.isJournal)
        defer { log.close() }
        let logger = log.logger(level: self.logLevel.level)
        let queue = ControlQueue()
        let server: Server
        do {
            try Signals.deliver(to: queue)
            server = try Server(
                configuration, environment: environment, readFile: TextFile.readIfPresent, log: log, logger: logger)
            try server.start()
            try log.leaveToThread()
        } catch let faults as AssemblyFaults {
            for line in faults.lines { StandardError.print("sluice: \(line)") }
            throw ExitCode(1)
        } catch {
            StandardError.print("sluice: \(error)")
            throw ExitCode(1)
        }
        let command = OwnCommand(words: CommandLine.arguments, searchPath: environment["PATH"])
        Supervisor(
            server, hearing: queue, command: command, environment: environment, load: { self.file.read() },
            logger: logger
        ).run()
    }
}

/// How much is logged, as the command line says it.
enum LogLevel: String, ExpressibleByArgument, CaseIterable {
    case trace, debug, info, notice, warning, error, critical

    /// The library's own.
    var level: Logger.Level { Logger.Level(rawValue: self.rawValue) ?? .info }
}
