private import COpenSSL

/// Computes SHA-256 digests, one after the other.
///
/// PERF: libcrypto's plain functions on a context in place. `EVP_DigestInit_ex2` takes memory from the heap for each
/// digest and `EVP_DigestFinal_ex` wipes and frees it: 600 instructions a digest, of which a signed request has four.
package struct SHA256: ~Copyable {
    private var state = SHA256State()

    package init() {}

    /// Takes in a part of the message.
    package mutating func update(_ bytes: Span<UInt8>) {
        self.state.update(bytes)
    }

    /// The digest of everything since the last one. The next `update` begins a new message.
    package mutating func finish() -> SHA256Digest {
        let digest = self.state.finish()
        self.state = SHA256State()
        return digest
    }

    /// Goes on from a state in which some bytes have been taken in.
    mutating func resume(from state: SHA256State) {
        self.state = state
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

    /// The digest of one message whose beginning has been taken in before.
    package mutating func digest(of rest: Span<UInt8>, after beginning: borrowing SHA256State) -> SHA256Digest {
        self.resume(from: copy beginning)
        return self.digest(of: rest)
    }
}

/// What SHA-256 has made of the bytes so far: a plain value, copied to go on from it more than once.
package struct SHA256State: Sendable {
    private var context = SHA256_CTX()

    /// The state before the first byte.
    init() {
        let succeeded = unsafe sluice_sha256_init(&self.context)
        precondition(succeeded == 1, "SHA-256 failed")
    }

    /// The state behind the beginning of a message.
    package init(after beginning: Span<UInt8>) {
        self.init()
        self.update(beginning)
    }

    mutating func update(_ bytes: Span<UInt8>) {
        if bytes.isEmpty { return }
        let succeeded = unsafe bytes.withUnsafeBytes { bytes in
            // SAFETY: the library reads the bytes within this call.
            unsafe sluice_sha256_update(&self.context, bytes.baseAddress, bytes.count)
        }
        precondition(succeeded == 1, "SHA-256 failed")
    }

    /// The digest. The state is of no use after that.
    mutating func finish() -> SHA256Digest {
        var digest = InlineArray<32, UInt8>(repeating: 0)
        var bytes = digest.mutableSpan
        let succeeded = unsafe bytes.withUnsafeMutableBufferPointer { bytes in
            // SAFETY: SHA-256 writes 32 bytes, which is what the array holds.
            unsafe sluice_sha256_final(bytes.baseAddress, &self.context)
        }
        precondition(succeeded == 1, "SHA-256 failed")
        return SHA256Digest(digest)
    }
}
