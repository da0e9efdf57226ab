private import COpenSSL

/// Computes SHA-256 digests, one after the other, with one context of libcrypto that is used again and again.
///
/// Wraps an `EVP_MD_CTX`, which it alone owns.
@safe package struct SHA256: ~Copyable {
    // SAFETY: made in `init`, freed in `deinit`, never handed out.
    private let context: OpaquePointer
    /// Whether the context has been started and not finished.
    private var isStarted = false

    package init() {
        guard let context = unsafe EVP_MD_CTX_new() else { preconditionFailure("libcrypto is out of memory") }
        unsafe self.context = context
    }

    deinit {
        unsafe EVP_MD_CTX_free(self.context)
    }

    /// Takes in a part of the message.
    package mutating func update(_ bytes: Span<UInt8>) {
        if !self.isStarted { self.start() }
        if bytes.isEmpty { return }
        let succeeded = unsafe bytes.withUnsafeBytes { bytes in
            // SAFETY: the library reads the bytes within this call.
            unsafe EVP_DigestUpdate(self.context, bytes.baseAddress, bytes.count)
        }
        precondition(succeeded == 1, "SHA-256 failed")
    }

    /// The digest of everything since the last one. The next `update` begins a new message.
    package mutating func finish() -> SHA256Digest {
        if !self.isStarted { self.start() }
        var digest = InlineArray<32, UInt8>(repeating: 0)
        var bytes = digest.mutableSpan
        let succeeded = unsafe bytes.withUnsafeMutableBufferPointer { bytes in
            // SAFETY: SHA-256 writes 32 bytes, which is what the array holds.
            unsafe EVP_DigestFinal_ex(self.context, bytes.baseAddress, nil)
        }
        precondition(succeeded == 1, "SHA-256 failed")
        self.isStarted = false
        return SHA256Digest(digest)
    }

    private mutating func start() {
        let succeeded = unsafe EVP_DigestInit_ex2(self.context, Algorithm.sha256.pointer, nil)
        precondition(succeeded == 1, "SHA-256 failed")
        self.isStarted = true
    }
}

@available(*, unavailable)
extension SHA256: Sendable {}

extension SHA256 {
    /// The digest of one message, where no `SHA256` is at hand to be used again.
    package static func hash(_ bytes: Span<UInt8>) -> SHA256Digest {
        var hash = SHA256()
        hash.update(bytes)
        return hash.finish()
    }

    /// The digest of one message.
    package mutating func digest(of bytes: Span<UInt8>) -> SHA256Digest {
        self.update(bytes)
        return self.finish()
    }
}

/// The algorithm as libcrypto's provider gives it, looked up once: a look-up for each digest takes longer than a digest.
// SAFETY: an EVP_MD is not changed after it has been fetched, and this one is never freed.
@safe private struct Algorithm: @unchecked Sendable {
    let pointer: OpaquePointer

    static let sha256: Algorithm = {
        // INVARIANT: every libcrypto that the product runs with has SHA-256.
        guard let pointer = unsafe EVP_MD_fetch(nil, "SHA256", nil) else {
            preconditionFailure("libcrypto has no SHA-256")
        }
        return unsafe Algorithm(pointer: pointer)
    }()
}
