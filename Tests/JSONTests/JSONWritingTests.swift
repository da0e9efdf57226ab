import Bytes
import Foundation
import JSON
import TestSupport
import Testing

@Suite struct JSONWritingTests {
    func written(_ bytes: [UInt8]) -> String {
        var buffer = ByteBuffer()
        buffer.append(jsonString: bytes.span)
        return buffer.string()
    }

    @Test(arguments: [
        ("", #""""#), ("plain", #""plain""#), ("a\"b\\c/d", #""a\"b\\c/d""#),
        ("\u{0}\u{1f}\u{8}\t\n\u{c}\r\u{7f}", "\"\\u0000\\u001f\\b\\t\\n\\f\\r\u{7f}\""), ("é€😀", #""é€😀""#),
        ("eight by\"teeight bytes", #""eight by\"teeight bytes""#),
    ])
    func `a string is escaped where it must be`(text: String, expected: String) {
        #expect(self.written(Array(text.utf8)) == expected)
    }

    @Test func `bytes that are no UTF-8 become U+FFFD, one for each`() {
        #expect(self.written([0x61, 0xff, 0x62, 0xe2, 0x82]) == "\"a\u{FFFD}b\u{FFFD}\u{FFFD}\"")
    }

    @Test func `text that is no UTF-8 can be told apart instead`() {
        var buffer = ByteBuffer()
        buffer.append("x")
        let bad: [UInt8] = Array(repeating: 0x61, count: 100) + [0xff]
        let badWasText = buffer.appendIfUTF8(jsonString: bad.span)
        #expect(!badWasText)
        #expect(buffer.string() == "x")
        let good = "\"é".utf8
        let goodWasText = buffer.appendIfUTF8(jsonString: good.span)
        #expect(goodWasText)
        #expect(buffer.string() == #"x"\"é""#)
    }

    @Test func `every byte at every place in a word is written right`() throws {
        for byte in UInt8.min...UInt8.max where byte < 0x80 {
            for place in 0..<19 {
                var text = Array("abcdefghijklmnopqrs".utf8)
                text[place] = byte
                let back = try JSONValue(parsing: Array(self.written(text).utf8).span)
                #expect(back.string.map { Array($0.utf8) } == text)
            }
        }
    }

    @Test(arguments: UInt64(0)..<200)
    func `any bytes come back through both readers, ours and Foundation's`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let raw = random.bytes(Int.random(in: 0...64, using: &random))
        // Half of them mostly text, so that runs and escapes meet.
        let bytes = seed % 2 == 0 ? raw : raw.map { $0 % 0x62 + 0x1e }
        let text = String(decoding: bytes, as: UTF8.self)
        let json = self.written(Array(text.utf8))
        #expect(try JSONValue(parsing: json.utf8.span) == .string(text))
        let theirs = try JSONSerialization.jsonObject(with: Data(json.utf8), options: .fragmentsAllowed)
        #expect(theirs as? String == text)
    }

    @Test(arguments: UInt64(0)..<100)
    func `any document comes back the same`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let document = Self.document(depth: 4, using: &random)
        #expect(try JSONValue(parsing: document.description.utf8.span) == document)
    }

    @Test(arguments: UInt64(0)..<300)
    func `a damaged document is a value or an error, never a trap`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var bytes = Array(Self.document(depth: 4, using: &random).description.utf8)
        for _ in 0..<3 where !bytes.isEmpty {
            bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        do throws(JSONError) {
            let value = try JSONValue(parsing: bytes.span)
            #expect((try? JSONValue(parsing: value.description.utf8.span)) == value)
        } catch {
            #expect(error.offset <= bytes.count)
        }
    }

    static func document(depth: Int, using random: inout SeededRandom) -> JSONValue {
        switch Int.random(in: 0..<(depth == 0 ? 4 : 6), using: &random) {
        case 0: return nil
        case 1: return .bool(Bool.random(using: &random))
        case 2: return .integer(Int.random(in: -1_000_000...1_000_000, using: &random))
        case 3: return .string(String(decoding: random.bytes(Int.random(in: 0...12, using: &random)), as: UTF8.self))
        case 4:
            return .array(
                (0..<Int.random(in: 0...4, using: &random)).map { _ in Self.document(depth: depth - 1, using: &random) }
            )
        default:
            var object = JSONObject()
            for index in 0..<Int.random(in: 0...20, using: &random) {
                object.set("k\(index)", Self.document(depth: depth - 1, using: &random))
            }
            return .object(object)
        }
    }
}
