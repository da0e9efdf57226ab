package import AWS
package import Bytes
private import Digest
private import HTTP
package import Time

/// How to call one function: everything about the request to the Lambda API that stays the same, made once.
///
/// The event is written first, because the signature covers it; then `writeHead` puts the signed head in front of it,
/// into the headroom of the same buffer. The head is built from nothing: no field of a client's request is ever in it.
/// An object, because it is handed about for each request and holds more references than a head has fields.
package final class InvocationTemplate: Sendable {
    /// Where the request goes.
    package let endpoint: ServiceEndpoint
    /// The region for which it is signed: that of the function's ARN, else the one given.
    package let region: String
    /// From the request line to the last of the fields that stay the same.
    private let prefix: [UInt8]
    private let signing: SigningTemplate
    /// Where the tenant comes from.
    package let tenant: TenantSource?
    /// What is signed, for calls whose tenant is not known before.
    private let path: String
    private let query: String
    private let signedFields: [(name: String, value: String)]

    /// Which of the two calls is made.
    package enum Operation: Sendable {
        /// InvokeWithResponseStream.
        case streaming
        /// Invoke.
        case buffered
    }

    /// - Parameters:
    ///   - region: Used where the function's own name says none.
    ///   - tenant: For functions with tenant isolation; a fixed one must be one that `isTenantID` takes.
    ///   - wantsLog: Whether the end of the function's log is to come with the end of the answer.
    package init(
        function: FunctionReference, endpoint: ServiceEndpoint, region: String, tenant: TenantSource? = nil,
        wantsLog: Bool = false, operation: Operation = .streaming
    ) {
        var fields = [("host", endpoint.hostField), ("content-type", "application/json")]
        if case .fixed(let tenantID) = tenant { fields.append(("x-amz-tenant-id", tenantID)) }
        if wantsLog { fields.append(("x-amz-log-type", "Tail")) }
        let path =
            switch operation {
            case .streaming: endpoint.pathPrefix + function.streamingPath
            case .buffered: endpoint.pathPrefix + function.bufferedPath
            }

        var prefix = ByteBuffer()
        prefix.append("POST ")
        prefix.append(path)
        if !function.query.isEmpty {
            prefix.append(ASCII.question)
            prefix.append(function.query)
        }
        prefix.append(" HTTP/1.1\r\n")
        for (name, value) in fields {
            prefix.append(name)
            prefix.append(": ")
            prefix.append(value)
            prefix.append("\r\n")
        }
        // Not signed: AWS writes it into its audit log, and proxies may change it.
        prefix.append("user-agent: sluice\r\n")

        self.tenant = tenant
        self.path = path
        self.query = function.query
        self.signedFields = fields.map { (name: $0.0, value: $0.1) }
        self.endpoint = endpoint
        self.region = function.region ?? region
        self.prefix = prefix.array()
        self.signing = SigningTemplate(
            method: .post, path: path, query: function.query, fields: SignedFields(fields),
            scope: SigningScope(region: self.region, service: "lambda"))
    }

    /// What to reserve in front of an event, so that the head fits there with session tokens of the usual size.
    package var headroom: Int { self.prefix.count + 2048 }

    /// Puts the signed head in front of the event that `buffer` holds. `traceID` is empty or one that `TraceID` takes;
    /// `tenantID` is one that `isTenantID` takes, where the tenant is not fixed.
    package func writeHead(
        before buffer: inout ByteBuffer, signer: SigV4Signer, credentials: borrowing Credentials, at time: WallTime,
        traceID: borrowing ShortText = ShortText(), tenantID: String? = nil, scratch: inout ByteBuffer
    ) {
        scratch.removeAll()
        scratch.append(self.prefix)
        scratch.append("content-length: ")
        scratch.append(decimal: buffer.count)
        scratch.append("\r\n")
        // Nobody may smuggle a line into the head, whatever was promised.
        if !traceID.isEmpty, Fields.isValue(traceID.bytes) {
            scratch.append("x-amzn-trace-id: ")
            scratch.append(traceID)
            scratch.append("\r\n")
        }
        let hash = signer.payloadHash(of: buffer.bytes)
        if let tenantID, Self.isTenantID(tenantID) {
            scratch.append("x-amz-tenant-id: ")
            scratch.append(tenantID)
            scratch.append("\r\n")
            signer.appendSignature(
                to: &scratch, method: .post, path: self.path, query: self.query,
                signedFields: SignedFields(self.signedFields + [(name: "x-amz-tenant-id", value: tenantID)]),
                payloadHash: hash,
                scope: SigningScope(region: self.region, service: "lambda"), credentials: credentials, at: time)
        } else {
            signer.appendSignature(
                to: &scratch, template: self.signing, payloadHash: hash, credentials: credentials, at: time)
        }
        scratch.append("\r\n")
        buffer.prepend(scratch.bytes)
    }

    /// Whether a text can be a tenant's id: 1 to 256 of `[a-zA-Z0-9._:/=+\-@ ]`. A space at either end would be lost on
    /// the way (RFC 9110 §5.5), and the call be one for another tenant.
    package static func isTenantID(_ text: String) -> Bool {
        (1...256).contains(text.utf8.count) && text.utf8.first != ASCII.space && text.utf8.last != ASCII.space
            && text.utf8.allSatisfy { byte in
                ASCII.isLetter(byte) || ASCII.isDigit(byte) || "._:/=+-@ ".utf8.contains(byte)
            }
    }
}
