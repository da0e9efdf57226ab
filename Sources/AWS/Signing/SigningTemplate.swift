private import Bytes
package import HTTP

/// Everything about a signature that stays the same from call to call: made once for a function, used for each request.
package struct SigningTemplate: Sendable {
    /// The canonical request up to the place of `x-amz-date`.
    let prefix: [UInt8]
    let fields: SignedFields
    package let scope: SigningScope

    /// - Parameters:
    ///   - path: The path as it goes over the wire.
    ///   - query: What stands behind the question mark, as it goes over the wire.
    package init(method: Method, path: String, query: String, fields: SignedFields, scope: SigningScope) {
        var prefix = ByteBuffer()
        prefix.append(canonicalRequestLine: method, path: path, query: query)
        prefix.append(fields.before.lines)
        self.prefix = prefix.array()
        self.fields = fields
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
