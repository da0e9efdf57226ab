internal import ArgumentParser
internal import Configuration
internal import Gateway
private import Glibc

/// `sluice status`
struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what a running gateway does, from its admin listener.",
        discussion: "On a terminal it is drawn anew each second until it is interrupted.")

    @OptionGroup var file: ConfigurationFile

    @Flag(help: "Show it once and end.")
    var once = false

    func run() throws {
        guard let admin = try self.file.load().admin else {
            StandardError.print(
                "\(self.file.config): there is no admin listener; admin: { address: \"127.0.0.1:9900\" } makes one")
            throw ExitCode(1)
        }
        do {
            let client = try AdminClient(admin)
            let repeats = !self.once && isatty(STDOUT_FILENO) == 1
            repeat {
                let view = StatusView(metrics: try client.get("/metrics"), streams: try client.get("/streams"))
                // Home, and clear what was there.
                if repeats { print("\u{1b}[H\u{1b}[2J", terminator: "") }
                for line in view.lines() { print(line) }
                if repeats {
                    fflush(nil)
                    sleep(1)
                }
            } while repeats
        } catch let error as AdminClientError {
            StandardError.print("sluice: \(error)")
            throw ExitCode(1)
        }
    }
}
