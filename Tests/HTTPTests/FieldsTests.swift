import Bytes
import Testing

@testable import HTTP

@Suite struct FieldsTests {
    @Test func `lines are found by name whatever the capitals`() {
        var fields = Fields(["Accept": "a", "X-Two": "1", "x-two": "2"])
        #expect(fields.first("accept") == "a" && fields.all("X-TWO") == ["1", "2"])
        #expect(fields.firstIndex(of: "x-two") == 1 && fields.firstIndex(of: "x-two", from: 2) == 2)
        #expect(!fields.contains("x-three"))
        fields.set("X-Two", "3")
        #expect(fields == Fields(["accept": "a", "x-two": "3"]))
        fields.remove("ACCEPT")
        #expect(fields.count == 1 && fields.byteCount == 6)
    }

    @Test(arguments: 1...80)
    func `names of every length are lower-cased, letters alone`(count: Int) {
        let alphabet = Array("@AZ[`az{-0!~^_|.*+'&%$#".utf8)
        let name = (0..<count).map { alphabet[($0 * 7 + count) % alphabet.count] }
        var fields = Fields()
        let value: [UInt8] = []
        fields.append(name: name.span, value: value.span)
        #expect(fields.name(at: 0).array() == name.map(ASCII.lowercased))
        for (index, byte) in name.prefix(64).enumerated() {
            #expect((fields.capitals(at: 0) >> UInt64(index) & 1 == 1) == (byte >= 65 && byte <= 90))
        }
    }

    @Test func `what belongs to one connection is not forwarded`() {
        // RFC 9110 §7.6.1.
        var fields = Fields([
            "Host": "a", "Connection": "close, X-Private ,, x-other", "connection": "x-third, HOST, te",
            "Keep-Alive": "5",
            "Proxy-Connection": "a", "TE": "trailers", "Trailer": "x", "Transfer-Encoding": "chunked", "Upgrade": "h2c",
            "Proxy": "evil",
            "Proxy-Authorization": "secret", "X_Forwarded_For": "1", "x-private": "1", "X-Other": "2", "x-third": "3",
            "X-Fourth": "4",
            "HTTP2-Settings": "x", "Content-Length": "1", "Tea": "x", "a_": "b",
        ])
        var responses = fields
        fields.removeUnforwardable()
        #expect(
            fields == Fields(["host": "a", "x-fourth": "4", "http2-settings": "x", "content-length": "1", "tea": "x"]))
        responses.removeHopByHop()
        #expect(responses.all("a_") == ["b"] && responses.all("x_forwarded_for") == ["1"] && responses.count == 7)
        let clean = Fields(["Host": "a"])
        var same = clean
        same.removeUnforwardable()
        #expect(same == clean)
    }

    @Test func `names and values that may be written`() {
        func isName(_ text: String) -> Bool { Fields.isName(Array(text.utf8).span) }
        func isValue(_ text: String) -> Bool { Fields.isValue(Array(text.utf8).span) }
        #expect(isName("x-A_1!") && !isName("") && !isName("a b") && !isName("a:") && !isName("a\r") && !isName("ä"))
        #expect(isValue("") && isValue("a b\tc") && isValue("ä") && !isValue(" a") && !isValue("a "))
        #expect(!isValue("a\r\nb: c") && !isValue("a\nb") && !isValue("a\0") && !isValue("\u{7f}"))
    }
}
