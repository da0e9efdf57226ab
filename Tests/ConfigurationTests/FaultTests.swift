import Configuration
import Testing

@Suite struct FaultTests {
    @Test func `all faults come at once, in the order of the file`() {
        let text = """
            listners:
              - address: "0.0.0.0:443"
            aws: { region: eu, endpoint: ftp://x, sts_endpoint: y }
            functions:
              chat:
                function: arn:aws:lambda:eu-west-1:123456789012:function:chat
                first_byte: 60s
                timeouts: { first_byte: 1000s, idle: 5, totl: 1h }
                max_request_body: 7MiB
                event: v3
              none: {}
              both: { function: x, local: { command: "a b" } }
              both: 1
              a b: { function: x }
            routes:
              - path: /v1*
                function: caht
              - host: x.com:80
                redirect: { to: "//x" }
              - path: /a
                function: chat
              - path: [/a]
              - paths: [/b, /a]
                function: chat
                strip_prefix: /b
            x: ${FOO}
            drain_timeout: ${FOO}
            """
        #expect(
            faults(text).joined(separator: "\n") == """
                1:1: unknown key "listners"; did you mean "listeners"?
                3:16: "eu" is no region, such as eu-west-1
                3:30: 'ftp://x' is no endpoint: it must begin with http:// or https://, as \
                https://lambda.eu-west-1.amazonaws.com
                3:53: 'y' is no endpoint: it must begin with http:// or https://, as https://lambda.eu-west-1.amazonaws.com
                7:5: unknown key "first_byte"; it belongs into "timeouts"
                8:29: first_byte (1000s) is longer than total (900s) (the default)
                8:42: "5" needs a unit: 5ms, 5s, 5m or 5h
                8:45: unknown key "totl"; did you mean "total"?
                9:23: 7MiB is too large; the most is 6MiB
                10:12: "v3" is not known here; did you mean "v2"?
                11:3: "none" says nowhere what it calls: it needs "function", "url" or "local"
                12:24: "both" has "function" already; a function has one of "function", "url" and "local"
                12:42: a command with arguments is a list: [a, b]
                13:3: "both" stands in this mapping twice; it is on line 12 too
                14:3: "a b" is no name of a function: 1 to 64 letters, digits, "-", "_" and "."
                16:11: "v1*": "*" may only be the last segment, as in "/v1/*"; one segment in between is "{name}"
                17:15: there is no function "caht"; did you mean "chat"?
                18:11: a host has no port here; routes apply to every listener
                19:21: a redirect goes to "https://host/path", "http://host/path" or "/path"
                22:5: the route does nothing: it needs "function", "functions", "redirect" or "respond"
                22:11: a single value is expected here; several of them go into "paths"
                23:17: "/a" matches the same requests as the route on line 20, and neither is more specific
                25:19: the path "/a" does not begin with "/b"
                26:1: unknown key "x"; there is "aws", "workers", "listeners", "functions", "routes", \
                "token_issuers", "drain_timeout", "drain_delay", "limits", "local_lambda", "access_log", "admin"
                27:16: the environment variable FOO is not set; "${FOO:-default}" would do without it
                """)
    }

    private func effects(_ functions: String, _ route: String) -> [String] {
        faults(
            """
            listeners: [{ address: "127.0.0.1:8080" }]
            functions:
            \(functions)
            routes:
              - { path: /*, function: f, \(route) }
            """
        ).filter { !$0.contains("warning: ") }
    }

    @Test func `keys that would have no effect are faults`() {
        let url = "  f: { url: \"https://x.example\" }"
        let lambda = "  f: { function: a }"
        let both = "  f: { url: \"https://x.example\", fallback: g }\n  g: { function: a }"
        for (name, functions, route, expected) in [
            (
                "text", "  f: { url: \"https://x.example\", text_types: a/b }", "",
                "3:34: \"text_types\" is about calls of"
            ),
            ("binary", "  f: { url: \"https://x.example\", binary_types: a/b }", "", "\"binary_types\" is about calls"),
            ("host", lambda, "request_headers: { set: { host: a } }", "5:56: \"host\" can be set for a \"url\" alone"),
            ("host of both", both, "request_headers: { set: { host: a } }", "can be set for a \"url\" alone"),
            ("host removed", url, "request_headers: { remove: host }", "neither added nor removed"),
            ("host added", url, "request_headers: { add: { host: a } }", "neither added nor removed"),
            ("for", lambda, "request_headers: { set: { x-forwarded-for: a } }", "is for Sluice itself to write, from"),
            (
                "proto", url, "request_headers: { remove: [a, x-forwarded-proto] }",
                "is for Sluice itself to write, from"
            ),
            ("port", url, "request_headers: { add: { x-forwarded-port: 1 } }", "is for Sluice itself to write, from"),
            ("trace", url, "request_headers: { set: { x-amzn-trace-id: 1 } }", "is for Sluice itself to write, from"),
            ("real", url, "request_headers: { set: { x-real-ip: 1 } }", "is for Sluice itself to write, from"),
        ] {
            let found = self.effects(functions, route)
            #expect(found.count == 1 && found[0].contains(expected), "\(name): \(found)")
        }
        for (functions, route) in [
            (url, "request_headers: { set: { host: a } }"), (lambda, "request_headers: { remove: x-real-ip }"),
            (lambda, "request_headers: { set: { x-forwarded-host: a } }"),
            (lambda, "response_headers: { set: { x-forwarded-for: a } }"),
        ] {
            #expect(self.effects(functions, route) == [], "\(route)")
        }
    }

    @Test(
        arguments: [
            ("url: \"https://x.example\", max_request_body: 100MiB", "function: a", nil),
            (
                "url: \"https://x.example\", max_request_body: 100MiB, fallback: g", "function: a",
                "the fallback \"g\" takes no"
            ),
            ("url: \"https://x.example\", max_request_body: 100MiB, fallback: g", "url: \"https://y.example\"", nil),
            (
                "url: \"https://x.example\", max_request_body: 100MiB, fallback: g",
                "url: \"https://y.example\", sign: true", "the fallback \"g\" takes no body above 6MiB"
            ),
            (
                "url: \"https://x.example\", max_request_body: 100GiB, fallback: g", "url: \"https://y.example\"",
                "is larger than limits.request_bodies"
            ),
            ("url: \"https://x.example\", sign: true, max_request_body: 7MiB", "function: a", "the most is 6MiB"),
        ] as [(String, String, String?)])
    func `a body is no larger than those take it that stand in`(first: String, second: String, expected: String?) {
        let found = self.effects("  f: { \(first) }\n  g: { \(second) }", "methods: [POST]")
        if let expected {
            #expect(found.count == 1 && found[0].contains(expected), "\(found)")
        } else {
            #expect(found == [])
        }
    }

    @Test(
        arguments: [
            ("event: v2, stage: live", "6:28: events of the kind v2 have no stage; http_api and v1 do"),
            ("event: alb, stage_variables: { a: b }", "6:29: events of the kind alb have no stage; http_api and v1 do"),
            ("event: v1, stage: $default", "6:35: a REST API has no stage $default"),
            ("event: raw, text_types: a/b", "6:29: an event of the kind raw is the body itself, which is JSON"),
            ("event: http_api, stage: $default", nil), ("event: v1, stage: live, stage_variables: { a_1: b }", nil),
        ] as [(String, String?)])
    func `what an event's kind does not know is a fault`(keys: String, fault: String?) {
        let text = """
            listeners: [{ address: "127.0.0.1:8080" }]
            routes:
              - path: /*
                function: f
            functions:
              f: { function: f, \(keys) }
            """
        let found = faults(text)
        if let fault {
            #expect(found.contains { $0.contains(fault.split(separator: ": ", maxSplits: 1)[1]) }, "\(found)")
        }
        #expect(found.isEmpty == (fault == nil), "\(found)")
    }

    /// A file with one function of these keys.
    private static func oneFunction(_ keys: String) -> String {
        """
        listeners: [{ address: "127.0.0.1:8080" }]
        routes:
          - path: /*
            function: f
        functions:
          f: { \(keys) }
        """
    }

    /// Whether the text has a fault that holds these words; or none at all.
    private func expectFault(_ fault: String?, in text: String, sourceLocation: SourceLocation = #_sourceLocation) {
        let found = faults(text)
        #expect(found.isEmpty == (fault == nil), "\(found)", sourceLocation: sourceLocation)
        if let fault {
            #expect(found.contains { $0.contains(fault) }, "\(found)", sourceLocation: sourceLocation)
        }
    }

    @Test(
        arguments: [
            ("sign: true, function: f", "\"sign\" is about a \"url\"; calls of the Lambda API are always signed"),
            (
                "url: \"http://a\", event: v2",
                "\"event\" is about calls of the Lambda API; a \"url\" is sent the request as it is"
            ),
            ("url: \"http://a\", tenant_id: x", "\"tenant_id\" is about calls of the Lambda API"),
            ("url: \"http://a\", sign: true, max_request_body: 7MiB", "7MiB is too large; the most is 6MiB"),
            ("url: \"http://a\", function: f", "a function has one of"),
            ("url: \"http://a\", max_request_body: 7GiB", nil),
            ("url: \"http://a/b\", sign: true", nil),
        ] as [(String, String?)])
    func `a url is no function of the Lambda API`(keys: String, fault: String?) {
        self.expectFault(fault, in: Self.oneFunction(keys))
    }

    @Test(
        arguments: [
            ("local: { command: [x] }, upstream: http2", "local functions are called over HTTP/1.1"),
            ("function: f, upstream: http2, warm_connections: 3", nil),
            ("function: f, queue: { size: 1 }", "a \"queue\" needs \"max_concurrency\" beside it"),
            ("function: f, fallback: g", "there is no function \"g\""),
            ("function: f, fallback: f", "fallbacks go round in a circle, back to \"f\""),
            ("function: f, tenant_id: 'a!'", "a tenant has 1 to 256"),
            ("function: f, tenant_id: { }", "a tenant is a text"),
            ("function: f, tenant_id: { from: host, path_parameter: id }", "from one of them"),
            (
                "function: f, tenant_id: { client_certificate: uri, path_parameter: id }", "from one of them"
            ),
            (
                "function: f, tenant_id: { path_parameter: id }",
                "has no parameter {id}, from which \"f\" takes its tenant"
            ),
            ("function: f, max_concurrency: 1, queue: { }, circuit_breaker: { }, tenant_id: acme", nil),
        ] as [(String, String?)])
    func `what a function can not do is a fault`(keys: String, fault: String?) {
        self.expectFault(fault, in: Self.oneFunction(keys))
    }

    @Test(
        arguments: [
            ("functions: [{ name: f }, { name: f }]", "\"f\" stands in this list twice"),
            ("functions: [{ name: h }]", "there is no function \"h\""),
            ("functions: [{ weight: 1 }]", "a \"name\" is missing here"),
            ("functions: [{ name: f, weight: 0 }]", "all weights are 0"), ("functions: []", "the list is empty"),
            ("functions: [{ name: f }], function: f", "a route does one thing"),
            ("function: f, sticky: { cookie: a }", "chooses among several"),
            ("functions: [{ name: f }], sticky: { }", "needs a \"cookie\" or a \"header\""),
            ("functions: [{ name: f }], sticky: { cookie: a, header: b }", "not both"),
            ("functions: [{ name: f }, { name: g, weight: 3 }], sticky: { header: X-User }", nil),
        ] as [(String, String?)])
    func `what weights can not be is a fault`(keys: String, fault: String?) {
        let text = """
            listeners: [{ address: "127.0.0.1:8080" }]
            functions:
              f: { function: f, fallback: g }
              g: { function: g }
            routes:
              - { path: /*, \(keys) }
              - { path: /f, function: f }
            """
        self.expectFault(fault, in: text)
    }

    @Test func `a fault reads as compilers write it`() {
        let result = load("listeners: 1\n", file: "/etc/sluice/sluice.yaml")
        guard case .failure(let failure) = result else {
            Issue.record("no fault")
            return
        }
        #expect(
            "\(failure)" == "/etc/sluice/sluice.yaml:1:12: error: a list is expected here, not a single value")
    }

    @Test(arguments: ["", "# nothing\n", "---\n", "{}", "aws: {}\n"])
    func `a file without listeners is a fault`(text: String) {
        #expect(faults(text).count == 1)
        #expect(faults(text).first?.contains("no \"listeners\"") == true)
    }

    @Test(arguments: [
        ("listeners: []", ["1:12: the list is empty"]),
        ("listeners:", ["1:11: a list is expected here, not nothing"]),
        ("listeners: [{}]", ["1:13: a listener needs an \"address\", such as \"127.0.0.1:8080\""]),
        ("listeners: [{ adress: 'a:1' }]", ["1:15: unknown key \"adress\"; did you mean \"address\"?"]),
        (
            "listeners: [{ address: 'a:1' }, { address: 'A:01' }]",
            ["1:44: \"a:1\" is listened on already, on line 1"]
        ),
        ("routes: [{ respond: {} }]\nlisteners: [{ address: 'a:0' }, { address: 'a:0' }]", []),
        (
            "listeners: [{ address: 'a:1' }]\nlocal_lambda: { address: 'a:1' }",
            ["2:26: \"a:1\" is listened on already, on line 1"]
        ),
    ])
    func `listeners are held against one another`(text: String, expected: [String]) {
        #expect(faults(text) == expected)
    }

    @Test(arguments: [
        ("qualifier: prod", []),
        ("qualifier: 'a b'", ["5:16: 'a b' is no version, alias or $LATEST"]),
        (
            "local: { command: x }",
            ["5:5: \"f\" has \"function\" already; a function has one of \"function\", \"url\" and \"local\""]
        ),
        ("timeouts: { first_byte: 2s, total: 1s }", ["5:29: first_byte (2s) is longer than total (1s)"]),
        ("timeouts: { idle: 20m }", ["5:23: idle (1200s) is longer than total (900s) (the default)"]),
        ("timeouts: { connect: 2s, total: 1s, idle: 500ms }", ["5:26: connect (2s) is longer than total (1s)"]),
        ("timeouts: { total: 20s }", []),
        ("environment: { A: b }", ["5:5: unknown key \"environment\"; it belongs into \"local\""]),
        ("timeout: { total: 1s }", ["5:5: unknown key \"timeout\"; did you mean \"timeouts\"?"]),
    ])
    func `the keys of a function are held against one another`(lines: String, expected: [String]) {
        #expect(faults(file(function: lines)) == expected)
    }

    @Test(arguments: [
        ("{}", ["a local function needs a \"command\" or a \"handler\""]),
        ("{ command: a, handler: b.c }", ["a local function has a \"command\" or a \"handler\", not both"]),
        ("{ command: a, runtime: node }", ["a \"runtime\" needs a \"handler\" beside it"]),
        ("{ command: [] }", ["the list is empty"]), ("{ command: '' }", ["the command is empty"]),
        ("{ handler: ../x.y }", ["\"../x.y\" is no handler, such as index.handler or src/chat.handler"]),
        ("{ command: a }, qualifier: x", ["a \"qualifier\" needs \"function\" beside it"]),
    ])
    func `the keys of a local function are held against one another`(local: String, expected: [String]) {
        let text = """
            listeners: [{ address: 'a:1' }]
            functions: { l: { local: \(local) } }
            routes: [{ function: l }]
            """
        let found = faults(text).map { String($0.drop { $0 != " " }.dropFirst()) }
        #expect(found == expected)
    }

    @Test func `the region of an ARN wins, with a warning`() {
        let text = """
            aws: { region: us-east-1 }
            listeners: [{ address: "127.0.0.1:8080" }]
            functions:
              f: { function: "arn:aws:lambda:eu-west-1:123456789012:function:f" }
            routes: [{ function: f }]
            """
        #expect(
            faults(text) == [
                "4:18: warning: the function is in eu-west-1, not in aws.region (us-east-1); it is called there"
            ])
    }

    @Test(arguments: [
        ("host: a.example\nhosts: [b.example]", ["10:5: a route has \"host\" or \"hosts\", not both"]),
        ("paths: [/g]", ["9:5: a route has \"path\" or \"paths\", not both"]),
        ("methods: [GET, POST, GET]", ["9:26: \"GET\" stands in this list twice"]),
        ("methods: [GTE]", ["9:15: warning: \"GTE\" is an unusual method; did you mean \"GET\"?"]),
        ("methods: [PURGE, PROPFIND]", []),
        ("methods: [CONNECT]", ["9:15: CONNECT is refused by Sluice and never reaches a route"]),
        ("headers: { X-A: '1', x-a: '2' }", ["9:26: \"x-a\" stands in this list twice"]),
        ("redirect: { to: / }", ["9:5: the route has \"function\" already; a route does one thing"]),
        (
            "functions: [{ name: f, weight: 1 }]",
            [
                "9:5: the route has \"function\" already; a route does one thing"
            ]
        ),
        ("strip_prefix: /g", ["9:19: the path \"/f\" does not begin with \"/g\""]),
        ("request_headers: { set: { a: b, A: c } }", ["9:37: \"a\" stands in this list twice"]),
        (
            "request_headers: { set: { a: b }, remove: A }",
            [
                "9:31: \"a\" is both set and removed; \"set\" alone replaces it"
            ]
        ),
        ("request_headers: { remove: [a, A] }", ["9:36: \"a\" stands in this list twice"]),
    ])
    func `the keys of a route are held against one another`(lines: String, expected: [String]) {
        #expect(faults(file(route: lines)) == expected)
    }

    @Test(arguments: [
        (
            "{ path: /x, redirect: { to: /y/* } }",
            "\"*\" has nothing to stand for: the path \"/x\" does not end in \"/*\""
        ),
        ("{ path: '/x/{id}', redirect: { to: '/y/{di}' } }", "has no parameter {di}; did you mean \"id\"?"),
        ("{ path: /x, redirect: { status: 301 } }", "a redirect needs \"to\""),
        ("{ path: /x, respond: { status: 204, body: x } }", "an answer with status 204 has no body"),
        ("{ path: /x, respond: {}, strip_prefix: /x }", "changes what a function sees, and the route calls none"),
        ("{ path: /x, respond: {}, request_headers: {} }", "changes what a function sees, and the route calls none"),
        ("{ path: /f, respond: {} }", "\"/f\" matches the same requests as the route on line 7, and neither"),
        ("{ paths: [/x, /y, /x], respond: {} }", "the route names \"/x\" twice"),
        ("{ hosts: [a.b, A.b], path: /x, respond: {} }", "the route names \"a.b/x\" twice"),
        ("{ path: /f, methods: GET, headers: { a: b }, respond: {} }", ""),
        ("7", "a mapping is expected here, not a single value; its keys are \"host\""),
    ])
    func `a second route is held against the first and itself`(route: String, message: String) {
        let found = faults(file("  - \(route)"))
        if message.isEmpty {
            #expect(found == [])
        } else {
            #expect(found.count == 1 && found[0].hasPrefix("10:") && found[0].contains(message), "\(found)")
        }
    }

    @Test func `limits are held against one another`() {
        #expect(
            faults(file("limits: { memory_full: 90 }")) == [
                "10:11: memory_tight (95) is larger than memory_full (90), from which on nothing is taken"
            ])
        #expect(faults(file("limits: { memory_full: 90, memory_tight: 80 }")) == [])
    }

    @Test func `limits are held against functions`() {
        #expect(
            faults(file("limits: { request_bodies: 1MiB }", function: "max_request_body: 2MiB")).map {
                $0.drop { $0 != " " }
            } == [" max_request_body (2MiB) is larger than limits.request_bodies (1MiB), which holds all bodies"])
        #expect(faults(file("limits: { request_bodies: 1MiB }", function: "max_request_body: 1MiB")) == [])
    }

    @Test func `the largest body gives way to what holds all bodies, unless it was written`() throws {
        let gathered = try load(file("limits: { request_bodies: 1MiB }")).get()
        #expect(gathered.functions[0].maxRequestBody == .mebibytes(1))
    }

    @Test func `a tenant from whatever host is a warning`() {
        let function = "tenant_id: { from: host }"
        let warning = "warning: the route takes requests for any host, from which \"f\" takes its tenant"
        #expect(faults(file(function: function)).count { $0.contains(warning) } == 1)
        #expect(faults(file(function: function, route: "host: a.example")) == [])
        #expect(faults(file(function: function, route: "hosts: [a.example, \"*.b.example\"]")) == [])
    }

    @Test func `a function that no route calls is a warning`() {
        let unused = "  g: { function: g }\n  h: { local: { command: h } }\nroutes:"
        let text = file().replacing("routes:", with: unused)
        #expect(
            faults(text) == [
                "6:3: warning: no route calls the function \"g\"", "7:3: warning: no route calls the function \"h\"",
            ])
        let reachable = faults(text + "\nlocal_lambda: { address: '127.0.0.1:9001' }")
        #expect(reachable == ["6:3: warning: no route calls the function \"g\""], "the local Lambda API reaches h")
    }

    @Test func `routes that are wrong bring no warnings of functions that none calls`() {
        let unused = file().replacing("routes:", with: "  gg: { function: g }\nroutes:")
        #expect(faults(unused).count == 1)
        for wrong in ["{ path: /a, function: g }", "{ path: /a }"] {
            let found = faults(unused + "\n  - \(wrong)\n")
            #expect(found.count == 1)
            #expect(found.allSatisfy { !$0.contains("warning") }, "\(found)")
        }
    }

    @Test func `a file without routes is a warning`() {
        let text = "listeners:\n  - address: \"127.0.0.1:0\"\nfunctions:\n  f: { function: f }\n"
        let message = "there are no routes, so that every request is answered with 404"
        #expect(faults(text + "routes: []\n") == ["5:1: warning: \(message)"])
    }
}
