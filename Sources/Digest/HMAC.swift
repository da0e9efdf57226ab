/// A key for HMAC-SHA-256 (RFC 2104), kept as what the hash makes of the two pads that it is turned into.
///
/// PERF: each pad is a block of its own, so that a code takes two blocks less than with the pads themselves.
package struct HMACKey: Sendable {
    fileprivate let inner: SHA256State
    fileprivate let outer: SHA256State

    /// A key from bytes of any length; `hash` shortens one that is longer than a block.
    package init(_ key: Span<UInt8>, with hash: inout SHA256) {
        var inner = InlineArray<64, UInt8>(repeating: 0x36)
        var outer = InlineArray<64, UInt8>(repeating: 0x5c)
        if key.count > 64 {
            let digest = hash.digest(of: key)
            for index in 0..<32 {
                inner[index] ^= digest.bytes[index]
                outer[index] ^= digest.bytes[index]
            }
        } else {
            for index in key.indices {
                inner[index] ^= key[index]
                outer[index] ^= key[index]
            }
        }
        var state = SHA256State()
        state.update(inner.span)
        self.inner = state
        state = SHA256State()
        state.update(outer.span)
        self.outer = state
    }

    /// What the hash makes of the key and the beginning of a message, for many that begin alike.
    package func state(after beginning: Span<UInt8>) -> SHA256State {
        var state = self.inner
        state.update(beginning)
        return state
    }
}

extension HMACKey: CustomStringConvertible, CustomReflectable {
    /// Says nothing of the key.
    package var description: String { "HMACKey" }

    /// Shows nothing of the key.
    package var customMirror: Mirror { Mirror(self, children: []) }
}

extension SHA256 {
    /// The HMAC of a message.
    package mutating func authenticationCode(for message: Span<UInt8>, key: borrowing HMACKey) -> SHA256Digest {
        self.authenticationCode(for: message, after: key.inner, key: key)
    }

    /// The HMAC of a message whose beginning has been taken in before, by `state(after:)` of the same key.
    package mutating func authenticationCode(
        for rest: Span<UInt8>, after beginning: borrowing SHA256State, key: borrowing HMACKey
    ) -> SHA256Digest {
        let inner = self.digest(of: rest, after: beginning)
        self.resume(from: key.outer)
        self.update(inner.bytes)
        return self.finish()
    }
}
