private import Bytes
private import COpenSSL

/// The public key of somebody who signs, to check signatures with.
// SAFETY: the pointer is set once and the key is not changed after that; libcrypto allows a key to be used by several
// threads at once, and counts its references atomically.
@safe package final class PublicKey: @unchecked Sendable {
    private let pointer: OpaquePointer
    /// What kind of key it is.
    package let kind: Kind

    /// Kinds of keys.
    package enum Kind: Sendable, Hashable {
        case rsa
        case elliptic(EllipticCurve)
        case ed25519
    }

    /// The sizes of RSA keys that are taken. RFC 7518 §3.3: "A key of size 2048 bits or larger MUST be used". The upper
    /// end bounds what one signature may cost.
    package static var rsaBits: ClosedRange<Int> { 2048...8192 }

    /// An RSA key of its two numbers, the most significant byte first. `nil` where they are none, or too small or
    /// large.
    package convenience init?(rsaModulus modulus: Span<UInt8>, exponent: Span<UInt8>) {
        // An exponent of 1 signs everything, and an even one nothing.
        guard let last = exponent.indices.last, exponent.count <= 8, exponent[last] & 1 == 1,
            exponent.count > 1 || exponent[0] > 1, modulus.count <= Self.rsaBits.upperBound / 8 + 1
        else { return nil }
        // AlgorithmIdentifier: rsaEncryption, NULL (RFC 3279 §2.3.1).
        let algorithm: [UInt8] = [
            0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
        ]
        let numbers = DER.sequence(DER.integer(modulus), DER.integer(exponent))
        self.init(subjectPublicKeyInfo: DER.sequence(algorithm, DER.bitString(numbers)), .rsa)
        guard Self.rsaBits.contains(Int(unsafe EVP_PKEY_get_bits(self.pointer))) else { return nil }
    }

    /// A point on a curve. `nil` where it does not lie on it.
    package convenience init?(_ curve: EllipticCurve, x: Span<UInt8>, y: Span<UInt8>) {
        guard x.count == curve.byteCount, y.count == curve.byteCount else { return nil }
        // AlgorithmIdentifier: id-ecPublicKey and the curve's name (RFC 5480 §2.1).
        let ecPublicKey: [UInt8] = [0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01]
        let name: [UInt8] =
            switch curve {
            case .p256: [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]
            case .p384: [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22]
            case .p521: [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23]
            }
        let point = DER.bitString([0x04] + x.array() + y.array())
        self.init(
            subjectPublicKeyInfo: DER.sequence(DER.sequence(ecPublicKey, name), point), .elliptic(curve))
    }

    /// A key for Ed25519 (RFC 8032 §5.1.5).
    package convenience init?(ed25519 bytes: Span<UInt8>) {
        guard bytes.count == 32 else { return nil }
        // AlgorithmIdentifier: id-Ed25519 (RFC 8410 §3).
        let algorithm: [UInt8] = [0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70]
        self.init(subjectPublicKeyInfo: DER.sequence(algorithm, DER.bitString(bytes.array())), .ed25519)
    }

    private init?(subjectPublicKeyInfo bytes: [UInt8], _ kind: Kind) {
        ERR_clear_error()
        let pointer = unsafe bytes.withUnsafeBufferPointer { bytes -> OpaquePointer? in
            // SAFETY: the library reads the bytes within this call.
            var position = bytes.baseAddress
            return unsafe d2i_PUBKEY(nil, &position, bytes.count)
        }
        ERR_clear_error()
        guard let pointer = unsafe pointer else { return nil }
        unsafe self.pointer = pointer
        self.kind = kind
    }

    deinit {
        unsafe EVP_PKEY_free(self.pointer)
    }

    /// Whether signatures of a scheme can be this key's.
    package func fits(_ scheme: SignatureScheme) -> Bool {
        switch (scheme, self.kind) {
        case (.rsaPKCS1, .rsa), (.rsaPSS, .rsa), (.ed25519, .ed25519): true
        case (.ecdsa(let wanted, _), .elliptic(let curve)): wanted == curve
        case (.rsaPKCS1, _), (.rsaPSS, _), (.ecdsa, _), (.ed25519, _): false
        }
    }

    /// Whether the key's owner has signed a message.
    package func verifies(_ signature: Span<UInt8>, of message: Span<UInt8>, by scheme: SignatureScheme) -> Bool {
        guard self.fits(scheme) else { return false }
        guard case .ecdsa(let curve, _) = scheme else { return self.check(signature, message, scheme) }
        // libcrypto takes the two numbers as ASN.1 has them (RFC 3279 §2.2.3).
        guard signature.count == curve.byteCount * 2 else { return false }
        let encoded = DER.sequence(
            DER.integer(signature.extracting(..<curve.byteCount)),
            DER.integer(signature.extracting(curve.byteCount...)))
        return self.check(encoded.span, message, scheme)
    }

    private func check(_ signature: Span<UInt8>, _ message: Span<UInt8>, _ scheme: SignatureScheme) -> Bool {
        ERR_clear_error()
        defer { ERR_clear_error() }
        guard let context = unsafe EVP_MD_CTX_new() else { return false }
        defer { unsafe EVP_MD_CTX_free(context) }
        var keyContext: OpaquePointer?
        guard unsafe EVP_DigestVerifyInit(context, &keyContext, scheme.digest, nil, self.pointer) == 1 else {
            return false
        }
        if case .rsaPSS = scheme {
            // SAFETY: the key's context belongs to `context`, which is there until the end.
            guard unsafe EVP_PKEY_CTX_set_rsa_padding(keyContext, RSA_PKCS1_PSS_PADDING) == 1,
                unsafe EVP_PKEY_CTX_set_rsa_pss_saltlen(keyContext, RSA_PSS_SALTLEN_DIGEST) == 1
            else { return false }
        }
        return unsafe signature.withUnsafeBufferPointer { signature in
            unsafe message.withUnsafeBufferPointer { message in
                // SAFETY: the library reads both within this call.
                unsafe EVP_DigestVerify(
                    context, signature.baseAddress, signature.count, message.baseAddress, message.count) == 1
            }
        }
    }
}

extension SignatureScheme {
    /// The library's hash; none where the scheme has its own.
    @unsafe fileprivate var digest: OpaquePointer? {
        switch self {
        case .rsaPKCS1(let hash), .rsaPSS(let hash), .ecdsa(_, let hash):
            switch hash {
            case .sha256: unsafe EVP_sha256()
            case .sha384: unsafe EVP_sha384()
            case .sha512: unsafe EVP_sha512()
            }
        case .ed25519: nil
        }
    }
}
