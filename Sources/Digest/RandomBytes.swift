package import Bytes
private import COpenSSL

/// Random bytes that nobody can guess, from libcrypto's generator.
///
/// Bytes are fetched 512 at a time: a call of the generator costs as much for sixteen bytes as for many.
package struct RandomBytes: ~Copyable {
    private var pool = InlineArray<512, UInt8>(repeating: 0)
    private var used = 512

    package init() {}

    /// The next byte.
    package mutating func next() -> UInt8 {
        if self.used == 512 {
            var pool = self.pool.mutableSpan
            Self.fill(&pool)
            self.used = 0
        }
        let byte = self.pool[self.used]
        // What has been handed out is not kept.
        self.pool[self.used] = 0
        self.used += 1
        return byte
    }

    /// The next eight bytes as a number.
    package mutating func nextNumber() -> UInt64 {
        var number: UInt64 = 0
        for _ in 0..<8 { number = number << 8 | UInt64(self.next()) }
        return number
    }
}

@available(*, unavailable)
extension RandomBytes: Sendable {}

extension RandomBytes {
    /// Fills a run of bytes, of which there are fewer than 2^31.
    package static func fill(_ bytes: inout MutableSpan<UInt8>) {
        if bytes.isEmpty { return }
        let succeeded = unsafe bytes.withUnsafeMutableBufferPointer { bytes in
            // SAFETY: the library writes `count` bytes within this call.
            unsafe RAND_bytes(bytes.baseAddress, Int32(bytes.count))
        }
        // INVARIANT: the generator is seeded by the kernel, and only a libcrypto that cannot work at all fails.
        precondition(succeeded == 1, "libcrypto has no random bytes")
    }

    /// A random number.
    package static func number() -> UInt64 {
        var random = RandomBytes()
        return random.nextNumber()
    }

    /// A random UUID, version 4 (RFC 9562 §5.4), in lower case.
    package static func uuid() -> String {
        var random = RandomBytes()
        var buffer = ByteBuffer(capacity: 36)
        buffer.append(uuidFrom: &random)
        return buffer.string()
    }
}

extension ByteBuffer {
    /// Appends a random UUID, version 4 (RFC 9562 §5.4), in lower case.
    package mutating func append(uuidFrom random: inout RandomBytes) {
        var bytes = InlineArray<16, UInt8>(repeating: 0)
        for index in bytes.indices { bytes[index] = random.next() }
        bytes[6] = bytes[6] & 0x0f | 0x40
        bytes[8] = bytes[8] & 0x3f | 0x80
        self.append(hexadecimalOf: bytes.span.extracting(0..<4))
        self.append(ASCII.minus)
        self.append(hexadecimalOf: bytes.span.extracting(4..<6))
        self.append(ASCII.minus)
        self.append(hexadecimalOf: bytes.span.extracting(6..<8))
        self.append(ASCII.minus)
        self.append(hexadecimalOf: bytes.span.extracting(8..<10))
        self.append(ASCII.minus)
        self.append(hexadecimalOf: bytes.span.extracting(10..<16))
    }
}
