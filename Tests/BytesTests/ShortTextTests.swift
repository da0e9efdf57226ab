import Bytes
import Testing

@Suite struct ShortTextTests {
    @Test(arguments: [0, 1, 8, 15, 16, 36, 46, 47, 48, 256])
    func `a text of any length comes out as it went in`(count: Int) {
        let text = String((0..<count).map { Character(UnicodeScalar(UInt8(ascii: "a") + UInt8($0 % 26))) })
        let short = ShortText(text)
        #expect(short.string() == text)
        #expect("\(short)" == text)
        #expect(short.isEmpty == text.isEmpty)
        let size = short.bytes.count
        #expect(size == count)
        var buffer = ByteBuffer()
        buffer.append(short)
        #expect(buffer.string() == text)
    }

    @Test func `texts are the same where their bytes are`() {
        let long = String(repeating: "b", count: 60)
        #expect(ShortText("a") == "a" && ShortText("a") != "b" && ShortText("a") != "aa" && ShortText() == "")
        #expect(ShortText(long) == ShortText(long) && ShortText(long) != ShortText(long + "b"))
    }

    @Test func `a text can be written into its place`() {
        let text = unsafe ShortText(count: 2) { unsafe $0.storeBytes(of: 0x6261, as: UInt16.self) }
        #expect(text == "ab")
    }
}
