internal import ArgumentParser
internal import Gateway
internal import Logging
internal import Processes

/// `sluice invoke`
struct Invoke: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Call a function of the configuration and show each piece of its answer with its time.",
        discussion: "Exit status 0 where the answer came whole, 2 where it failed or broke off.")

    @Argument(help: "The function's name in the configuration.")
    var function: String

    @Argument(help: "The path, with a query where one is wanted.")
    var path = "/"

    @OptionGroup var file: ConfigurationFile

    @Option(name: [.customShort("X"), .long], help: "The request method.")
    var method = "GET"

    @Option(name: [.customShort("H"), .customLong("header")], help: "A field as 'name: value'. May be repeated.")
    var headers: [String] = []

    @Option(name: [.customShort("d"), .long], help: "The request body.")
    var data = ""

    @Option(help: "The tenant, for functions that take theirs from the host, the path, a certificate or a token.")
    var tenant: String?

    func run() throws {
        let configuration = try self.file.load()
        do {
            let invoker = try Invoker(
                configuration, environment: ProcessEnvironment.current, readFile: TextFile.readIfPresent,
                logger: Log.logger(level: .warning))
            defer { invoker.stop() }
            let isWell = try invoker.invoke(
                self.function, method: self.method, path: self.path, fields: try HeaderOption.fields(self.headers),
                body: Array(self.data.utf8), tenant: self.tenant, told: Self.show)
            if !isWell { throw ExitCode(2) }
        } catch let error as ExitCode {
            throw error
        } catch {
            StandardError.print("sluice: \(error)")
            throw ExitCode(1)
        }
    }

    private static func show(at time: Duration, _ event: Invoker.Event) {
        let stamp = self.stamp(time)
        switch event {
        case .head(let status, let fields):
            print("\(stamp)  status \(status)")
            for (name, value) in fields { print("\(String(repeating: " ", count: stamp.count))  \(name): \(value)") }
        case .chunk(let bytes):
            let text = String(decoding: bytes.prefix(4096), as: UTF8.self)
            let rest = bytes.count > 4096 ? " … (\(bytes.count) bytes in all)" : ""
            print("\(stamp)  chunk of \(bytes.count) bytes: \(text.debugDescription)\(rest)")
        case .end:
            print("\(stamp)  end")
        case .refused(let status, let body):
            print("\(stamp)  the gateway answers \(status): \(String(decoding: body, as: UTF8.self))")
        case .truncated:
            print("\(stamp)  the answer broke off")
        }
    }

    /// `   1.042 s`
    private static func stamp(_ time: Duration) -> String {
        let milliseconds = time.components.seconds * 1000 + time.components.attoseconds / 1_000_000_000_000_000
        let fraction = String(milliseconds % 1000)
        let text = "\(milliseconds / 1000).\(String(repeating: "0", count: 3 - fraction.count))\(fraction) s"
        return String(repeating: " ", count: max(0, 10 - text.count)) + text
    }
}
