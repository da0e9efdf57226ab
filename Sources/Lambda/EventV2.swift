package import Bytes
package import HTTP
private import JSON
private import Time

/// Writes a request as the event of payload format 2.0, as a function URL sends it.
///
/// The document goes straight into the buffer that will be sent; no field becomes a `String` or an array on its way.
/// Text of any origin is escaped, so that a client cannot write a member of its own.
package enum EventV2 {
    /// What Lambda takes at most, for any event.
    package static let sizeLimit = 6_291_456

    /// Appends the event. `body` is the request's whole body.
    package static func append(
        to buffer: inout ByteBuffer, head: borrowing RequestHead, context: borrowing EventContext, body: Span<UInt8>
    ) {
        let path = context.path ?? head.target.path
        buffer.append(#"{"version":"2.0","routeKey":"$default","rawPath":"#)
        buffer.append(jsonString: path)
        buffer.append(#","rawQueryString":"#)
        buffer.append(jsonString: head.target.query)
        let marks = buffer.appendFields(of: head, context: context)
        if !head.target.query.isEmpty { buffer.append(queryParameters: head.target.query.utf8.span) }
        buffer.appendRequestContext(of: head, context: context, path: path.utf8.span, userAgent: marks.userAgent)
        buffer.append(eventBody: body, fields: head.fields, marks: marks)
        buffer.append(UInt8(ascii: "}"))
    }

    /// The least number of bytes that the event of a request with a body of `bodyCount` bytes can have: what there is to
    /// know before the body has come. Exact for bodies that go as base64.
    package static func leastSize(
        head: borrowing RequestHead, context: borrowing EventContext, bodyCount: Int
    ) -> Int {
        // Bodies beyond the limit cannot fit; below half of it, everything else in the event cannot push them over.
        guard bodyCount <= self.sizeLimit, bodyCount > self.sizeLimit / 2 else { return bodyCount }
        var envelope = ByteBuffer()
        self.append(to: &envelope, head: head, context: context, body: Span())
        // `,"body":""` or with base64 `true` in place of `false`, which is one byte shorter.
        if EventBody.isText(head.fields) { return envelope.count + 10 + bodyCount }
        return envelope.count + 9 + Base64.encodedCount(bodyCount)
    }
}

extension ByteBuffer {
    /// Appends `"requestContext"` and the comma in front of it.
    fileprivate mutating func appendRequestContext(
        of head: borrowing RequestHead, context: borrowing EventContext, path: Span<UInt8>, userAgent: Int?
    ) {
        let hostText = head.authority?.host ?? context.defaultHost
        let host = hostText.utf8.span
        let prefix = host.extracting(0..<host.hostPrefixCount)
        self.append(#","requestContext":{"accountId":"anonymous","apiId":"#)
        self.append(jsonString: prefix)
        self.append(#","domainName":"#)
        self.append(jsonString: host)
        self.append(#","domainPrefix":"#)
        self.append(jsonString: prefix)
        self.append(#","http":{"method":"#)
        self.append(jsonString: head.method.rawValue)
        self.append(#","path":"#)
        self.append(jsonStringDecoding: path, plusIsSpace: false)
        self.append(#","protocol":""#)
        self.append(head.version.name)
        self.append(#"","sourceIp":"#)
        self.append(jsonString: context.sourceAddress)
        self.append(#","userAgent":"#)
        if let userAgent {
            self.append(jsonString: head.fields.value(at: userAgent))
        } else {
            self.append(#""""#)
        }
        self.append(#"},"requestId":"#)
        self.append(jsonString: context.requestID)
        self.append(#","routeKey":"$default","stage":"$default","time":""#)
        self.append(commonLogTime: context.time.calendar)
        self.append(#"","timeEpoch":"#)
        self.append(decimal: context.time.milliseconds)
        self.append(UInt8(ascii: "}"))
    }
}

extension Span where Element == UInt8 {
    /// How long the first label of a host is; all of it where the host is an address.
    fileprivate var hostPrefixCount: Int {
        guard let last = self.indices.last, self[0] != ASCII.openBracket, !ASCII.isDigit(self[last]) else {
            return self.count
        }
        return self.firstIndex(of: ASCII.dot) ?? self.count
    }
}
