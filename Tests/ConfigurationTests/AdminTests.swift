import Configuration
import Foundation
import Testing

/// `admin:`, and what is made of the schema and of a file for those who look at a running gateway.
@Suite struct AdminTests {
    private static let listeners = "listeners: [{ address: \"127.0.0.1:8080\" }]\n"

    @Test func `an address, with a token where others can reach it`() throws {
        let plain = try load(Self.listeners + "admin: { address: \"[::1]:9900\" }\n").get()
        #expect(plain.admin?.token == nil)
        #expect(plain.admin?.address.description == "[::1]:9900")
        let token = "0123456789abcdef"
        let open = try load(Self.listeners + "admin: { address: \"0.0.0.0:9900\", token: \(token) }\n").get()
        #expect(open.admin?.token == token)
        #expect(try load(Self.listeners).get().admin == nil)
    }

    @Test(arguments: [
        ("admin: {}", "2:8: \"admin\" needs an \"address\", such as \"127.0.0.1:9900\""),
        (
            "admin: { address: \"10.0.0.1:9900\" }",
            "2:19: \"10.0.0.1:9900\" can be reached from other machines: give a \"token\", or listen on 127.0.0.1 or a unix socket"
        ),
        (
            "admin: { address: \"127.0.0.1:8080\" }",
            "2:19: \"127.0.0.1:8080\" is listened on already, on line 1"
        ),
        (
            "admin: { address: \"0.0.0.0:8080\", token: 0123456789abcdef }",
            "2:19: \"0.0.0.0:8080\" can not be listened on beside \"127.0.0.1:8080\" on line 1: one has the other in it"
        ),
        (
            "admin: { address: \"unix:a\", token: short }",
            "2:36: a token has 16 to 1024 characters, this one 5; `openssl rand -hex 32` makes one"
        ),
    ])
    func `what is wrong with it is said`(text: String, expected: String) {
        #expect(faults(Self.listeners + text + "\n") == [expected])
    }

    @Test(arguments: [
        ("0.0.0.0", "127.0.0.1", true), ("localhost", "0.0.0.0", true), ("[::]", "[::1]", true),
        ("0.0.0.0", "[::1]", false),
        ("[::]", "0.0.0.0", false), ("0.0.0.0", "gateway.internal", false), ("127.0.0.1", "127.0.0.2", false),
    ])
    func `an address and all addresses can not both be listened on`(one: String, other: String, isFault: Bool) {
        let text = "listeners: [{ address: \"\(one):8080\" }, { address: \"\(other):8080\" }]\n"
        #expect(faults(text).contains { $0.contains("can not be listened on beside") } == isFault)
        let apart = "listeners: [{ address: \"\(one):8080\" }, { address: \"\(other):8081\" }]\n"
        #expect(!faults(apart).contains { $0.contains("can not be listened on beside") })
    }

    @Test func `the configuration in force has defaults and no secrets`() throws {
        let text =
            Self.listeners + """
                admin: { address: "unix:a", token: 0123456789abcdef }
                functions:
                  demo: { local: { command: x, environment: { KEY: hush } }, timeouts: { idle: 7s } }
                  other: { function: f, role: { arn: "arn:aws:iam::123456789012:role/r", external_id: hush } }
                routes:
                  - { path: /*, function: demo, request_headers: { set: { x-key: "${SECRET}" } } }
                  - { path: /other, function: other }

                """
        let effective = try load(text, environment: ["SECRET": "hush"]).get().effective
        #expect(!effective.contains("hush"))
        #expect(!effective.contains("0123456789abcdef"))
        let document = try #require(
            try JSONSerialization.jsonObject(with: Data(effective.utf8)) as? [String: Any])
        let functions = try #require(document["functions"] as? [String: [String: Any]])
        let timeouts = try #require(functions["demo"]?["timeouts"] as? [String: String])
        #expect(timeouts["idle"] == "7s")
        let listeners = try #require(document["listeners"] as? [[String: Any]])
        #expect(listeners[0]["trusted_proxies"] as? [String] == [])
        #expect(timeouts["first_byte"] == "60s")
        let limits = try #require(document["limits"] as? [String: Any])
        #expect(limits["request_head"] as? String == "10s")
        #expect(limits["http2_streams"] as? Int == 100)
        #expect(functions["other"]?["retries"] as? Int == 2)
        #expect(functions["other"]?["log_tail"] as? Bool == false)
        // What depends on something else is told in the documentation, not here.
        #expect(document["workers"] is NSNull)
        #expect((document["aws"] as? [String: Any])?["region"] is NSNull)
    }

    /// Nobody has to hide what can not be written.
    @Test(arguments: ["http://user:hush@a", "https://hush@a/b"])
    func `a URL with a password is refused, and not repeated`(url: String) {
        let text = Self.listeners + "functions: { a: { url: \"\(url)\" } }\nroutes: [{ path: /*, function: a }]\n"
        let found = faults(text)
        #expect(found.count == 1)
        #expect(!found.joined().contains("hush"), "\(found)")
    }

    @Test func `the JSON Schema takes words that are numbers as either`() {
        let statuses = #""enum":["301","302","303","307","308",301,302,303,307,308]"#
        #expect(JSONSchema.text.contains(statuses))
    }

    @Test func `the JSON Schema knows every key`() throws {
        let schema = try #require(
            try JSONSerialization.jsonObject(with: Data(JSONSchema.text.utf8)) as? [String: Any])
        #expect(schema["$schema"] as? String == "https://json-schema.org/draft/2020-12/schema")
        for key in ConfigurationSchema.keys {
            let properties = try #require(schema["properties"] as? [String: [String: Any]])
            let property = try #require(properties[key.name], "\(key.name)")
            #expect((property["description"] as? String)?.hasPrefix(key.documentation) == true)
        }
        for (path, key) in ConfigurationSchema.keys.flatMap({ $0.flattened() }) {
            #expect(JSONSchema.text.contains("\"\(key.name)\":"), "\(path)")
        }
    }
}
