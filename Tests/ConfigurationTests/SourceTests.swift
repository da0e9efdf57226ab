import Configuration
import Routing
import Testing

@Suite struct SourceTests {
    /// The body of an answer with this value, or the faults.
    private func body(_ value: String, environment: [String: String] = [:], files: [String: String] = [:]) -> String {
        let text = file("  - path: /x\n    respond:\n      body: \(value)\n")
        switch load(text, file: "etc/sluice.yaml", environment: environment, files: files) {
        case .success(let configuration):
            guard case .respond(let response) = configuration.routes.routes[1].action else {
                return "no answer"
            }
            return String(decoding: response.body, as: UTF8.self)
        case .failure(let failure):
            return failure.faults.map { "\($0.position.column): \($0.message)" }.joined(separator: "\n")
        }
    }

    @Test(arguments: [
        ("${A}", "alpha"), ("x${A}y${B}z", "xalphaybetaz"), ("${NONE:-other}", "other"), ("${EMPTY:-other}", "other"),
        ("${EMPTY}", ""), ("${NONE:-}", ""), ("${A:-other}", "alpha"), ("'${A}'", "alpha"), ("\"${A}\"", "alpha"),
        ("$A", "$A"), ("$$A", "$$A"), ("$${A}", "${A}"), ("a$", "a$"), ("${D}${A}", "$alpha"), ("${N}", "${A}"),
        ("'${NONE:-a:-b}'", "a:-b"), ("'${NONE:-{x}'", "{x"), ("${T}", "null"),
        ("'${A'", "13: \"${\" has no \"}\"; a plain \"${\" is written \"$${\""),
        ("${NONE}", "13: the environment variable NONE is not set; \"${NONE:-default}\" would do without it"),
        ("'${A-x}'", "13: \"A-x\" is no name of an environment variable"),
        ("'${A:x}'", "13: \"${A:x}\" is neither \"${NAME}\" nor \"${NAME:-default}\""),
        ("'${}'", "13: \"\" is no name of an environment variable"),
        ("'${1A}'", "13: \"1A\" is no name of an environment variable"),
    ])
    func `variables are put in`(value: String, expected: String) {
        let environment = ["A": "alpha", "B": "beta", "EMPTY": "", "D": "$", "N": "${A}", "T": "null"]
        #expect(self.body(value, environment: environment) == expected)
    }

    @Test(arguments: [
        ("file:key", "secret"), ("file:/run/key", "absolute"), ("'file:${DIR}/key'", "absolute"),
        ("'file: not one'", "file: not one"), ("'file:crlf'", "a"), ("'file:two'", "a\n"), ("'file:plain'", "${A}"),
        ("file:none", "13: the file etc/none cannot be read: no such file"), ("'file:'", "13: \"file:\" names no file"),
        ("file:large", "13: the file etc/large has more than 65536 bytes"),
    ])
    func `secrets are read from files`(value: String, expected: String) {
        let files = [
            "etc/key": "secret\n", "/run/key": "absolute", "etc/crlf": "a\r\n", "etc/two": "a\n\n", "etc/plain": "${A}",
            "etc/large": String(repeating: "x", count: 65_537),
        ]
        #expect(self.body(value, environment: ["DIR": "/run"], files: files) == expected)
    }

    @Test func `what variables bring in is bounded`() {
        let large = String(repeating: "x", count: 1 << 20)
        let routes = (0..<5).map { "  - { path: /\($0), respond: { body: '${A}' } }" }.joined(separator: "\n")
        #expect(
            faults(file(routes), environment: ["A": large]) == [
                "14:34: variables and secrets bring in more than 4194304 bytes"
            ])
    }

    @Test func `arguments of commands and redirects are never secrets`() throws {
        let text = """
            listeners: [{ address: 'a:1' }]
            functions: { l: { local: { command: [a, 'file:x'] } } }
            routes: [{ function: l }]
            """
        let configuration = try load(text).get()
        guard case .local(let local) = configuration.functions[0].target else {
            Issue.record("not local")
            return
        }
        #expect(local.program == .command(["a", "file:x"]))
    }

    // YAML 1.2: `off`, `no` and `yes` are words; a plain `null` is nothing.
    @Test(arguments: [
        ("off", "off"), ("no", "no"), ("yes", "yes"), ("1.0", "1.0"), ("0x10", "0x10"), ("'~'", "~"), ("true", "true"),
        ("2026-01-01", "2026-01-01"), ("1:30", "1:30"), ("~", "13: a value is missing here"),
        ("null", "13: a value is missing here"), ("!!str 5", "5"), ("! 5", "5"),
        ("!!int 5", "13: YAML tags such as \"tag:yaml.org,2002:int\" are not used here"),
        ("!x {}", "13: YAML tags such as \"!x\" are not used here"),
    ])
    func `scalars are text`(value: String, expected: String) {
        #expect(self.body(value) == expected)
    }

    @Test(arguments: [
        ("a: [", "2:1: this is no YAML"), ("a: 'b", "this is no YAML"), ("a: b: c", "1:5: this is no YAML"),
        ("\ta: b", "1:1: this is no YAML"), ("a: \u{1}b", "1:4: this is no YAML: control characters are not allowed"),
        ("a: *x", "1:4: this is no YAML: found undefined alias"), ("a: \"\\ud800\"", "this is no YAML"),
        ("%YAML 9.9\n---\na: b", "this is no YAML"), ("a: b\n---\nc: d", "2:1: this is no YAML"),
        ("a: { b: ${C} }", "; inside { } and [ ] a value with \"${NAME}\" stands in quotes"),
        ("- a", "1:1: a mapping is expected here, not a list"), ("x", "1:1: a mapping is expected here"),
        ("? [a]\n: b", "1:3: a key must be plain text"), ("{ { a: b }: c }", "1:3: a key must be plain text"),
    ])
    func `what is no YAML is said so`(text: String, expected: String) {
        #expect(faults(text).contains { $0.contains(expected) }, "\(faults(text))")
    }

    @Test func `line ends and byte order marks of other systems are taken`() {
        #expect(faults("\u{feff}" + file()) == [])
        #expect(faults(file().replacing("\n", with: "\r\n")) == [])
        #expect(faults("listeners: [{ address: 'a:1' }]\r\nx: 1\r\n").map { $0.prefix(4) } == ["2:1:"])
    }

    @Test func `every repeated key is found, and what else is wrong too`() {
        let text = """
            workers: 1
            listeners: [{ address: 'a:1', "address": 'b:2' }]
            workers: 2
            functions:
              f: { function: f, function: g }
              'f': { function: f }
            routes:
              - path: /é
                function: f
                path: /b
            workers: 0
            x: 1
            """
        let found = faults(text).map { String($0.split(separator: ";")[0]) }
        #expect(
            found == [
                "2:31: \"address\" stands in this mapping twice", "3:1: \"workers\" stands in this mapping twice",
                "5:21: \"function\" stands in this mapping twice", "6:3: \"f\" stands in this mapping twice",
                "10:5: \"path\" stands in this mapping twice", "11:1: \"workers\" stands in this mapping twice",
                "12:1: unknown key \"x\"",
            ])
    }

    @Test func `more repeated keys than anyone writes end the search`() {
        let text = (0..<200).map { "k\($0): 1\nk\($0): 1\n" }.joined()
        #expect(faults(text) == ["1:1: more than 64 keys stand in their mappings twice"])
        #expect(faults("\"\\x61\": 1\na: 2") == ["1:1: \"a\" stands in this mapping more than once"])
    }

    @Test func `anchors, aliases and merge keys are resolved`() throws {
        let text = """
            listeners: [{ address: 'a:1' }]
            functions:
              a: &a { function: a, timeouts: &slow { idle: 10m, total: 12m }, retries: 0 }
              b: { <<: *a, function: b }
              c: { function: c, timeouts: { <<: [*slow, { connect: 1s, idle: 1s }] } }
            routes:
              - { path: /a, function: a }
              - { path: /b, function: b }
              - { path: /c, function: c }
            """
        let functions = try load(text).get().functions
        #expect(functions.map(\.timeouts.idle) == [.seconds(600), .seconds(600), .seconds(600)])
        #expect(functions.map(\.timeouts.connect) == [.seconds(3), .seconds(3), .seconds(1)])
        #expect(functions.map(\.retries) == [0, 0, 2])
        #expect(faults("a: &a { b: 1 }\n<<: 5\n").contains { $0.hasPrefix("2:5: \"<<\" takes a mapping") })
    }

    @Test func `a file that blows up is refused in time`() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1..<30 {
            let items = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(items)]\n"
        }
        #expect(faults(text).contains { $0.contains("with its aliases resolved the file is too large") })
        let merges = text.replacing("[x,", with: "[{ x: y },") + "<<: *a29\n"
        #expect(faults(merges).contains { $0.contains("with its aliases resolved the file is too large") })
        for key in [
            "*a29 : x", "? *a29\n: x", "? - *a29\n: x", "[*a29]: x", "{*a29: x}: y", "x: {[*a29]: y}", "{? *a29 : x}",
        ] {
            let found = faults(text + key + "\n")
            #expect(found.count == 1, "\(key)")
            #expect(found.first?.hasPrefix("31:") == true, "\(key)")
        }
        let explicit = "a: &b c\nd: *b\n? e\n: f\n"
        #expect(faults(explicit) == ["3:1: a key with \"?\" cannot stand in a file with aliases"])
        #expect(faults("a: &b c\n*b : d\n") == ["2:1: an alias cannot be part of a key"])
    }

    @Test func `stars in text are no aliases`() {
        let twins = file("  - { path: /x, respond: { body: 'R&D &note a *note: b' } }")
        #expect(
            faults(twins) == ["10:47: an alias cannot be part of a key"],
            "an anchor and an alias of one name in text are rare enough")
        #expect(faults(file("  - { path: '/x/*', respond: { body: 'R &D *note: b [*d]: x' } }")) == [])
    }

    @Test func `depth, length and number are bounded`() {
        let deep = String(repeating: "[", count: 900) + String(repeating: "]", count: 900)
        #expect(faults("a: " + deep).contains { $0.contains("nested more than 32 deep") })
        #expect(faults(String(repeating: "[", count: 100_000)).count == 1)
        #expect(faults(String(repeating: "- ", count: 100_000)).count == 1)
        #expect(faults(String(repeating: "? ", count: 5000)).count >= 1)
        #expect(
            faults("# " + String(repeating: "x", count: 1 << 20)) == [
                "1:1: the file has 1048578 bytes, and at most 1048576 are read"
            ])
        let wrong = (0..<2000).map { "k\($0): 1\n" }.joined()
        #expect(faults(wrong).count == 500)
    }
}
