package import AWS
package import Bytes
package import HTTP
package import Lambda
private import Digest
package import Time

/// How requests are forwarded to one HTTP upstream: a function URL, or any other server.
///
/// The request goes on as the client sent it, but for what belongs to the client's connection and for what the gateway
/// states itself: `Host` is the upstream's, `X-Forwarded-*` and `X-Real-IP` tell of the client, `X-Request-Id` is the
/// request's id and `X-Amzn-Trace-Id` its trace.
package final class ForwardingTemplate: Sendable {
    package let endpoint: ServiceEndpoint
    /// The region that requests are signed for; `nil` where they are not signed.
    package let region: String?

    /// - Parameter region: The region to sign for; `nil` to leave requests unsigned.
    package init(endpoint: ServiceEndpoint, signingFor region: String?) {
        self.endpoint = endpoint
        self.region = region
    }

    /// Whether a body goes on as it comes. One that is signed has to be known first, because the signature covers it.
    package var streamsBody: Bool { self.region == nil }

    /// How the upstream is told where the body ends.
    package enum BodyFraming: Equatable, Sendable {
        case none
        /// It has so many bytes.
        case length(Int)
        case chunked
    }

    /// How the body of a request is framed that is forwarded as it comes.
    package static func framing(of head: borrowing RequestHead) -> BodyFraming {
        switch head.bodyLength {
        case .known(let count): .length(count)
        case .unknown: .chunked
        // RFC 9110 §8.6: SHOULD send Content-Length where the method anticipates content.
        case .none: ["POST", "PUT", "PATCH"].contains(head.method.rawValue) ? .length(0) : .none
        }
    }

    /// Appends the head of a request, the empty line at its end included.
    ///
    /// - Parameters:
    ///   - host: The Host that the upstream is to see, where a route sets it; else the upstream's own.
    ///   - signature: What is needed to sign; needed where the template has a region.
    package func appendHead(
        to buffer: inout ByteBuffer, head: borrowing RequestHead, context: borrowing EventContext,
        framing: BodyFraming, host: String? = nil, signature: ForwardingSignature? = nil
    ) {
        let path = context.path ?? head.target.path
        let wirePath = self.endpoint.pathPrefix + path
        buffer.append(head.method.rawValue)
        buffer.append(ASCII.space)
        buffer.append(wirePath)
        if !head.target.query.isEmpty {
            buffer.append(ASCII.question)
            buffer.append(head.target.query)
        }
        buffer.append(" HTTP/1.1\r\n")
        let host = host ?? self.endpoint.hostField
        buffer.append(field: "host", host)
        let fields = head.fields
        var forwardedFor: [Int] = []
        var contentTypes: [String] = []
        for index in fields.indices {
            switch Kind(fields.name(at: index), isSigned: self.region != nil) {
            case .own: continue
            case .forwardedFor: if context.connection.keepsForwardedFor { forwardedFor.append(index) }
            case .authorization:
                // AWS takes the field itself for its signature.
                buffer.append(field: "x-forwarded-authorization", fields.value(at: index))
            case .contentType:
                if self.region != nil { contentTypes.append(fields.value(at: index).string()) }
                buffer.append(fieldAt: index, of: fields)
            case .other: buffer.append(fieldAt: index, of: fields)
            }
        }
        buffer.append("x-forwarded-for: ")
        for index in forwardedFor {
            buffer.append(fields.value(at: index))
            buffer.append(", ")
        }
        if forwardedFor.isEmpty, context.connection.keepsForwardedFor,
            context.sourceAddress != context.connection.peerAddress
        {
            // The proxy said it in `Forwarded`.
            buffer.append(context.sourceAddress)
            buffer.append(", ")
        }
        buffer.append(context.connection.peerAddress)
        buffer.append("\r\n")
        buffer.append(field: "x-real-ip", context.sourceAddress)
        buffer.append(field: "x-forwarded-proto", context.scheme)
        buffer.append(field: "x-forwarded-port", decimal: Int(context.port))
        if let authority = head.authority {
            buffer.append("x-forwarded-host: ")
            buffer.append(authority.host)
            if let port = authority.port {
                buffer.append(ASCII.colon)
                buffer.append(decimal: port)
            }
            buffer.append("\r\n")
        }
        buffer.append(field: "x-request-id", context.requestID.bytes)
        if !context.traceID.isEmpty { buffer.append(field: "x-amzn-trace-id", context.traceID.bytes) }
        switch framing {
        case .none: break
        case .length(let count): buffer.append(field: "content-length", decimal: count)
        case .chunked: buffer.append("transfer-encoding: chunked\r\n")
        }
        if let region = self.region, let signature {
            let signed = [("host", host)] + contentTypes.map { ("content-type", $0) }
            signature.signer.appendSignature(
                to: &buffer, method: head.method, path: wirePath, query: head.target.query,
                signedFields: SignedFields(signed), payloadHash: signature.payloadHash,
                scope: SigningScope(region: region, service: "lambda"), credentials: signature.credentials,
                at: signature.time)
        }
        buffer.append("\r\n")
    }

    /// What becomes of a field of the client.
    private enum Kind {
        case other
        case contentType
        case forwardedFor
        case authorization
        /// The gateway's own to state, or spent with the client's connection.
        case own

        init(_ name: Span<UInt8>, isSigned: Bool) {
            switch name.count {
            case 4 where name.equals("host"), 6 where name.equals("expect"), 9 where name.equals("x-real-ip"),
                12 where name.equals("x-request-id"), 14 where name.equals("content-length"),
                15 where name.equals("x-amzn-trace-id"), 16 where name.equals("x-forwarded-host"),
                16 where name.equals("x-forwarded-port"), 17 where name.equals("x-forwarded-proto"):
                self = .own
            case 15 where name.equals("x-forwarded-for"):
                self = .forwardedFor
            case 12 where name.equals("content-type"):
                self = .contentType
            case 13 where isSigned && name.equals("authorization"):
                self = .authorization
            case 25 where isSigned && name.equals("x-forwarded-authorization"):
                self = .own
            // Whatever begins so would have to be signed, and some of it means something to AWS.
            case 7... where isSigned && name.extracting(0..<6).equals("x-amz-"):
                self = .own
            default:
                self = .other
            }
        }
    }
}

/// What a forwarded request is signed with.
package struct ForwardingSignature {
    fileprivate let signer: SigV4Signer
    fileprivate let credentials: Credentials
    fileprivate let payloadHash: SHA256Digest
    fileprivate let time: WallTime

    /// - Parameter body: All of the request's body.
    package init(signer: SigV4Signer, credentials: Credentials, body: Span<UInt8>, at time: WallTime) {
        self.signer = signer
        self.credentials = credentials
        self.payloadHash = signer.payloadHash(of: body)
        self.time = time
    }
}

extension ServiceEndpoint {
    /// The region of a function URL, `ID.lambda-url.REGION.on.aws`; `nil` for any other host.
    package var functionURLRegion: String? {
        let labels = self.host.split(separator: ".")
        guard labels.count >= 5, labels[1] == "lambda-url", labels[3] == "on" else { return nil }
        return String(labels[2])
    }
}
