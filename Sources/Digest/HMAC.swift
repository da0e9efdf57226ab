/// A key for HMAC-SHA-256 (RFC 2104), kept as the two pads that it is turned into.
package struct HMACKey: Sendable {
    private let innerPad: InlineArray<64, UInt8>
    private let outerPad: InlineArray<64, UInt8>

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
        self.innerPad = inner
        self.outerPad = outer
    }

    fileprivate var inner: Span<UInt8> {
        @_lifetime(borrow self)
        get { self.innerPad.span }
    }

    fileprivate var outer: Span<UInt8> {
        @_lifetime(borrow self)
        get { self.outerPad.span }
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
    package mutating func authenticationCode(for message: Span<UInt8>, key: HMACKey) -> SHA256Digest {
        self.update(key.inner)
        self.update(message)
        let inner = self.finish()
        self.update(key.outer)
        self.update(inner.bytes)
        return self.finish()
    }
}
