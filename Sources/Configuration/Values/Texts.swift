import AWS
import Bytes
import HTTP
import Lambda
import Routing

/// The types of values that are written as text of some form.
enum Texts {
    static let region = ValueType<String>.scalar(.text("region")) { text in
        guard ServiceEndpoint.isRegion(text), text.contains("-") else {
            throw ValueFault("\"\(text)\" is no region, such as eu-west-1")
        }
        return text
    }

    static let endpoint = ValueType<ServiceEndpoint>.scalar(.text("https:// or http:// URL")) { text in
        try ServiceEndpoint(parsing: text)
    }

    /// A file, from where the process is.
    static let file = ValueType<String>(.text("file")) { node, reading in
        ValueType.text("file").read(node, reading).map(reading.path)
    }

    /// A file that is read later, and again when it changes.
    static let fileReference = ValueType<FileReference>(.text("file")) { node, reading in
        // Without secrets: what stands behind "file:" would be the file's content.
        ValueType.scalar(.text("file"), allowsSecrets: false) { text in
            if text.isEmpty || text.utf8.contains(ASCII.nul) { throw ValueFault("this names no file") }
            return text
        }.read(node, reading).map { FileReference(path: reading.path($0), position: node.position) }
    }

    /// Ranges of addresses, and `unix`.
    static let trustedProxies = ValueType<TrustedProxies>(.oneOrMore(.text("10.0.0.0/8, 2001:db8::/32 or unix"))) {
        node, reading in
        let one = ValueType<IPRange?>.scalar(.text("range")) { try $0 == "unix" ? nil : IPRange(parsing: $0) }
        return ValueType.oneOrMore(of: one).read(node, reading).map { members in
            var proxies = TrustedProxies()
            for member in members {
                if let member { proxies.ranges.append(member) } else { proxies.includesUnixPeers = true }
            }
            return proxies
        }
    }

    static let listenerAddress = ValueType<ListenerAddress>(.text("host:port, unix:/path or fd:NAME")) {
        node, reading in
        guard let text = ValueType.text("address").read(node, reading) else { return nil }
        do throws(ValueFault) {
            return try ListenerAddress(parsing: text, path: reading.path)
        } catch {
            reading.report(node.position, error.message)
            return nil
        }
    }

    /// What a client shows to be let in: visible characters, and enough of them.
    static let token = ValueType<String>.scalar(.text("secret of 16 to 1024 characters")) { text in
        guard text.utf8.allSatisfy({ $0 > ASCII.space && $0 < ASCII.delete }) else {
            throw ValueFault("a token has visible ASCII characters only")
        }
        guard (16...1024).contains(text.utf8.count) else {
            throw ValueFault(
                "a token has 16 to 1024 characters, this one \(text.utf8.count); `openssl rand -hex 32` makes one")
        }
        return text
    }

    static let host = ValueType<HostPattern>.scalar(.text("host name")) { try HostPattern(parsing: $0) }
    static let path = ValueType<PathPattern>.scalar(.text("path")) { try PathPattern(parsing: $0) }

    /// One value of a key that has a sibling for several.
    static func single<Value>(_ type: ValueType<Value>, orSeveralIn plural: String) -> ValueType<Value> {
        ValueType(type.kind) { node, reading in
            guard case .list = node.content else { return type.read(node, reading) }
            reading.report(node.position, "a single value is expected here; several of them go into \"\(plural)\"")
            return nil
        }
    }
    static let pathPrefix = ValueType<PathPrefix>.scalar(.text("path")) { try PathPrefix(parsing: $0) }
    static let fieldName = ValueType<String>.scalar(.text("header name")) { try FieldLine.checkedName($0) }

    /// Header lines by name, each with one value or several.
    static let fieldLines = ValueType<[(name: Located<String>, value: [Located<String>])]>.mapping(
        of: "HEADER", to: .oneOrMore(of: .located(.anyText)), checkName: FieldLine.checkedName)

    static let method = ValueType<Method>.scalar(.text("method")) { text in
        guard let method = Method(parsing: text.utf8.span) else { throw ValueFault("\"\(text)\" is no method") }
        guard text != "CONNECT" else { throw ValueFault("CONNECT is refused by Sluice and never reaches a route") }
        let capitals = text.uppercased()
        if text != capitals, Self.methods.contains(capitals) {
            throw ValueFault("methods are written in capitals: \(capitals)")
        }
        return method
    }.then { method, node, reading in
        if !Self.methods.contains(method.rawValue), method.rawValue.utf8.count > 2,
            let nearest = Self.methods.first(where: {
                Nearest.distance(Array($0.utf8), Array(method.rawValue.utf8)) == 1
            })
        {
            reading.warn(node.position, "\"\(method.rawValue)\" is an unusual method; did you mean \"\(nearest)\"?")
        }
        return method
    }

    /// The methods that have a meaning in RFC 9110 and RFC 5789.
    private static let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]

    static let redirectStatus = ValueType<Int>.scalar(.choice(Redirect.statuses.map(String.init))) { text in
        guard let status = Int(text), Redirect.statuses.contains(status) else {
            throw ValueFault("\"\(text)\" is no status of a redirect; there is 301, 302, 303, 307 and 308")
        }
        return status
    }

    /// AWS Lambda API, Invoke: `X-Amz-Tenant-Id` has 1 to 256 of these characters.
    static let tenantID = ValueType<String>.scalar(.text("tenant")) { text in
        guard InvocationTemplate.isTenantID(text) else {
            throw ValueFault("a tenant has 1 to 256 letters, digits, spaces and \". _ : / = + - @\"")
        }
        return text
    }

    /// A stage of an API in API Gateway's own pattern, or `$default`.
    static let stage = ValueType<String>.scalar(.text("stage")) { text in
        let isStage = text.utf8.allSatisfy {
            ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == ASCII.minus || $0 == ASCII.underscore
        }
        guard text == "$default" || isStage && (1...128).contains(text.utf8.count) else {
            throw ValueFault("\"\(text)\" is no stage: letters, digits, \"-\" and \"_\", or $default")
        }
        return text
    }

    /// The name of a stage variable.
    static func stageVariable(_ name: String) throws -> String {
        let isName = name.utf8.allSatisfy { ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == ASCII.underscore }
        guard isName, (1...64).contains(name.utf8.count) else {
            throw ValueFault("\"\(name)\" is no name of a stage variable: letters, digits and \"_\"")
        }
        return name
    }

    /// The name of a parameter of a path.
    static let parameterName = ValueType<String>.scalar(.text("parameter")) { text in
        let name = text.hasPrefix("{") && text.hasSuffix("}") ? String(text.dropFirst().dropLast()) : text
        guard !name.isEmpty else { throw ValueFault("a parameter has a name, as in \"{id}\"") }
        return name
    }

    /// RFC 6265 §4.1.1: a cookie's name is a token.
    static let cookieName = ValueType<String>.scalar(.text("cookie")) { text in
        guard Fields.isName(text.utf8.span) else { throw ValueFault("\"\(text)\" is no name of a cookie") }
        return text
    }

    /// RFC 6749 §3.3.
    static let scope = ValueType<String>.scalar(.text("scope")) { text in
        let isScope = text.utf8.allSatisfy { (0x21...0x7e).contains($0) && $0 != ASCII.quote && $0 != ASCII.backslash }
        guard isScope, !text.isEmpty else {
            throw ValueFault("\(text.debugDescription) is no scope: visible characters, without spaces and quotes")
        }
        return text
    }

    /// A URL, or the file of that name.
    static let keySetSource = ValueType<KeySetSource>(.text("file or https:// URL")) { node, reading in
        guard let text = ValueType.text("file or URL").read(node, reading) else { return nil }
        guard text.contains("://") else { return Texts.fileReference.read(node, reading).map { .file($0) } }
        do throws(KeySetLocationError) {
            return .url(try KeySetLocation(parsing: text))
        } catch {
            reading.report(node.position, "\(error)")
            return nil
        }
    }

    /// A name that the operator gives to something which other keys name.
    private static func ownName(_ name: String, of what: String) throws -> String {
        let isName = name.utf8.allSatisfy {
            ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == ASCII.minus || $0 == ASCII.underscore || $0 == ASCII.dot
        }
        guard isName, (1...64).contains(name.utf8.count) else {
            throw ValueFault("\"\(name)\" is no name of \(what): 1 to 64 letters, digits, \"-\", \"_\" and \".\"")
        }
        return name
    }

    /// A name under which routes know an issuer of tokens.
    static func issuerName(_ name: String) throws -> String {
        try Self.ownName(name, of: "an issuer")
    }

    static let mediaType = ValueType<MediaTypePattern>.scalar(.text("media type")) { text in
        guard let pattern = MediaTypePattern(text) else {
            throw ValueFault(
                "\"\(text)\" is no media type, such as \"image/png\", \"image/*\", \"application/*+json\" or \"*/*\"")
        }
        return pattern
    }

    static let logOutput = ValueType<AccessLogSettings.Output>(.text("stdout, stderr or a path")) { node, reading in
        guard let text = ValueType.text("output").read(node, reading) else { return nil }
        switch text {
        case "stdout": return .standardOutput
        case "stderr": return .standardError
        case "none", "off":
            reading.report(node.position, "an access log that is not wanted is \"format: none\"")
            return nil
        default:
            guard text.contains("/") || text.contains(".") else {
                let nearest = Nearest.suggestion(for: text, among: ["stdout", "stderr"])
                reading.report(node.position, "\"\(text)\" is neither stdout, stderr nor a path\(nearest)")
                return nil
            }
            guard !text.hasSuffix("/"), !text.utf8.contains(ASCII.nul) else {
                reading.report(node.position, "\"\(text)\" is no path of a file")
                return nil
            }
            return .file(path: reading.path(text))
        }
    }

    /// A program and its arguments. A program with a slash in its name is a path of the configuration.
    static let command = ValueType<Located<[String]>>(.oneOrMore(.text("program or argument"))) { node, reading in
        let word = ValueType<String>.scalar(.text("word"), allowsSecrets: false) { text in
            guard !text.utf8.contains(ASCII.nul) else { throw ValueFault("a command holds no NUL") }
            return text
        }
        let words: [String]
        if case .list = node.content {
            guard let list = ValueType.list(of: word, atLeast: 1).read(node, reading) else { return nil }
            words = list
        } else {
            guard let text = word.read(node, reading) else { return nil }
            guard !text.utf8.contains(where: { $0 <= ASCII.space }) else {
                reading.report(
                    node.position,
                    "a command with arguments is a list: [\(text.split(separator: " ").joined(separator: ", "))]")
                return nil
            }
            words = [text]
        }
        guard let program = words.first else { return nil }
        guard !program.isEmpty else {
            reading.report(node.position, "the command is empty")
            return nil
        }
        let path = program.contains("/") ? reading.path(program) : program
        return Located(value: [path] + words.dropFirst(), position: node.position)
    }

    static let handler = ValueType<String>.scalar(.text("module.function")) { text in
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let isHandler =
            parts.count >= 2 && parts.allSatisfy { !$0.isEmpty } && !text.hasPrefix("/")
            && text.utf8.allSatisfy { $0 > ASCII.space && $0 != ASCII.delete }
        guard isHandler else {
            throw ValueFault("\"\(text)\" is no handler, such as index.handler or src/chat.handler")
        }
        return text
    }

    /// A name under which routes know a function; local functions bear it in the Lambda API too.
    static func functionName(_ name: String) throws -> String {
        try Self.ownName(name, of: "a function")
    }

    /// A variable that a local function may be given. Those of the Runtime API are not the operator's to set.
    static func environmentName(_ name: String) throws -> String {
        guard EnvironmentName.isValid(name) else {
            throw ValueFault("\"\(name)\" is no name of an environment variable")
        }
        let isReserved =
            name.hasPrefix("AWS_LAMBDA_") || ["_HANDLER", "_X_AMZN_TRACE_ID", "LAMBDA_TASK_ROOT"].contains(name)
        guard !isReserved else { throw ValueFault("\(name) is set by the Lambda runtime environment itself") }
        return name
    }
}
