internal import ArgumentParser
internal import Gateway

/// `sluice explain`
struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say which route takes a request, and why.",
        discussion: "Exit status 0 where a route takes it, 2 where none does.")

    @OptionGroup var file: ConfigurationFile

    @Argument(help: "The request method.")
    var method: String

    @Argument(help: "The URL, such as https://chat.example.com/v1/messages, or only its path.")
    var url: String

    @Option(name: [.customShort("H"), .customLong("header")], help: "A field as 'name: value'. May be repeated.")
    var headers: [String] = []

    func run() throws {
        let configuration = try self.file.load()
        let explanation: RoutingExplanation
        do {
            explanation = try RoutingExplanation(
                of: configuration, method: self.method, url: self.url, fields: try HeaderOption.fields(self.headers))
        } catch let error as RoutingExplanation.InputError {
            throw ValidationError("\(error)")
        }
        for line in explanation.lines { print(line) }
        if !explanation.isRouted { throw ExitCode(2) }
    }
}

/// Fields given on the command line.
enum HeaderOption {
    /// `name: value` in two.
    static func fields(_ lines: [String]) throws -> [(name: String, value: String)] {
        try lines.map { line in
            guard let colon = line.firstIndex(of: ":"), colon != line.startIndex else {
                throw ValidationError("'\(line)' is no field: write 'name: value'")
            }
            return (String(line[..<colon]), String(line[line.index(after: colon)...].drop { $0 == " " }))
        }
    }
}
