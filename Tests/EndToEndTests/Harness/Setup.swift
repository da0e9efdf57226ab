/// What a gateway is started with.
struct Setup {
    let folder: TestFolder
    /// Names and keys in flow form: `("main", "{ function: f-1 }")`.
    var functions: [(name: String, keys: String)] = []
    /// Keys in flow form: `{ path: /v1/*, function: main }`.
    var routes: [String] = []
    var limits = ""
    var listeners = ["127.0.0.1:0"]
    /// Further keys of the first listener, in flow form: `tls: { … }`.
    var listenerKeys = ""
    /// Further lines of the file.
    var more = ""
    var drainTimeout = "2s"
    var workers = 1
    var aws: String
    var environment: [String: String]
    var arguments: [String] = []
    /// The whole file, in place of what the other properties say.
    var wholeText: String?
    /// A program that starts the gateway, with its arguments.
    var launcher: (String, [String])?

    /// Functions of the fake.
    init(_ lambda: FakeLambda) throws {
        self.folder = try TestFolder()
        self.aws = "{ region: eu-west-1, endpoint: \"http://127.0.0.1:\(lambda.port)\" }"
        self.environment = Support.environment
        self.environment["AWS_ACCESS_KEY_ID"] = FakeLambda.accessKey
        self.environment["AWS_SECRET_ACCESS_KEY"] = FakeLambda.secretKey
    }

    /// One function for all requests. `keys` are further keys of the function: `response: raw, retries: 0`.
    init(_ function: FakeFunction, _ keys: String = "", limits: String = "") throws {
        try self.init(function.lambda)
        self.add(function, as: "main", keys)
        self.routes = ["{ path: /*, function: main }"]
        self.limits = limits
    }

    mutating func add(_ function: FakeFunction, as name: String, _ keys: String = "") {
        self.functions.append((name, "{ function: \(function.name)\(keys.isEmpty ? "" : ", ")\(keys) }"))
    }

    /// The fake as a plain HTTP server, for all requests. `keys` are further keys of the function.
    init(url function: FakeFunction, _ keys: String = "", limits: String = "") throws {
        try self.init(function.lambda)
        let url = "http://127.0.0.1:\(function.lambda.port)/\(function.name)"
        self.functions = [("main", "{ url: \"\(url)\"\(keys.isEmpty ? "" : ", ")\(keys) }")]
        self.routes = ["{ path: /*, function: main }"]
        self.limits = limits
    }

    /// The configuration file.
    var text: String {
        if let wholeText { return wholeText }
        var lines = [
            "aws: \(self.aws)", "workers: \(self.workers)", "drain_timeout: \(self.drainTimeout)", "listeners:",
        ]
        lines += self.listeners.enumerated().map { index, address in
            let keys = index > 0 || self.listenerKeys.isEmpty ? "" : ", \(self.listenerKeys)"
            return "  - { address: \"\(address)\"\(keys) }"
        }
        if !self.limits.isEmpty { lines.append("limits: { \(self.limits) }") }
        if !self.functions.isEmpty { lines.append("functions:") }
        lines += self.functions.map { "  \($0.name): \($0.keys)" }
        if !self.routes.isEmpty { lines.append("routes:") }
        lines += self.routes.map { "  - \($0)" }
        return (lines + [self.more]).joined(separator: "\n") + "\n"
    }
}
