import Bytes
import JSON
import Testing

@Suite struct JSONReadingTests {
    func parse(_ text: String, limits: JSONLimits = JSONLimits()) throws(JSONError) -> JSONValue {
        try JSONValue(parsing: text.utf8.span, limits: limits)
    }

    @Test func `a document comes back as its values`() throws {
        let text = """
             {"a" : [1, -0, 2.50, 1e9, -1.5E-3], "b": {"c": null, "d": true, "e": false}, "f": "x", "" : []}\t\r\n
            """
        let expected: JSONValue = [
            "a": .array(["1", "-0", "2.50", "1e9", "-1.5E-3"].map { .number($0) }),
            "b": ["c": nil, "d": true, "e": false], "f": "x", "": [],
        ]
        #expect(try self.parse(text) == expected)
    }

    @Test(arguments: [
        (#""""#, ""), (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"), (#""\u0041\u00e9\u20AC""#, "Aé€"),
        (#""\ud83d\ude00""#, "😀"), (#""é€😀""#, "é€😀"), (#""\u0000""#, "\0"), ("\"\u{7f}\"", "\u{7f}"),
        // RFC 8259 §8.2: what a lone surrogate means is open; here it is U+FFFD.
        (#""\ud83d""#, "\u{FFFD}"), (#""\ude00\ud83d""#, "\u{FFFD}\u{FFFD}"), (#""\ud83dx""#, "\u{FFFD}x"),
        (#""\ud83d\ud83d\ude00""#, "\u{FFFD}😀"), (#""\ud83d\n""#, "\u{FFFD}\n"),
    ])
    func `strings mean what RFC 8259 §7 says`(text: String, meaning: String) throws {
        #expect(try self.parse(text).string.map { Array($0.utf8) } == Array(meaning.utf8))
    }

    @Test(arguments: [
        ("", JSONError.Reason.unexpectedEnd, 0), ("  ", .unexpectedEnd, 2), ("{", .unexpectedEnd, 1),
        ("[1,", .unexpectedEnd, 3), (#"{"a""#, .unexpectedEnd, 4), (#"{"a":"#, .unexpectedEnd, 5),
        (#""abc"#, .unexpectedEnd, 4), (#""a\"#, .unexpectedEnd, 3), (#""\u00"#, .unexpectedEnd, 5),
        ("tru", .unexpectedEnd, 3), ("nul", .unexpectedEnd, 3), ("-", .badNumber, 1), ("1 2", .trailingBytes, 2),
        ("[1,]", .unexpectedByte(0x5d), 3), ("[,1]", .unexpectedByte(0x2c), 1), ("[1 2]", .unexpectedByte(0x32), 3),
        (#"{"a":1,}"#, .unexpectedByte(0x7d), 7), ("{1:2}", .unexpectedByte(0x31), 1),
        (#"{"a" 1}"#, .unexpectedByte(0x31), 5), ("{'a':1}", .unexpectedByte(0x27), 1),
        ("01", .badNumber, 1), ("-01", .badNumber, 2), ("1.", .badNumber, 2), (".5", .unexpectedByte(0x2e), 0),
        ("1e", .badNumber, 2), ("1e+", .badNumber, 3), ("+1", .unexpectedByte(0x2b), 0), ("0x1", .trailingBytes, 1),
        ("NaN", .unexpectedByte(0x4e), 0), ("Infinity", .unexpectedByte(0x49), 0),
        ("True", .unexpectedByte(0x54), 0), ("trux", .unexpectedByte(0x74), 0), ("truex", .trailingBytes, 4),
        (#""\x""#, .badEscape, 2), (#""\u00g0""#, .badEscape, 5), ("\"a\nb\"", .controlByteInString, 2),
        ("\"\0\"", .controlByteInString, 1), ("\u{FEFF}1", .unexpectedByte(0xef), 0), ("[1}", .unexpectedByte(0x7d), 2),
        ("]", .unexpectedByte(0x5d), 0), ("1\0", .trailingBytes, 1), ("[1]//", .trailingBytes, 3),
    ])
    func `what is no JSON is refused at its byte`(text: String, reason: JSONError.Reason, offset: Int) {
        #expect(throws: JSONError(reason, at: offset)) { () throws(JSONError) in try self.parse(text) }
    }

    @Test(
        arguments: [
            [0x80], [0xc0, 0x80], [0xc1, 0xbf], [0xe0, 0x9f, 0xbf], [0xed, 0xa0, 0x80], [0xf0, 0x8f, 0xbf, 0xbf],
            [0xf4, 0x90, 0x80, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xff], [0xe2, 0x82], [0xc3],
        ] as [[UInt8]])
    func `bytes that are no UTF-8 are refused`(bytes: [UInt8]) {
        let text = [ASCII.quote] + bytes + [ASCII.quote]
        #expect(throws: JSONError(.badUTF8, at: 1)) { () throws(JSONError) in try JSONValue(parsing: text.span) }
    }

    @Test func `depth and number of values are limited`() throws {
        let limits = JSONLimits(depth: 3, values: 10)
        #expect(try self.parse("[[[1]]]", limits: limits) == [[[1]]])
        #expect(throws: JSONError(.tooDeep, at: 3)) { () throws(JSONError) in
            try self.parse("[[[[1]]]]", limits: limits)
        }
        #expect(throws: JSONError(.tooManyValues, at: 19)) { () throws(JSONError) in
            try self.parse("[0,1,2,3,4,5,6,7,8,9]", limits: limits)
        }
        let deep = String(repeating: "[", count: 1_000_000)
        #expect(throws: JSONError(.tooDeep, at: 64)) { () throws(JSONError) in try self.parse(deep) }
    }

    @Test func `of a repeated key the last value counts, among few keys and among many`() throws {
        #expect(try self.parse(#"{"a":1,"b":2,"a":3}"#) == ["a": 3, "b": 2])
        let members = (0..<40).map { #""k\#($0)":\#($0)"# } + [#""k7":"again""#]
        let many = try self.parse("{" + members.joined(separator: ",") + "}")
        #expect(many.object?.count == 40)
        #expect(many["k7"] == "again")
        #expect(many["k39"] == 39)
        #expect(many["k40"] == nil)
        // The same letter, composed and decomposed: two keys.
        #expect(try self.parse("{\"\u{e9}\":1,\"e\u{301}\":2}").object?.count == 2)
    }

    @Test func `a reader walks without building`() throws {
        let text = #"{"skip":[{"a":"]}"},2],"st\u0061tus":204,"list":["x","y"]}"#
        var reader = JSONReader(text.utf8.span)
        try reader.enterObject()
        var status = ""
        var list: [String] = []
        while let key = try reader.nextKey() {
            if reader.text(key, equals: "status") {
                status = reader.source(at: try reader.readNumber()).string()
            } else if reader.text(key, equals: "list") {
                try reader.enterArray()
                while try reader.nextElement() { list.append(reader.string(of: try reader.readString())) }
            } else {
                #expect(reader.source(at: try reader.skipValue()).string() == #"[{"a":"]}"},2]"#)
            }
        }
        try reader.finish()
        #expect(status == "204")
        #expect(list == ["x", "y"])
    }
}
