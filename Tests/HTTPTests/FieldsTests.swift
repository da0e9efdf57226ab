import Bytes
import TestSupport
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

    @Test func `a copy is not changed with the value that it was made of`() {
        var fields = Fields()
        var copies: [Fields] = []
        for index in 0..<100 {
            copies.append(fields)
            fields.append("Name-\(index)", String(repeating: "v", count: index))
        }
        let all = fields
        fields.remove("name-7")
        fields.set("Name-50", "x")
        copies.append(all)
        for (count, copy) in copies.enumerated() {
            #expect(copy.count == count)
            for index in 0..<count {
                #expect(copy.name(at: index).string() == "name-\(index)" && copy.value(at: index).count == index)
                #expect(copy.capitals(at: index) == 1)
            }
        }
        #expect(fields.count == 99 && fields.first("name-50") == "x" && !fields.contains("name-7"))
    }

    @Test(arguments: [0, 1, 15, 16, 17, 33, 99])
    func `parsed lines are whole however many and long they are`(count: Int) throws {
        for length in [0, 10, 300] {
            var head = "GET / HTTP/1.1\r\nHost: a\r\n"
            for index in 0..<count { head += "X-\(index): \(String(repeating: "v", count: length))\(index)\r\n" }
            let input = Array((head + "\r\n").utf8)
            for way in Feeding.ways(of: input).prefix(length > 100 ? 4 : 1000) {
                var parser = HTTP1RequestParser()
                var fields: Fields?
                for piece in way {
                    var offset = 0
                    while offset < piece.count {
                        if case .head(let head) = try parser.next(piece.span, at: &offset) { fields = head.fields }
                    }
                }
                let found = try #require(fields)
                #expect(found.count == count + 1 && found.first("host") == "a")
                for index in 0..<count {
                    #expect(found.name(at: index + 1).string() == "x-\(index)")
                    #expect(found.value(at: index + 1).count == length + "\(index)".count)
                }
            }
        }
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
            "HTTP2-Settings": "x", "Content-Length": "1", "Tea": "x", "a_": "b", "Proxy-Foo": "1",
            "proxy-": "1", "Proxyx": "1", "Proxy-A-Name-Of-More-Than-Thirty-Two-Bytes": "1",
        ])
        var responses = fields
        fields.removeUnforwardable()
        #expect(
            fields
                == Fields([
                    "host": "a", "x-fourth": "4", "http2-settings": "x", "content-length": "1", "tea": "x",
                    "proxyx": "1",
                ]))
        responses.removeHopByHop()
        #expect(responses.all("a_") == ["b"] && responses.all("x_forwarded_for") == ["1"] && responses.count == 11)
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
