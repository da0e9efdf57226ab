//===----------------------------------------------------------------------===//
// What the fuzzers share. A fuzzer is an executable without a main function; libFuzzer brings one, and calls
// `LLVMFuzzerTestOneInput` with bytes of its own making. A value or a typed error is a right answer; a trap is not, and
// neither is an answer that depends on where the network cut.
//
// Run by `make fuzz`. An input that was found to fail becomes a test of the module it concerns.
//===----------------------------------------------------------------------===//
package import TestSupport

/// The bytes of one run: the first four say where to cut the rest.
package struct FuzzedInput {
    /// One choice between 0 and 255 that a fuzzer may use as it likes.
    package let choice: UInt8
    /// What is to be parsed.
    package let bytes: [UInt8]
    private let seed: UInt64

    /// Takes what libFuzzer hands over.
    package init(_ data: UnsafePointer<UInt8>?, _ count: Int) {
        let all = Array(UnsafeBufferPointer(start: data, count: count))
        self.choice = all.first ?? 0
        self.seed = all.prefix(4).reduce(0) { $0 << 8 | UInt64($1) }
        self.bytes = Array(all.dropFirst(4))
    }

    /// The bytes in pieces of random length, some of them empty.
    package var pieces: [[UInt8]] {
        var random = SeededRandom(seed: self.seed)
        var pieces: [[UInt8]] = []
        var rest = self.bytes[...]
        let longest = Int.random(in: 1...max(1, min(rest.count, 4096)), using: &random)
        while !rest.isEmpty {
            let piece = rest.prefix(Int.random(in: 0...longest, using: &random))
            pieces.append(Array(piece))
            rest = rest.dropFirst(piece.count)
        }
        return pieces
    }
}

/// Stops with both answers where they differ.
package func expectEqual<Value: Equatable>(_ first: Value, _ second: Value, _ what: String) {
    if first != second { fatalError("\(what)\n\(first)\n\(second)") }
}
