internal import ArgumentParser
internal import Configuration

/// `sluice schema`
struct Schema: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print a JSON Schema of the configuration file, for editors.",
        discussion: """
            Save it beside the configuration, and name it in the first line of that file:

                # yaml-language-server: $schema=sluice.schema.json
            """)

    func run() {
        print(JSONSchema.text, terminator: "")
    }
}
