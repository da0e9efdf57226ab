internal import Bytes
internal import HTTP
internal import JSON
internal import Time

/// Writes a request as the event of payload format 1.0, as a REST API with proxy integration sends it.
///
/// What such an API does not know is `null`, and not absent. Header names keep the client's spelling; of repeated names
/// and parameters the single maps have the last value and the multi-value maps all.
enum EventV1 {
    /// Appends the event.
    static func append(
        to buffer: inout ByteBuffer, head: borrowing RequestHead, context: borrowing EventContext, format: EventFormat,
        body: Span<UInt8>
    ) {
        let sentPath = context.path ?? head.target.path
        let path = sentPath.utf8.span
        let query = head.target.query.utf8.span
        let resource = context.route?.resource ?? "/{proxy+}"
        buffer.append(#"{"resource":"#)
        buffer.append(jsonString: resource)
        buffer.append(#","path":"#)
        buffer.append(jsonString: path.withoutLeadingSlashes)
        buffer.append(#","httpMethod":"#)
        buffer.append(jsonString: head.method.rawValue)
        let lines = HeaderMapLines(head.fields)
        var style = HeaderMapStyle(keepsSpelling: true, hasContentLength: false)
        buffer.append(#","headers":"#)
        buffer.append(headerMapOf: head, context: context, lines: lines, style: style)
        buffer.append(#","multiValueHeaders":"#)
        style.hasLists = true
        buffer.append(headerMapOf: head, context: context, lines: lines, style: style)
        if !buffer.append(query: query, as: #","queryStringParameters":{"#, .last, isDecoded: true) {
            buffer.append(#","queryStringParameters":null"#)
        }
        if !buffer.append(query: query, as: #","multiValueQueryStringParameters":{"#, .lists, isDecoded: true) {
            buffer.append(#","multiValueQueryStringParameters":null"#)
        }
        buffer.append(#","pathParameters":"#)
        buffer.append(pairsOrNull: context.route?.parameters ?? [])
        buffer.append(#","stageVariables":"#)
        buffer.append(pairsOrNull: format.stageVariables)
        buffer.appendRequestContext(
            of: head, context: context, format: format, path: path, resource: resource,
            userAgent: lines.walk.marks.userAgent)
        buffer.append(#","body":"#)
        if body.isEmpty {
            buffer.append(#"null,"isBase64Encoded":false"#)
        } else {
            buffer.append(eventBodyValue: body, form: format.bodyTypes.form(of: head.fields, for: .v1))
        }
        buffer.append(ASCII.closeBrace)
    }
}

extension ByteBuffer {
    fileprivate mutating func append(pairsOrNull pairs: [EventPair]) {
        if pairs.isEmpty { self.append("null") } else { self.append(eventPairs: pairs) }
    }

    /// Appends `"requestContext"` and the comma in front of it.
    fileprivate mutating func appendRequestContext(
        of head: borrowing RequestHead, context: borrowing EventContext, format: EventFormat, path: Span<UInt8>,
        resource: String, userAgent: Int?
    ) {
        let hostText = head.authority?.host ?? context.connection.defaultHost
        let host = hostText.utf8.span
        let prefix = host.extracting(0..<host.hostPrefixCount)
        self.append(#","requestContext":{"accountId":"#)
        self.append(jsonString: format.account)
        self.append(#","apiId":"#)
        self.append(jsonString: prefix)
        context.authorizer?.appendClaims(to: &self)
        self.append(#","deploymentId":"sluice","domainName":"#)
        self.append(jsonString: host)
        self.append(#","domainPrefix":"#)
        self.append(jsonString: prefix)
        self.append(#","extendedRequestId":"#)
        self.append(jsonString: context.requestID)
        self.append(#","httpMethod":"#)
        self.append(jsonString: head.method.rawValue)
        self.append(
            #","identity":{"accessKey":null,"accountId":null,"caller":null,"#)
        if let certificate = context.connection.clientCertificate {
            self.append(#""clientCert":"#)
            self.append(certificate)
            self.append(ASCII.comma)
        }
        self.append(#""cognitoAuthenticationProvider":null,"#)
        self.append(
            #""cognitoAuthenticationType":null,"cognitoIdentityId":null,"cognitoIdentityPoolId":null,"#)
        self.append(#""principalOrgId":null,"sourceIp":"#)
        self.append(jsonString: context.sourceAddress)
        self.append(#","user":null,"userAgent":"#)
        if let userAgent {
            self.append(jsonString: head.fields.value(at: userAgent))
        } else {
            self.append("null")
        }
        self.append(#","userArn":null},"path":"/"#)
        self.append(jsonEscaping: format.stage.utf8.span)
        self.append(jsonEscaping: path)
        self.append(#"","protocol":""#)
        self.append(head.version.name)
        self.append(#"","requestId":"#)
        self.append(jsonString: context.requestID)
        self.append(#","requestTime":""#)
        self.append(context.time)
        self.append(#"","requestTimeEpoch":"#)
        self.append(decimal: context.time.moment.milliseconds)
        self.append(#","resourceId":"sluice","resourcePath":"#)
        self.append(jsonString: resource)
        self.append(#","stage":"#)
        self.append(jsonString: format.stage)
        self.append(ASCII.closeBrace)
    }
}

extension Span where Element == UInt8 {
    /// The path with one slash in front where there were several.
    fileprivate var withoutLeadingSlashes: Span<UInt8> {
        @_lifetime(copy self)
        get {
            var start = 0
            while start + 1 < self.count, self[start] == ASCII.slash, self[start + 1] == ASCII.slash { start += 1 }
            return self.extracting(start..<self.count)
        }
    }
}
