internal import ArgumentParser
internal import Configuration
internal import Gateway
internal import Logging
internal import Processes
internal import Routing

/// `sluice check`
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check a configuration and list every fault with its place.",
        discussion: """
            Exit status 1 where the gateway would not start with it, 0 where nothing of that kind was found. Every fault of
            the file is told at once; where it has none, the files and folders that it names are looked at as well. What
            stays open is what only a start tells: whether a port is free, a host name known, a socket handed over.

            With --online the exit status is 1 as well where a function may not be called. No function runs: Lambda is asked
            with DryRun. Of a url only the way there is tried (its name, a connection, TLS), and the keys that requests are
            signed with: any request would run what is there.
            """)

    @OptionGroup var file: ConfigurationFile

    @Flag(
        help:
            "Also ask AWS which identity and region each function uses and whether it may be called, and fetch token keys."
    )
    var online = false

    func run() throws {
        let configuration = try self.file.load()
        let faults =
            CertificateFile.faults(of: configuration.listeners, in: configuration.file)
            + TokenIssuers.faults(of: configuration)
        let place = PlaceCheck(
            configuration, environment: ProcessEnvironment.current, readFile: TextFile.readIfPresent)
        for fault in faults { StandardError.print("\(fault)", level: fault.severity == .error ? .error : .warning) }
        for line in place.warnings { StandardError.print(line, level: .warning) }
        for line in place.errors { StandardError.print(line) }
        if faults.contains(where: { $0.severity == .error }) || !place.errors.isEmpty { throw ExitCode(1) }
        print(
            "\(self.file.config): ok: \(configuration.listeners.count) listeners, \(configuration.functions.count) functions, "
                + "\(configuration.routes.routes.count) routes")
        if self.online {
            do {
                let check = try OnlineCheck(
                    configuration, environment: ProcessEnvironment.current, readFile: TextFile.readIfPresent,
                    logger: Log.logger(level: .warning)
                ) { print($0) }
                if !check.run() { throw ExitCode(1) }
            } catch let error as ExitCode {
                throw error
            } catch {
                StandardError.print("sluice: \(error)")
                throw ExitCode(1)
            }
        }
    }
}
