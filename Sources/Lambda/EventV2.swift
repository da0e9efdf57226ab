internal import Bytes
internal import HTTP
private import JSON
private import Time

/// Writes a request as the event of payload format 2.0, as function URLs and HTTP APIs send it.
///
/// The document goes straight into the buffer that will be sent; no field becomes a `String` or an array on its way.
/// Text of any origin is escaped, so that a client cannot write a member of its own.
enum EventV2 {
    /// Appends the event.
    static func append(
        to buffer: inout ByteBuffer, head: borrowing RequestHead, context: borrowing EventContext, format: EventFormat,
        body: Span<UInt8>
    ) {
        let isHTTPAPI = format.kind == .httpAPI
        let path = context.path ?? head.target.path
        buffer.append(#"{"version":"2.0","routeKey":"#)
        if isHTTPAPI {
            buffer.append(jsonString: context.route?.key ?? "$default")
            buffer.append(#","rawPath":"#)
            // Departs from HTTP APIs, which cut the path at a question mark that was percent-encoded: nothing is lost.
            buffer.append(apiPath: path.utf8.span, stage: format.stage)
        } else {
            buffer.append(#""$default","rawPath":"#)
            buffer.append(jsonString: path)
        }
        buffer.append(#","rawQueryString":"#)
        buffer.append(jsonString: head.target.query)
        let marks = buffer.appendFields(of: head, context: context, isHTTPAPI: isHTTPAPI)
        if !head.target.query.isEmpty {
            buffer.append(
                query: head.target.query.utf8.span, as: #","queryStringParameters":{"#, .joined, isDecoded: true)
        }
        buffer.appendRequestContext(
            of: head, context: context, format: isHTTPAPI ? format : nil, path: path.utf8.span,
            userAgent: marks.userAgent)
        if isHTTPAPI {
            if let parameters = context.route?.parameters, !parameters.isEmpty {
                buffer.append(#","pathParameters":"#)
                buffer.append(eventPairs: parameters, decoding: true)
            }
            if !format.stageVariables.isEmpty {
                buffer.append(#","stageVariables":"#)
                buffer.append(eventPairs: format.stageVariables)
            }
        }
        if body.isEmpty {
            buffer.append(#","isBase64Encoded":false}"#)
            return
        }
        buffer.append(#","body":"#)
        buffer.append(
            eventBodyValue: body,
            form: format.bodyTypes.form(
                of: head.fields, contentType: marks.contentType, hasContentEncoding: marks.hasContentEncoding,
                for: format.kind))
        buffer.append(ASCII.closeBrace)
    }
}

extension ByteBuffer {
    /// Appends `"requestContext"` and the comma in front of it.
    fileprivate mutating func appendRequestContext(
        of head: borrowing RequestHead, context: borrowing EventContext, format: EventFormat?, path: Span<UInt8>,
        userAgent: Int?
    ) {
        let hostText = head.authority?.host ?? context.connection.defaultHost
        let host = hostText.utf8.span
        let prefix = host.extracting(0..<host.hostPrefixCount)
        if let format {
            self.append(#","requestContext":{"accountId":"#)
            self.append(jsonString: format.account)
            self.append(#","apiId":"#)
        } else {
            self.append(#","requestContext":{"accountId":"anonymous","apiId":"#)
        }
        self.append(jsonString: prefix)
        if let certificate = context.connection.clientCertificate {
            self.append(#","authentication":{"clientCert":"#)
            self.append(certificate)
            self.append("}")
        }
        context.authorizer?.appendJWT(to: &self)
        self.append(#","domainName":"#)
        self.append(jsonString: host)
        self.append(#","domainPrefix":"#)
        self.append(jsonString: prefix)
        self.append(#","http":{"method":"#)
        self.append(jsonString: head.method.rawValue)
        self.append(#","path":"#)
        if let format {
            self.append(apiPath: path, stage: format.stage)
        } else {
            self.append(jsonStringDecoding: path, plusIsSpace: false)
        }
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
        if let format {
            self.append(#","routeKey":"#)
            self.append(jsonString: context.route?.key ?? "$default")
            self.append(#","stage":"#)
            self.append(jsonString: format.stage)
            self.append(#","time":""#)
        } else {
            self.append(#","routeKey":"$default","stage":"$default","time":""#)
        }
        self.append(context.time)
        self.append(#"","timeEpoch":"#)
        self.append(decimal: context.time.moment.milliseconds)
        self.append(UInt8(ascii: "}"))
    }

    /// Appends a path as HTTP APIs have it: decoded, behind the stage, if that is not `$default`.
    fileprivate mutating func append(apiPath path: Span<UInt8>, stage: String) {
        self.append(ASCII.quote)
        if stage != "$default" {
            self.append(ASCII.slash)
            self.append(jsonEscaping: stage.utf8.span)
        }
        self.append(jsonEscapingDecoded: path, plusIsSpace: false)
        self.append(ASCII.quote)
    }
}

extension Span where Element == UInt8 {
    /// How long the first label of a host is; all of it where the host is an address.
    var hostPrefixCount: Int {
        guard let last = self.indices.last, self[0] != ASCII.openBracket, !ASCII.isDigit(self[last]) else {
            return self.count
        }
        return self.firstIndex(of: ASCII.dot) ?? self.count
    }
}
