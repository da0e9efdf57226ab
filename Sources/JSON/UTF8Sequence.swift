internal import Bytes

extension Span where Element == UInt8 {
    /// How many bytes the UTF-8 sequence that begins at `index` has; 0 where there is no well-formed one.
    ///
    /// Unicode 15 table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF.
    package func utf8SequenceLength(at index: Int) -> Int {
        let lead = self[index]
        if lead < 0x80 { return 1 }
        let length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
        guard lead >= 0xc2, lead <= 0xf4, self.count - index >= length else { return 0 }
        let second = self[index + 1]
        let lowest: UInt8 = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80
        let highest: UInt8 = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf
        guard second >= lowest, second <= highest else { return 0 }
        for offset in 2..<4 where offset < length {
            guard self[index + offset] & 0xc0 == 0x80 else { return 0 }
        }
        return length
    }
}
