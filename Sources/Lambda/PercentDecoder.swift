internal import Bytes
private import JSON

/// Decodes percent-encoding byte by byte. A `%` that no two hexadecimal digits follow stands for itself. One that
/// decodes nothing gives the bytes as they are.
struct PercentDecoder: ~Escapable {
    private let source: Span<UInt8>
    private let plusIsSpace: Bool
    private let isDecoding: Bool
    private var index = 0

    @_lifetime(copy source)
    init(_ source: Span<UInt8>, plusIsSpace: Bool) {
        self.source = source
        self.plusIsSpace = plusIsSpace
        self.isDecoding = true
    }

    /// For a name or a value of a query, which is decoded or not.
    @_lifetime(copy source)
    init(_ source: Span<UInt8>, isDecoded: Bool) {
        self.source = source
        self.plusIsSpace = isDecoded
        self.isDecoding = isDecoded
    }

    /// The next decoded byte, or `nil` at the end.
    mutating func next() -> UInt8? {
        guard self.index < self.source.count else { return nil }
        let byte = self.source[self.index]
        self.index += 1
        if byte == ASCII.percent, self.isDecoding, self.index + 1 < self.source.count,
            let high = ASCII.hexValue(self.source[self.index]), let low = ASCII.hexValue(self.source[self.index + 1])
        {
            self.index += 2
            return high << 4 | low
        }
        return byte == ASCII.plus && self.plusIsSpace ? ASCII.space : byte
    }
}

extension String {
    /// What percent-encoded text stands for; `nil` where that is no UTF-8.
    package var percentDecoded: String? {
        var decoder = PercentDecoder(self.utf8.span, plusIsSpace: false)
        var bytes: [UInt8] = []
        while let byte = decoder.next() { bytes.append(byte) }
        return String(validating: bytes, as: UTF8.self)
    }
}

extension ByteBuffer {
    /// Appends what percent-encoded text stands for as a JSON string with its quotes.
    mutating func append(jsonStringDecoding text: Span<UInt8>, plusIsSpace: Bool) {
        self.append(ASCII.quote)
        self.append(jsonEscapingDecoded: text, plusIsSpace: plusIsSpace)
        self.append(ASCII.quote)
    }

    /// Appends what percent-encoded text stands for, as a JSON string has it between its quotes.
    mutating func append(jsonEscapingDecoded text: Span<UInt8>, plusIsSpace: Bool) {
        guard text.holds(ASCII.percent) || plusIsSpace && text.holds(ASCII.plus) else {
            self.append(jsonEscaping: text)
            return
        }
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: text.count) { scratch in
            var decoder = PercentDecoder(text, plusIsSpace: plusIsSpace)
            var count = 0
            while let byte = decoder.next() {
                // SAFETY: decoding never makes text longer.
                unsafe scratch.initializeElement(at: count, to: byte)
                count += 1
            }
            // SAFETY: `count` bytes have been initialised, and the span does not leave the closure.
            self.append(jsonEscaping: unsafe Span(_unsafeElements: UnsafeBufferPointer(rebasing: scratch[..<count])))
        }
    }
}
