private import Bytes

/// A hash table from runs of bytes, each within a numbered scope, to numbers. Filled once, then read without
/// allocation.
///
/// The keys are the configuration's, not a client's, so that a client can make a look-up no slower than the longest run
/// of occupied slots that the configuration itself caused. Keys are hashed from their last byte to their first, because
/// then the hashes of all suffixes of a host name come out of one pass.
struct ByteKeyTable: Sendable {
    private var slots: [UInt32] = [0, 0, 0, 0]
    private var keys: [Key] = []
    private var bytes: [UInt8] = []

    private struct Key: Sendable {
        let hash: UInt32
        let scope: Int32
        let start: UInt32
        let count: UInt32
        let value: Int32
    }

    /// How many keys there are.
    var count: Int { self.keys.count }

    /// What a key stands for, or -1.
    func value(of key: Span<UInt8>, in scope: Int32) -> Int32 {
        var hash = Self.initialHash
        var index = key.count
        while index > 0 {
            index -= 1
            // SAFETY: the index is below the count.
            Self.extend(&hash, with: unsafe key[unchecked: index])
        }
        return self.value(of: key, hash: hash, in: scope)
    }

    /// The same for a key whose hash was computed before.
    private func value(of key: Span<UInt8>, hash: UInt32, in scope: Int32) -> Int32 {
        let hash = Self.finish(hash, scope: scope)
        let mask = UInt32(truncatingIfNeeded: self.slots.count - 1)
        var slot = hash & mask
        let stored = self.bytes.span
        while true {
            let number = self.slots[Int(slot)]
            if number == 0 { return -1 }
            let candidate = self.keys[Int(number - 1)]
            if candidate.hash == hash, candidate.scope == scope, Int(candidate.count) == key.count,
                stored.extracting(Int(candidate.start)..<Int(candidate.start) + key.count).equals(key)
            {
                return candidate.value
            }
            slot = (slot &+ 1) & mask
        }
    }

    /// What the longest key in the scope stands for that the name ends in behind a dot, or -1. The dot is not the
    /// name's first byte.
    func longestSuffix(of name: Span<UInt8>, in scope: Int32) -> Int32 {
        var found: Int32 = -1
        var hash = Self.initialHash
        var index = name.count
        // From the right, so that each suffix costs one step.
        while index > 1 {
            index -= 1
            // SAFETY: the index is below the count.
            let byte = unsafe name[unchecked: index]
            if byte == ASCII.dot {
                let number = self.value(of: name.extracting(index + 1..<name.count), hash: hash, in: scope)
                if number >= 0 { found = number }
            }
            Self.extend(&hash, with: byte)
        }
        return found
    }

    /// Adds a key that is not there yet.
    mutating func insert(_ key: String, in scope: Int32, value: Int32) {
        let bytes = Array(key.utf8)
        var hash = Self.initialHash
        for byte in bytes.reversed() { Self.extend(&hash, with: byte) }
        let start = UInt32(self.bytes.count)
        self.bytes += bytes
        self.keys.append(
            Key(
                hash: Self.finish(hash, scope: scope), scope: scope, start: start, count: UInt32(bytes.count),
                value: value))
        // At most half of the slots are taken, so that an empty one always ends a search.
        if self.keys.count * 2 > self.slots.count {
            self.slots = Array(repeating: 0, count: self.slots.count * 2)
            for number in self.keys.indices { self.place(number) }
        } else {
            self.place(self.keys.count - 1)
        }
    }

    private mutating func place(_ number: Int) {
        let mask = UInt32(self.slots.count - 1)
        var slot = self.keys[number].hash & mask
        while self.slots[Int(slot)] != 0 { slot = (slot &+ 1) & mask }
        self.slots[Int(slot)] = UInt32(number + 1)
    }

    /// The hash of no byte (FNV-1a).
    private static let initialHash: UInt32 = 0x811C_9DC5

    /// The hash of one byte more, in front of those hashed before.
    private static func extend(_ hash: inout UInt32, with byte: UInt8) {
        hash = (hash ^ UInt32(byte)) &* 0x0100_0193
    }

    private static func finish(_ hash: UInt32, scope: Int32) -> UInt32 {
        var mixed = hash ^ (UInt32(bitPattern: scope) &* 0x9E37_79B9)
        mixed ^= mixed >> 16
        mixed = mixed &* 0x85EB_CA6B
        return mixed ^ (mixed >> 13)
    }
}
