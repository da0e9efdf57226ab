package import Bytes
package import Digest
package import HTTP
package import Time

/// Signs requests with Signature Version 4 (`AWS4-HMAC-SHA256`).
///
/// One for each loop: it keeps the derived keys, what the signatures of a second have in common, a hash context and a
/// buffer, so that a signature allocates nothing and derives nothing.
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
    private var moments = SigningMoments()
    /// The digits of a hash that is hashed in its turn.
    private var digits = ByteBuffer()

    /// Appends the lines of a signature.
    mutating func sign(
        to buffer: inout ByteBuffer, template: SigningTemplate, payloadHash: SHA256Digest, credentials: Credentials,
        at time: WallTime
    ) {
        let moment = self.moments.moment(of: template, credentials, at: time, with: &self.hash)
        self.digits.write(hexadecimalOf: payloadHash)
        let request = self.hash.digest(of: self.digits, after: moment.request)
        self.digits.write(hexadecimalOf: request)
        let signature = self.hash.authenticationCode(for: self.digits, after: moment.stringToSign, key: moment.key.key)
        buffer.append(moment.lines)
        buffer.append(hexadecimalOf: signature)
        buffer.append("\r\n")
    }
}

extension ByteBuffer {
    /// Appends what is signed in the end: algorithm, time, scope, and the hash of the canonical request.
    mutating func append(
        stringToSignFor request: SHA256Digest, timestamp: borrowing ByteBuffer, scope: Span<UInt8>
    ) {
        self.append(stringToSignUpToRequest: timestamp.bytes, scope: scope)
        self.append(hexadecimalOf: request)
    }

    /// Appends what of it stands in front of the hash of the canonical request.
    mutating func append(stringToSignUpToRequest timestamp: Span<UInt8>, scope: Span<UInt8>) {
        self.append("AWS4-HMAC-SHA256\n")
        self.append(timestamp)
        self.append(ASCII.lineFeed)
        self.append(scope)
        self.append(ASCII.lineFeed)
    }

    /// Replaces what there is by the digits of a digest.
    fileprivate mutating func write(hexadecimalOf digest: SHA256Digest) {
        self.removeAll()
        self.append(hexadecimalOf: digest)
    }
}

/// A span of one stored property may not be lent to another one of the same value; a buffer itself may.
extension SHA256 {
    /// The digest of what a buffer holds.
    mutating func digest(of buffer: borrowing ByteBuffer) -> SHA256Digest {
        self.digest(of: buffer.bytes)
    }

    /// The HMAC of what a buffer holds.
    mutating func authenticationCode(for buffer: borrowing ByteBuffer, key: HMACKey) -> SHA256Digest {
        self.authenticationCode(for: buffer.bytes, key: key)
    }

    /// The same where the beginning has been taken in before.
    fileprivate mutating func digest(
        of buffer: borrowing ByteBuffer, after beginning: borrowing SHA256State
    ) -> SHA256Digest {
        self.digest(of: buffer.bytes, after: beginning)
    }

    /// The same where the beginning has been taken in before.
    fileprivate mutating func authenticationCode(
        for buffer: borrowing ByteBuffer, after beginning: borrowing SHA256State, key: borrowing HMACKey
    ) -> SHA256Digest {
        self.authenticationCode(for: buffer.bytes, after: beginning, key: key)
    }
}
