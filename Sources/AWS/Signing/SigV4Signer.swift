package import Bytes
package import Digest
package import HTTP
package import Time

/// Signs requests with Signature Version 4 (`AWS4-HMAC-SHA256`).
///
/// One for each loop: it keeps the derived keys, the last date it wrote, a hash context and its buffers, so that a
/// signature allocates nothing and derives nothing.
package final class SigV4Signer {
    private var workspace = SigningWorkspace()

    package init() {}

    /// The digest of a payload, made with the signer's context.
    package func payloadHash(of payload: Span<UInt8>) -> SHA256Digest {
        self.workspace.hash.digest(of: payload)
    }

    /// Appends `x-amz-date`, `x-amz-security-token` (where the credentials have one) and `authorization` as lines of an
    /// HTTP/1.1 head. The signature covers them and everything in the template, whose fields must be sent as they were
    /// given.
    package func appendSignature(
        to buffer: inout ByteBuffer, template: SigningTemplate, payloadHash: SHA256Digest, credentials: Credentials,
        at time: WallTime
    ) {
        self.workspace.sign(
            to: &buffer, template: template, payloadHash: payloadHash, credentials: credentials, at: time)
    }

    /// The same without a template. `path` and `query` are given as they go over the wire.
    package func appendSignature(
        to buffer: inout ByteBuffer, method: Method, path: String, query: String, signedFields: SignedFields,
        payloadHash: SHA256Digest, scope: SigningScope, credentials: Credentials, at time: WallTime
    ) {
        let template = SigningTemplate(method: method, path: path, query: query, fields: signedFields, scope: scope)
        self.appendSignature(
            to: &buffer, template: template, payloadHash: payloadHash, credentials: credentials, at: time)
    }
}

@available(*, unavailable)
extension SigV4Signer: Sendable {}

/// What a signer keeps between signatures.
private struct SigningWorkspace: ~Copyable {
    var hash = SHA256()
    private var canonicalRequest = ByteBuffer()
    private var keys = SigningKeys()
    /// `20260102T030405Z` of `timestampSecond`.
    private var timestamp = ByteBuffer()
    private var timestampSecond = Int64.min
    private var stringToSign = ByteBuffer()

    /// Appends the lines of a signature.
    mutating func sign(
        to buffer: inout ByteBuffer, template: SigningTemplate, payloadHash: SHA256Digest, credentials: Credentials,
        at time: WallTime
    ) {
        self.updateTimestamp(to: time)
        self.writeCanonicalRequest(template, payloadHash: payloadHash, token: credentials.sessionToken)
        let key = self.keys.key(of: credentials, day: time.day, scope: template.scope, with: &self.hash)
        let scopeText = key.scopeText

        self.stringToSign.removeAll()
        self.stringToSign.append(
            stringToSignFor: self.hash.digest(of: self.canonicalRequest), timestamp: self.timestamp,
            scope: scopeText.span)
        let signature = self.hash.authenticationCode(for: self.stringToSign, key: key.key)

        buffer.append("x-amz-date: ")
        buffer.append(self.timestamp.bytes)
        if let token = credentials.sessionToken {
            buffer.append("\r\nx-amz-security-token: ")
            buffer.append(token)
        }
        buffer.append("\r\nauthorization: AWS4-HMAC-SHA256 Credential=")
        buffer.append(credentials.accessKeyID)
        buffer.append(ASCII.slash)
        buffer.append(scopeText)
        buffer.append(", SignedHeaders=")
        if credentials.sessionToken == nil {
            buffer.append(template.plain.names)
        } else {
            buffer.append(template.withToken.names)
        }
        buffer.append(", Signature=")
        buffer.append(hexadecimalOf: signature)
        buffer.append("\r\n")
    }

    private mutating func writeCanonicalRequest(
        _ template: SigningTemplate, payloadHash: SHA256Digest, token: String?
    ) {
        self.canonicalRequest.removeAll()
        self.canonicalRequest.append(template.prefix)
        self.canonicalRequest.append(contentsOf: self.timestamp)
        if let token {
            self.canonicalRequest.append(template.withToken.start)
            self.canonicalRequest.append(token)
            self.canonicalRequest.append(template.withToken.end)
        } else {
            self.canonicalRequest.append(template.plain.start)
        }
        self.canonicalRequest.append(hexadecimalOf: payloadHash)
    }

    private mutating func updateTimestamp(to time: WallTime) {
        let second = time.seconds
        if second == self.timestampSecond { return }
        self.timestampSecond = second
        self.timestamp.removeAll()
        self.timestamp.append(basicISO8601: time.calendar)
    }
}

extension ByteBuffer {
    /// Appends what is signed in the end: algorithm, time, scope, and the hash of the canonical request.
    mutating func append(
        stringToSignFor request: SHA256Digest, timestamp: borrowing ByteBuffer, scope: Span<UInt8>
    ) {
        self.append("AWS4-HMAC-SHA256\n")
        self.append(timestamp.bytes)
        self.append(ASCII.lineFeed)
        self.append(scope)
        self.append(ASCII.lineFeed)
        self.append(hexadecimalOf: request)
    }

    /// Appends what another buffer holds. A span of one stored property may not be lent to another one of the same value,
    /// the buffer itself may; the same holds for the two below.
    fileprivate mutating func append(contentsOf other: borrowing ByteBuffer) {
        self.append(other.bytes)
    }
}

extension SHA256 {
    /// The digest of what a buffer holds.
    mutating func digest(of buffer: borrowing ByteBuffer) -> SHA256Digest {
        self.digest(of: buffer.bytes)
    }

    /// The HMAC of what a buffer holds.
    mutating func authenticationCode(for buffer: borrowing ByteBuffer, key: HMACKey) -> SHA256Digest {
        self.authenticationCode(for: buffer.bytes, key: key)
    }
}
