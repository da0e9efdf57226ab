/// A growable run of bytes with one owner: written at the end, consumed at the front.
///
/// An empty buffer holds no storage, so a connection that has nothing to say costs nothing. Storage can be handed from
/// buffer to buffer (`adopt`, `takeStorage`), which is how a loop keeps a pool of it.
///
///     ┌──────────┬───────────────┬──────────┐
///     │ headroom │     bytes     │  spare   │
///     └──────────┴───────────────┴──────────┘
///     0        start            end      capacity
@safe
@frozen
@usableFromInline
package struct ByteBuffer: ~Copyable {
    // SAFETY: `base` points at `capacity` bytes of which `start..<end` are initialised, and is owned by this value
    // alone.
    @usableFromInline var base: UnsafeMutableRawPointer?
    @usableFromInline var start: Int
    @usableFromInline var end: Int
    /// Bytes of storage held, in all.
    @usableFromInline package internal(set) var capacity: Int

    /// A buffer without storage.
    @inlinable
    package init() {
        unsafe self.base = nil
        self.start = 0
        self.end = 0
        self.capacity = 0
    }

    /// A buffer with storage for `capacity` bytes.
    package init(capacity: Int) {
        precondition(capacity > 0)
        unsafe self.base = Self.allocate(capacity)
        self.start = 0
        self.end = 0
        self.capacity = capacity
    }

    deinit {
        unsafe self.base?.deallocate()
    }

    /// Bytes that wait to be consumed.
    @inlinable
    package var count: Int { self.end - self.start }

    /// Whether no byte waits.
    @inlinable
    package var isEmpty: Bool { self.end == self.start }

    /// The bytes that wait.
    @inlinable
    package var bytes: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            guard let base = unsafe self.base else { return Span() }
            // SAFETY: start..<end is initialised, and the span borrows self.
            let span = unsafe Span<UInt8>(
                _unsafeStart: UnsafePointer((base + self.start).assumingMemoryBound(to: UInt8.self)),
                count: self.end - self.start)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// Lends the bytes that wait, to code that uses the buffer's owner meanwhile.
    @inlinable
    package borrowing func withBytes<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
        body(self.bytes)
    }

    /// Lends the bytes that wait to a system call.
    @inlinable
    package borrowing func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        // SAFETY: start..<end is initialised, and the storage outlives the call.
        unsafe body(
            UnsafeRawBufferPointer(start: self.base.map { unsafe UnsafeRawPointer($0 + self.start) }, count: self.count)
        )
    }

    // Writing.

    /// Makes room for `count` more bytes at the end.
    @inlinable
    package mutating func reserve(_ count: Int) {
        if self.capacity - self.end < count { self.grow(by: count) }
    }

    @usableFromInline
    mutating func grow(by count: Int) {
        let held = self.end - self.start
        if held + count <= self.capacity, self.start >= held, let base = unsafe self.base {
            // Enough has been consumed at the front, and moving costs no more than what was consumed.
            unsafe base.copyMemory(from: base + self.start, byteCount: held)
            self.start = 0
            self.end = held
            return
        }
        let wanted = Swift.max(self.end + count, self.capacity * 2, 256)
        let storage = unsafe Self.allocate(wanted)
        if let base = unsafe self.base {
            // Headroom is kept, as somebody may have reserved it.
            unsafe (storage + self.start).copyMemory(from: base + self.start, byteCount: held)
            unsafe base.deallocate()
        }
        unsafe self.base = storage
        self.capacity = wanted
    }

    /// PERF: with an alignment stated, storage would come from `posix_memalign`, 80 instructions more; `malloc` aligns
    /// to 16 bytes anyhow.
    @unsafe
    private static func allocate(_ count: Int) -> UnsafeMutableRawPointer {
        .allocate(byteCount: count, alignment: 1)
    }

    /// Appends one byte.
    @inlinable
    package mutating func append(_ byte: UInt8) {
        self.reserve(1)
        unsafe self.base.unsafelyUnwrapped.storeBytes(of: byte, toByteOffset: self.end, as: UInt8.self)
        self.end += 1
    }

    /// Appends a run of bytes.
    @inlinable
    package mutating func append(_ bytes: Span<UInt8>) {
        let count = bytes.count
        if count == 0 { return }
        self.reserve(count)
        let target = unsafe self.base.unsafelyUnwrapped + self.end
        unsafe bytes.withUnsafeBytes { source in
            unsafe target.copyMemory(from: source.baseAddress.unsafelyUnwrapped, byteCount: count)
        }
        self.end += count
    }

    /// Appends an array's bytes.
    @inlinable
    package mutating func append(_ bytes: [UInt8]) {
        self.append(bytes.span)
    }

    /// Appends the UTF-8 of a literal.
    @inlinable
    @inline(__always)
    package mutating func append(_ text: StaticString) {
        let count = text.utf8CodeUnitCount
        self.reserve(count)
        // SAFETY: a StaticString's code units live as long as the program; one that holds a scalar never comes from us.
        unsafe (self.base.unsafelyUnwrapped + self.end).copyMemory(from: text.utf8Start, byteCount: count)
        self.end += count
    }

    /// Appends the UTF-8 of a string. A literal is meant for the function above, and would prefer this one.
    @_disfavoredOverload
    @inlinable
    package mutating func append(_ text: String) {
        self.append(text.utf8.span)
    }

    /// Lends at least `minimum` bytes of spare room, and takes in as many as the closure says it wrote there.
    @inlinable
    package mutating func appendUnsafely<Failure: Error>(
        reserving minimum: Int, _ write: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
    ) throws(Failure) {
        self.reserve(minimum)
        // SAFETY: end..<capacity is storage of ours; the closure states what it initialised, which is checked.
        let spare = unsafe UnsafeMutableRawBufferPointer(
            start: self.base.unsafelyUnwrapped + self.end, count: self.capacity - self.end)
        let written = unsafe try write(spare)
        precondition(written >= 0 && written <= self.capacity - self.end)
        self.end += written
    }

    // Writing in front.

    /// Sets aside `count` bytes in front of an empty buffer for a later `prepend`.
    package mutating func reserveHeadroom(_ count: Int) {
        precondition(self.isEmpty, "Headroom is reserved before anything is written")
        self.start = 0
        self.end = 0
        self.reserve(count)
        self.start = count
        self.end = count
    }

    /// Puts bytes in front of those that wait, into the headroom where that suffices.
    package mutating func prepend(_ bytes: Span<UInt8>) {
        let count = bytes.count
        if count == 0 { return }
        if self.start < count {
            // This may move the bytes to the front.
            self.reserve(count)
            let missing = count - self.start
            let base = unsafe self.base.unsafelyUnwrapped
            unsafe (base + count).copyMemory(from: base + self.start, byteCount: self.end - self.start)
            self.start += missing
            self.end += missing
        }
        let target = unsafe self.base.unsafelyUnwrapped + (self.start - count)
        unsafe bytes.withUnsafeBytes { source in
            unsafe target.copyMemory(from: source.baseAddress.unsafelyUnwrapped, byteCount: count)
        }
        self.start -= count
    }

    // Consuming.

    /// Drops the first `count` bytes.
    @inlinable
    package mutating func consume(_ count: Int) {
        precondition(count >= 0 && count <= self.end - self.start)
        self.start += count
        if self.start == self.end {
            self.start = 0
            self.end = 0
        }
    }

    /// Drops every byte from `count` on.
    @inlinable
    package mutating func truncate(to count: Int) {
        precondition(count >= 0 && count <= self.end - self.start)
        self.end = self.start + count
    }

    /// Drops all bytes and keeps the storage.
    @inlinable
    package mutating func removeAll() {
        self.start = 0
        self.end = 0
    }

    // Storage.

    /// Gives up the storage, bytes and all, leaving a buffer without any. `nil` where there was none.
    @unsafe
    package mutating func takeStorage() -> UnsafeMutableRawBufferPointer? {
        guard let base = unsafe self.base else { return nil }
        let storage = unsafe UnsafeMutableRawBufferPointer(start: base, count: self.capacity)
        unsafe self.base = nil
        self.start = 0
        self.end = 0
        self.capacity = 0
        return unsafe storage
    }

    /// Takes over storage that another buffer gave up. The buffer must hold none.
    @unsafe
    package mutating func adopt(_ storage: UnsafeMutableRawBufferPointer) {
        precondition(unsafe self.base == nil)
        unsafe self.base = storage.baseAddress
        self.start = 0
        self.end = 0
        self.capacity = storage.count
    }

    /// Frees the storage, bytes and all.
    package mutating func releaseStorage() {
        if let storage = unsafe self.takeStorage() { unsafe storage.deallocate() }
    }
}

extension ByteBuffer {
    /// Appends a number in decimal digits.
    @inlinable
    package mutating func append(decimal value: some BinaryInteger) {
        if value < 0 { self.append(ASCII.minus) }
        self.append(decimalDigits: UInt64(value.magnitude))
    }

    @usableFromInline
    mutating func append(decimalDigits value: UInt64) {
        // PERF: two digits at a time from the back of the room for twenty, which is as many as there can be, and moved
        // to its front: one by one, and counted before, the 13 digits of a time in milliseconds took 240 instructions.
        self.reserve(20)
        let target = unsafe self.base.unsafelyUnwrapped + self.end
        var rest = value
        var index = 20
        // SAFETY: each step takes a hundredth, so that ten of them suffice for 64 bits.
        while rest >= 10 {
            let (others, two) = rest.quotientAndRemainder(dividingBy: 100)
            let tens = two / 10
            let pair = UInt16(truncatingIfNeeded: tens | (two &- tens &* 10) << 8 | 0x3030)
            index &-= 2
            unsafe target.storeBytes(of: pair.littleEndian, toByteOffset: index, as: UInt16.self)
            rest = others
        }
        if rest > 0 || index == 20 {
            index &-= 1
            unsafe target.storeBytes(
                of: ASCII.zero | UInt8(truncatingIfNeeded: rest), toByteOffset: index, as: UInt8.self)
        }
        unsafe target.copyMemory(from: target + index, byteCount: 20 &- index)
        self.end += 20 &- index
    }

    /// Appends a number, its most significant byte first.
    @inlinable
    package mutating func append(bigEndian value: some FixedWidthInteger & UnsignedInteger) {
        var shift = value.bitWidth
        while shift > 0 {
            shift -= 8
            self.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    /// Appends a number in lower-case hexadecimal digits, without leading zeros.
    ///
    /// PERF: eight digits at a time; one by one, the size of a chunk took 80 instructions.
    package mutating func append(hexadecimal value: UInt64) {
        var leadingZeros = 0
        if value >> 32 > 0 {
            self.append(hexadecimal: value >> 32)
        } else {
            leadingZeros = Swift.min(7, (value.leadingZeroBitCount &- 32) &>> 2)
        }
        let digits = UInt32(truncatingIfNeeded: value).lowerHexDigits &>> UInt64(leadingZeros &* 8)
        self.reserve(8)
        // SAFETY: eight bytes were reserved, of which the last ones may mean nothing.
        unsafe self.base.unsafelyUnwrapped.storeBytes(of: digits.littleEndian, toByteOffset: self.end, as: UInt64.self)
        self.end += 8 &- leadingZeros
    }

    /// Appends two lower-case hexadecimal digits for each byte.
    ///
    /// PERF: four bytes at a time; one by one, the 32 bytes of a digest took 370 instructions, and a signature has
    /// three.
    package mutating func append(hexadecimalOf bytes: Span<UInt8>) {
        if bytes.isEmpty { return }
        self.reserve(bytes.count * 2)
        let target = unsafe self.base.unsafelyUnwrapped + self.end
        var index = 0
        while index &+ 4 <= bytes.count {
            // SAFETY: the loop's condition; room for two digits a byte was reserved.
            let four = unsafe UInt32(
                bigEndian: bytes.bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: UInt32.self))
            unsafe target.storeBytes(of: four.lowerHexDigits.littleEndian, toByteOffset: index &* 2, as: UInt64.self)
            index &+= 4
        }
        while index < bytes.count {
            let byte = unsafe bytes[unchecked: index]
            let digits = UInt16(ASCII.lowerHexDigit(byte >> 4)) | UInt16(ASCII.lowerHexDigit(byte & 0xf)) << 8
            unsafe target.storeBytes(of: digits.littleEndian, toByteOffset: index &* 2, as: UInt16.self)
            index &+= 1
        }
        self.end += bytes.count * 2
    }

    /// A copy of the bytes that wait.
    package func array() -> [UInt8] {
        self.bytes.array()
    }

    /// The bytes that wait as text, with U+FFFD in place of what is no UTF-8. For logs and tests.
    package func string() -> String {
        self.bytes.string()
    }
}

// A buffer has one owner at a time, and may change hands with it.
// SAFETY: the storage is reachable through this value alone.
extension ByteBuffer: @unchecked Sendable {}
