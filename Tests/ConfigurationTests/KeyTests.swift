import Configuration
import Testing

/// Every key of the schema, with a value that it takes and one that it refuses.
@Suite struct KeyTests {
    /// Key, good value, bad value, and what is said of the bad one.
    static let values: [(key: String, good: String, bad: String, message: String)] = [
        ("aws.region", "eu-west-1", "eu", "\"eu\" is no region, such as eu-west-1"),
        ("aws.profile", "production", "''", "this must not be empty"),
        ("aws.endpoint", "https://x.org", "ftp://x.org", "ftp"),
        ("aws.sts_endpoint", "http://127.0.0.1:9", "sts", "'sts' is no endpoint"),
        ("aws.ca_file", "/etc/ssl/own.pem", "[]", "single value"),
        ("workers", "2", "0", "0 is too small; the least is 1"),
        ("listeners[].address", "'[::1]:80'", "'8080'", "\"8080\" has no port"),
        ("functions.NAME.function", "chat:live", "a b", "'a b' is no function name"),
        ("functions.NAME.qualifier", "live", "''", "this must not be empty"),
        ("functions.NAME.role.arn", "arn:aws:iam::123456789012:role/r", "r", "'r' is no ARN of a role"),
        (
            "functions.NAME.role.external_id", "'a/b:c', arn: 'arn:aws:iam::123456789012:role/r'",
            "'a b', arn: 'arn:aws:iam::123456789012:role/r'", "an external id has up to 1224"
        ),
        (
            "functions.NAME.role.session_name", "'a1', arn: 'arn:aws:iam::123456789012:role/r'",
            "'a b', arn: 'arn:aws:iam::123456789012:role/r'", "'a b' is no session name"
        ),
        (
            "functions.NAME.role.duration", "15m, arn: 'arn:aws:iam::123456789012:role/r'", "1s",
            "the least is 900s"
        ),
        ("functions.NAME.url", "http://127.0.0.1:1/a", "ftp://x", "is no endpoint"),
        ("functions.NAME.sign", "true", "maybe", "\"maybe\" is not known here"),
        ("functions.NAME.tenant_id.from", "host", "header", "\"header\" is not known here"),
        (
            "functions.NAME.tenant_id.client_certificate", "common_name", "subject", "\"subject\" is not known here"
        ),
        ("functions.NAME.tenant_id.path_parameter", "id", "''", "a parameter has a name"),
        ("functions.NAME.queue.size", "10", "0", "0 is too small; the least is 1"),
        ("functions.NAME.queue.timeout", "5s", "5", "\"5\" needs a unit"),
        ("functions.NAME.circuit_breaker.failures", "3", "0", "0 is too small; the least is 1"),
        ("functions.NAME.circuit_breaker.open_for", "5s", "5", "\"5\" needs a unit"),
        ("functions.NAME.fallback", "other", "''", "this must not be empty"),
        ("routes[].functions[].name", "f", "''", "this must not be empty"),
        ("routes[].functions[].weight", "0", "-1", "-1 is too small; the least is 0"),
        ("routes[].sticky.cookie", "user", "'a b'", "\"a b\" is no name of a cookie"),
        ("routes[].sticky.header", "x-user", "'a b'", "a b"),
        ("functions.NAME.event", "v2", "v3", "\"v3\" is not known here; did you mean \"v2\"?"),
        ("functions.NAME.response", "prelude", "streamed", "\"streamed\" is not known here; there is \"auto\""),
        ("functions.NAME.stage", "live-1", "a/b", "\"a/b\" is no stage"),
        ("functions.NAME.stage_variables", "{ a_1: x }", "{ a-1: x }", "is no name of a stage variable"),
        ("functions.NAME.text_types", "[text/*, a/b]", "text", "\"text\" is no media type"),
        ("functions.NAME.binary_types", "\"*/*\"", "a/b/c", "\"a/b/c\" is no media type"),
        ("functions.NAME.invoke", "buffered", "streamed", "\"streamed\" is not known here"),
        ("functions.NAME.log_tail", "true", "maybe", "\"maybe\" is not known here"),
        ("functions.NAME.timeouts.connect", "700ms", "0s", "0s is too short; the least is 1ms"),
        ("functions.NAME.timeouts.first_byte", "1m", "5", "\"5\" needs a unit: 5ms, 5s, 5m or 5h"),
        ("functions.NAME.timeouts.idle", "1.5s", "5 s", "\"5 s\" is no duration; its unit is ms, s, m or h"),
        ("functions.NAME.timeouts.total", "24h", "25h", "25h is too long; the most is 24h"),
        ("functions.NAME.retries", "0", "1.5", "\"1.5\" is no whole number"),
        ("functions.NAME.max_request_body", "4.5MiB", "7MB", "7MB"),
        ("functions.NAME.max_concurrency", "500", "none", "\"none\" is no whole number"),
        ("functions.NAME.upstream", "http2", "h3", "\"h3\" is not known here"),
        ("functions.NAME.warm_connections", "4", "-1", "-1 is too small; the least is 0"),
        ("functions.NAME.local.command", "[node, index.mjs]", "node index.mjs", "is a list: [node, index.mjs]"),
        ("functions.NAME.local.handler", "src/index.handler", "index", "\"index\" is no handler"),
        ("functions.NAME.local.runtime", "node, handler: index.handler", "python", "\"python\" is not known here"),
        ("functions.NAME.local.directory", "demo", "[]", "a single value is expected here, not a list"),
        ("functions.NAME.local.concurrency", "10", "0", "0 is too small; the least is 1"),
        ("functions.NAME.local.memory", "512MiB", "512", "512 is too small; the least is 16MiB"),
        ("routes[].host", "'*.example.com'", "https://a.b", "a host is a bare name"),
        ("routes[].hosts", "[a.example, b.example]", "[]", "the list is empty"),
        ("routes[].path", "'/users/{id}'", "/v1*", "\"*\" may only be the last segment"),
        ("routes[].paths", "[/a, /b/*]", "/a", "a list is expected here, not a single value"),
        ("routes[].methods", "[GET, PURGE]", "get", "methods are written in capitals: GET"),
        ("routes[].function", "f", "g", "there is no function \"g\"; did you mean \"f\"?"),
        ("routes[].redirect.to", "https://a.example/x", "a.example", "a redirect goes to"),
        ("routes[].redirect.status", "308", "200", "\"200\" is no status of a redirect"),
        ("routes[].respond.status", "404", "199", "199 is too small; the least is 200"),
        ("routes[].respond.body", "''", "{}", "a single value is expected here, not a mapping"),
        ("routes[].strip_prefix", "/v1, path: /v1/*", "v1", "a path begins with \"/\""),
        ("routes[].request_headers.remove", "[x-a]", "x a", "\"x a\" is no name of a header"),
        ("routes[].response_headers.remove", "x-a", "content-length", "is for Sluice itself to write"),
        ("drain_timeout", "0", "-1s", "\"-1s\" is no duration"),
        ("drain_delay", "15s", "2h", "2h is too long; the most is 1h"),
        ("limits.header_bytes", "65536", "2MB", "\"2MB\" is no size; its unit is perhaps MiB"),
        ("limits.header_count", "50", "0", "0 is too small; the least is 1"),
        ("limits.request_line", "16KiB", "16K", "\"16K\" is no size; its unit is perhaps KiB"),
        ("listeners[].tls.certificates[].certificate", "a.pem", "[]", "a single value is expected here"),
        ("listeners[].tls.certificates[].key", "a.key", "''", "this names no file"),
        ("listeners[].tls.certificates[].passphrase_file", "a.pass", "{}", "a single value is expected here"),
        ("listeners[].tls.profile", "modern", "old", "\"old\" is not known here"),
        ("listeners[].tls.minimum_version", "1.3", "1.1", "\"1.1\" is not known here"),
        ("listeners[].tls.client_ca", "ca.pem", "''", "this names no file"),
        ("listeners[].tls.client_certificate", "optional", "maybe", "\"maybe\" is not known here"),
        ("listeners[].tls.unknown_server_name", "reject", "rejct", "did you mean \"reject\"?"),
        ("listeners[].redirect_to_https", "true", "302", "\"302\" is not known here"),
        ("listeners[].proxy_protocol", "true", "v3", "\"v3\" is not known here"),
        ("listeners[].trusted_proxies", "[10.0.0.0/8, unix, '::1']", "10.0.0.1/8", "the range is 10.0.0.0/8"),
        ("limits.tls_handshakes", "100", "0", "0 is too small"),
        ("limits.tls_handshake", "5s", "5", "\"5\" needs a unit"),
        ("limits.request_head", "5s", "5", "\"5\" needs a unit"),
        ("limits.request_body_stall", "10s", "ten", "\"ten\" is no duration, such as 700ms"),
        ("limits.request_body_rate", "0", "-1", "\"-1\" is no size"),
        ("limits.client_stall", "30s", "", "a value is missing here"),
        ("limits.idle_http1", "75s", "1d", "\"1d\" is no duration; its unit is ms, s, m or h"),
        ("limits.idle_http2", "10m", "5", "\"5\" needs a unit"),
        ("limits.memory_tight", "90", "101", "101 is too large; the most is 100"),
        ("limits.memory_full", "96", "0", "0 is too small; the least is 1"),
        ("limits.http2_frame_size", "32KiB", "8KiB", "8KiB is too small; the least is 16KiB"),
        ("limits.reset_invocation", "1m", "5", "\"5\" needs a unit"),
        ("limits.http2_resets", "10", "0", "0 is too small; the least is 1"),
        ("limits.http2_reset_rate", "0", "-1", "-1 is too small; the least is 0"),
        ("limits.http2_continuations", "0", "1001", "1001 is too large; the most is 1000"),
        ("limits.http2_empty_frames", "0", "ten", "\"ten\" is no whole number"),
        ("limits.http2_pings", "5", "0", "0 is too small; the least is 1"),
        ("limits.http2_ping_rate", "5", "-1", "-1 is too small; the least is 0"),
        ("limits.http2_settings", "5", "0", "0 is too small; the least is 1"),
        ("limits.http2_settings_rate", "5", "-1", "-1 is too small; the least is 0"),
        ("limits.http2_priorities", "0", "-1", "-1 is too small; the least is 0"),
        ("limits.http2_window_updates", "20", "0", "0 is too small; the least is 1"),
        ("limits.http2_unknown_frames", "5", "0", "0 is too small; the least is 1"),
        ("limits.http2_unknown_frame_rate", "5", "-1", "-1 is too small; the least is 0"),
        ("limits.http2_waiting_frames", "100", "9", "9 is too small; the least is 10"),
        ("limits.http2_streams", "250", "0", "0 is too small; the least is 1"),
        ("limits.http2_stream_window", "1MiB", "1", "1 is too small; the least is 1KiB"),
        ("limits.http2_connection_window", "4MiB", "1KiB", "1KiB is too small; the least is 65535"),
        ("limits.invocations_per_connection", "500", "0", "0 is too small; the least is 1"),
        ("limits.response_buffer", "256KiB", "1KiB", "1KiB is too small; the least is 64KiB"),
        ("limits.connection_buffer", "4MiB", "1KiB", "1KiB is too small; the least is 64KiB"),
        ("limits.requests_per_connection", "1000", "+5", "\"+5\" is no whole number"),
        (
            "limits.http2_streams", "250", "99999999999999999999",
            "99999999999999999999 is too large; the most is 10000"
        ),
        (
            "limits.http2_streams", "250", "-99999999999999999999",
            "-99999999999999999999 is too small; the least is 1"
        ),
        ("limits.connections", "20000", "0x10", "\"0x10\" is no whole number"),
        ("limits.connections_per_address", "10", "1_000", "\"1_000\" is no whole number"),
        ("limits.request_bodies", "1GiB", "1KiB", "1KiB is too small; the least is 64KiB"),
        ("limits.max_memory", "512MiB", "99999999999999999999", "\"99999999999999999999\" is no size"),
        ("access_log.redact", "[token, code]", "['']", "must not be empty"),
        ("admin.address", "'127.0.0.1:9900'", "'9900'", "\"9900\" has no port"),
        ("admin.token", "0123456789abcdef", "short", "16 to 1024 characters"),
        ("local_lambda.address", "'127.0.0.1:9001'", "unix:/x", "\"/x\" is no port"),
        ("access_log.format", "off", "jsn", "\"jsn\" is not known here; did you mean \"json\"?"),
        ("access_log.output", "/var/log/sluice.log", "stdot", "did you mean \"stdout\"?"),
        ("functions.NAME.local.environment", "{ A_1: x }", "{ AWS_LAMBDA_RUNTIME_API: x }", "is set by the Lambda"),
        ("functions.NAME.tenant_id.claim", "tenant", "''", "must not be empty"),
        ("routes[].authorization.token", "login", "''", "must not be empty"),
        ("routes[].authorization.scopes", "[a, b/c]", "'a b'", "is no scope"),
        ("token_issuers.NAME.issuer", "'https://i.example'", "''", "must not be empty"),
        ("token_issuers.NAME.audiences", "[a, b]", "['']", "must not be empty"),
        ("token_issuers.NAME.jwks", "keys.json", "'http://i.example/keys'", "http:// is for this machine alone"),
        ("token_issuers.NAME.algorithms", "[RS256, EdDSA]", "HS256", "\"HS256\" is not known here"),
        ("token_issuers.NAME.clock_skew", "0s", "1h", "1h is too long"),
        ("routes[].headers", "{ X-Beta: '1' }", "{ 'a b': x }", "\"a b\" is no name of a header"),
        ("routes[].respond.headers", "{ x-a: [a, b] }", "{ connection: close }", "is for Sluice itself to write"),
        ("routes[].request_headers.set", "{ x-a: b }", "{ x-a: \"a\\nb\" }", "holds a line break"),
        ("routes[].request_headers.add", "{ x-a: [b, c] }", "{ te: trailers }", "is for Sluice itself to write"),
        ("routes[].response_headers.set", "{ x-a: b }", "{ x-request-id: b }", "is for Sluice itself to write"),
        ("routes[].response_headers.add", "{ x-a: b }", "{ x-a: {} }", "a single value is expected here"),
    ]

    static let keys = ConfigurationSchema.keys.flatMap { $0.flattened() }

    /// A file with the value at the key, around which everything else is right.
    private func file(with value: String, at key: String) -> (text: String, column: Int) {
        let parts = key.split(separator: ".")
        var line = ""
        var closing = ""
        for part in parts.dropLast() {
            let isList = part.hasSuffix("[]")
            line += isList ? "\(part.dropLast(2)): [{ " : "\(part): { "
            closing = (isList ? " }]" : " }") + closing
        }
        line += "\(parts.last ?? ""): "
        let column = line.unicodeScalars.count + 1
        var text = line + value + closing + "\n"
        if !key.hasPrefix("listeners") { text += "listeners: [{ address: '127.0.0.1:8080' }]\n" }
        if key.hasPrefix("routes") { text += "token_issuers: { login: { issuer: 'https://i', audiences: a } }\n" }
        if !key.hasPrefix("functions") { text += "functions: { f: { function: f } }\n" }
        return (text, column)
    }

    @Test func `the table has every key that takes a value`() {
        let valued = Self.keys.filter { _, key in
            switch key.kind {
            case .section, .wordOrSection, .textOrSection, .list(.section), .mapping(_, .section): false
            default: true
            }
        }
        #expect(Set(valued.map(\.path)) == Set(Self.values.map(\.key)))
    }

    @Test(arguments: values)
    func `a key takes what is right and refuses what is wrong`(
        key: String, good: String, bad: String, message: String
    ) {
        let (goodText, column) = self.file(with: good, at: key)
        let goodFaults = faults(goodText).filter { $0.hasPrefix("1:\(column):") }
        #expect(goodFaults == [], "\(goodText)")
        let badFaults = faults(self.file(with: bad, at: key).text)
        #expect(badFaults.contains { $0.hasPrefix("1:") && $0.contains(message) }, "\(badFaults)")
    }

    @Test(arguments: keys.map(\.path))
    func `a section that is no mapping is refused at its place`(path: String) {
        guard case .section? = Self.keys.first(where: { $0.path == path })?.key.kind else { return }
        let (text, column) = self.file(with: "7", at: path)
        let expected = "1:\(column): a mapping is expected here, not a single value; its keys are "
        #expect(faults(text).contains { $0.hasPrefix(expected) }, "\(text): \(faults(text))")
        // Nothing at all stands for a section whose keys are all commented out.
        let (empty, emptyColumn) = self.file(with: "", at: path)
        #expect(!faults(empty).contains { $0.hasPrefix("1:\(emptyColumn): a mapping") })
    }

    @Test func `every key is documented`() {
        for (path, key) in Self.keys { #expect(key.documentation.hasSuffix("."), "\(path)") }
    }
}
