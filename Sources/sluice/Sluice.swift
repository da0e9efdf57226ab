internal import ArgumentParser
internal import Gateway
private import Glibc
internal import Processes

/// The command: arguments and exit codes. What they do is in `Gateway` and `Configuration`.
@main
struct Sluice: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sluice",
        abstract: "A gateway in front of AWS Lambda functions that streams their answers as they come.",
        discussion: """
            Sluice takes HTTP requests, finds a function by host and path, calls it with InvokeWithResponseStream and
            relays each piece of the answer in the moment in which it arrives.

            Shell completions: sluice --generate-completion-script bash|zsh|fish
            """,
        version: Release.version,
        subcommands: [Run.self, Check.self, Explain.self, Invoke.self, Schema.self, Status.self, ShowVersion.self],
        defaultSubcommand: nil)

    static func main() {
        // Before any descriptor is opened.
        guard StandardStreams.occupy() else { Glibc.exit(1) }
        self.main(nil)
    }
}

/// `sluice version`
struct ShowVersion: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

    func run() {
        print("sluice \(Release.version)")
    }
}
