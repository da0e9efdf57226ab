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
        if self.used <= 512 - 8 {
            // PERF: nearly always in one piece; byte by byte it took 45 instructions, four times a request.
            var pool = self.pool.mutableSpan
            unsafe pool.withUnsafeMutableBytes { pool in
                // SAFETY: eight bytes lie behind `used`, as was seen.
                unsafe number = pool.loadUnaligned(fromByteOffset: self.used, as: UInt64.self)
                unsafe pool.storeBytes(of: 0, toByteOffset: self.used, as: UInt64.self)
            }
            self.used += 8
        } else {
            for _ in 0..<8 { number = number << 8 | UInt64(self.next()) }
        }
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

    /// A random number from 0 up to and without 1.
    package static func unit() -> Double {
        var random = RandomBytes()
        return random.nextUnit()
    }

    /// The next number from 0 up to and without 1: as many bits as a `Double` holds.
    package mutating func nextUnit() -> Double {
        Double(self.nextNumber() >> 11) / Double(1 << 53)
    }

    /// A random UUID, version 4 (RFC 9562 §5.4), in lower case.
    package static func uuid() -> ShortText {
        var random = RandomBytes()
        return random.uuid()
    }

    /// A random UUID, version 4 (RFC 9562 §5.4), in lower case.
    package mutating func uuid() -> ShortText {
        let high = self.nextNumber() & 0xffff_ffff_ffff_0fff | 0x4000
        let low = self.nextNumber() & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000
        let first = UInt32(truncatingIfNeeded: high >> 32).lowerHexDigits
        let second = UInt32(truncatingIfNeeded: high).lowerHexDigits
        let third = UInt32(truncatingIfNeeded: low >> 32).lowerHexDigits
        let fourth = UInt32(truncatingIfNeeded: low).lowerHexDigits
        // PERF: eight digits are made and written at a time; one by one they take four times as long. Stored as they
        // lie in memory, for processors whose lowest byte comes first, as all are that the product runs on.
        return unsafe ShortText(count: 36) { target in
            // SAFETY: 36 bytes are written, which is what there is room for.
            unsafe target.storeBytes(of: first, as: UInt64.self)
            unsafe target.storeBytes(of: ASCII.minus, toByteOffset: 8, as: UInt8.self)
            unsafe target.storeBytes(of: UInt32(truncatingIfNeeded: second), toByteOffset: 9, as: UInt32.self)
            unsafe target.storeBytes(of: ASCII.minus, toByteOffset: 13, as: UInt8.self)
            unsafe target.storeBytes(of: UInt32(truncatingIfNeeded: second >> 32), toByteOffset: 14, as: UInt32.self)
            unsafe target.storeBytes(of: ASCII.minus, toByteOffset: 18, as: UInt8.self)
            unsafe target.storeBytes(of: UInt32(truncatingIfNeeded: third), toByteOffset: 19, as: UInt32.self)
            unsafe target.storeBytes(of: ASCII.minus, toByteOffset: 23, as: UInt8.self)
            unsafe target.storeBytes(of: UInt32(truncatingIfNeeded: third >> 32), toByteOffset: 24, as: UInt32.self)
            unsafe target.storeBytes(of: fourth, toByteOffset: 28, as: UInt64.self)
        }
    }
}
