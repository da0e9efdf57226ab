/// A request method: any token (RFC 9110 §9.1), with the registered ones by name.
package struct Method: RawRepresentable, Hashable, Sendable {
    /// The token as it came; methods are case-sensitive.
    package let rawValue: String

    /// A method from a token that was checked before.
    package init(rawValue: String) {
        self.rawValue = rawValue
    }

    // PERF: computed, because a constant that is stored is reached through its initialiser and retained.
    package static var get: Method { Method(rawValue: "GET") }
    package static var head: Method { Method(rawValue: "HEAD") }
    package static var post: Method { Method(rawValue: "POST") }
    package static var put: Method { Method(rawValue: "PUT") }
    package static var patch: Method { Method(rawValue: "PATCH") }
    package static var delete: Method { Method(rawValue: "DELETE") }
    package static var options: Method { Method(rawValue: "OPTIONS") }
    package static var connect: Method { Method(rawValue: "CONNECT") }
    package static var trace: Method { Method(rawValue: "TRACE") }

    // PERF: written out, as that of all raw-representable types is a call through the conformance.
    package static func == (left: Method, right: Method) -> Bool {
        left.rawValue == right.rawValue
    }

    /// Whether it asks for the head of an answer only: all that matters of it for how the answer is framed.
    package var isHead: Bool { self == .head }
}

/// The version in which a message came.
package enum HTTPVersion: Sendable, Equatable {
    case http10
    case http11
    case http2

    /// As events, logs and status lines write it: `HTTP/1.1`.
    package var name: StaticString {
        switch self {
        case .http10: "HTTP/1.0"
        case .http11: "HTTP/1.1"
        case .http2: "HTTP/2.0"
        }
    }
}

/// Where a request is to go: host, canonical path and query. `Target+Parsing.swift` makes it from what the client sent.
///
/// PERF: parsers call the memberwise initialiser, whose order of labels is the properties'. A written one puts so large
/// a value together in memory, and copies it with all that is counted in it on the way out.
package struct Target: Sendable, Equatable {
    /// The authority of an absolute-form target, which replaces the Host field (RFC 9112 §3.2.2).
    package var authority: Authority?
    /// The path as functions see it: percent-encoding checked and upper-cased, unreserved characters decoded, dot
    /// segments resolved, `//` kept unless a dot segment was resolved. Begins with `/`; `*` for `OPTIONS *`.
    package var path: String
    /// The path that routes are matched against: `path` with each run of slashes made one.
    package var routingPath: String
    /// What stands after the first `?`, as sent; empty without one.
    package var query: String
}

extension Target {
    /// A target without an authority of its own.
    package init(path: String, routingPath: String, query: String) {
        self.init(authority: nil, path: path, routingPath: routingPath, query: query)
    }

    package init(path: String, routingPath: String, query: String, authority: Authority?) {
        self.init(authority: authority, path: path, routingPath: routingPath, query: query)
    }
}

/// A host and, where one was given, a port.
package struct Authority: Sendable, Hashable {
    /// Lower case, without a trailing dot; IPv6 addresses in brackets.
    package var host: String
    package var port: UInt16?

    package init(host: String, port: UInt16? = nil) {
        self.host = host
        self.port = port
    }
}

/// How long the body of a message is, as its head says.
package enum BodyLength: Sendable, Equatable {
    /// No body.
    case none
    /// This many bytes.
    case known(Int)
    /// As long as the framing says: chunked coding, HTTP/2 without content-length, or (answers only) until the
    /// connection closes.
    case unknown
}

/// The head of a request, whichever version carried it.
///
/// PERF: as with `Target`, parsers call the memberwise initialiser.
package struct RequestHead: Sendable, Equatable {
    package var method: Method
    package var target: Target
    package var version: HTTPVersion
    /// From an absolute-form target, `:authority` or the Host field, in this order. `nil` where none of them names a
    /// host.
    package var authority: Authority?
    package var bodyLength: BodyLength
    /// All field lines as they came, the hop-by-hop ones included.
    package var fields: Fields
}

extension RequestHead {
    package init(
        method: Method, target: Target, version: HTTPVersion = .http11, authority: Authority? = nil,
        fields: Fields = Fields(), bodyLength: BodyLength = .none
    ) {
        self.init(
            method: method, target: target, version: version, authority: authority, bodyLength: bodyLength,
            fields: fields)
    }
}

/// The head of an answer, whichever version will carry it.
package struct ResponseHead: Sendable, Equatable {
    /// 100 to 599.
    package var status: Int
    package var fields: Fields

    package init(status: Int, fields: Fields = Fields()) {
        self.status = status
        self.fields = fields
    }
}
