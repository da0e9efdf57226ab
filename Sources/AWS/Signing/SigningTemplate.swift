private import Bytes
package import HTTP

/// Everything about a signature that stays the same from call to call: made once for a function, used for each request.
///
/// PERF: an object, as it holds more references than a signature has parts, and each copy of a value would count all of
/// them.
package final class SigningTemplate: Sendable {
    /// The canonical request up to the value of `x-amz-date`.
    let prefix: [UInt8]
    /// What stands behind that value, without and with a session token.
    let plain: Rest
    let withToken: Rest
    package let scope: SigningScope

    /// The canonical request behind the value of `x-amz-date`, up to the payload's hash.
    struct Rest: Sendable {
        /// Up to the value of the token, or all of it where there is no token.
        let start: [UInt8]
        /// From the value of the token on.
        let end: [UInt8]
        /// The names of all signed fields, as the authorization lists them.
        let names: [UInt8]

        fileprivate init(_ fields: SignedFields, hasToken: Bool) {
            var names = ByteBuffer()
            names.append(fields.before.names)
            names.append("x-amz-date;")
            names.append(fields.between.names)
            if hasToken { names.append("x-amz-security-token;") }
            names.append(fields.after.names)
            // The last name has no semicolon behind it.
            names.truncate(to: names.count - 1)
            self.names = names.array()

            var end = ByteBuffer()
            if hasToken { end.append(ASCII.lineFeed) }
            end.append(fields.after.lines)
            end.append(ASCII.lineFeed)
            end.append(names.bytes)
            end.append(ASCII.lineFeed)
            var start = ByteBuffer()
            start.append(ASCII.lineFeed)
            start.append(fields.between.lines)
            if hasToken {
                start.append("x-amz-security-token:")
            } else {
                start.append(end.bytes)
            }
            self.start = start.array()
            self.end = hasToken ? end.array() : []
        }
    }

    /// - Parameters:
    ///   - path: The path as it goes over the wire.
    ///   - query: What stands behind the question mark, as it goes over the wire.
    package init(method: Method, path: String, query: String, fields: SignedFields, scope: SigningScope) {
        var prefix = ByteBuffer()
        prefix.append(canonicalRequestLine: method, path: path, query: query)
        prefix.append(fields.before.lines)
        prefix.append("x-amz-date:")
        self.prefix = prefix.array()
        self.plain = Rest(fields, hasToken: false)
        self.withToken = Rest(fields, hasToken: true)
        self.scope = scope
    }
}

extension ByteBuffer {
    /// Appends method, canonical URI and canonical query, a line each.
    mutating func append(canonicalRequestLine method: Method, path: String, query: String) {
        self.append(method.rawValue)
        self.append(ASCII.lineFeed)
        self.append(canonicalURI: path.utf8.span)
        self.append(ASCII.lineFeed)
        self.append(canonicalQuery: query.utf8.span)
        self.append(ASCII.lineFeed)
    }
}
