import Bytes
import Testing
import Time

@testable import HTTP

@Suite struct WriterTests {
    @Test(arguments: [
        (200, "HTTP/1.1 200 OK\r\n"), (404, "HTTP/1.1 404 Not Found\r\n"), (502, "HTTP/1.1 502 Bad Gateway\r\n"),
        (299, "HTTP/1.1 299 \r\n"), (100, "HTTP/1.1 100 Continue\r\n"),
    ])
    func `status lines`(status: Int, line: String) {
        var buffer = ByteBuffer()
        buffer.append(statusLine: status)
        #expect(buffer.string() == line)
    }

    @Test func `field lines keep the capitals with which they came`() {
        var fields = Fields()
        fields.append("Content-Type", "text/plain")
        fields.append("x-REQUEST-id", "A")
        fields.append("e", "")
        fields.append(String(repeating: "Ab", count: 40), "long")
        var buffer = ByteBuffer()
        buffer.append(fieldsOf: fields)
        buffer.append(field: "a", "literal")
        buffer.append(field: "b", String("text"))
        buffer.append(field: "c", Array("bytes".utf8).span)
        buffer.append(field: "d", decimal: 42)
        // Capitals are kept for the first 64 bytes of a name.
        let long = String(repeating: "Ab", count: 32) + String(repeating: "ab", count: 8)
        #expect(
            buffer.string()
                == "Content-Type: text/plain\r\nx-REQUEST-id: A\r\ne: \r\n\(long): long\r\n"
                + "a: literal\r\nb: text\r\nc: bytes\r\nd: 42\r\n")
    }

    @Test func `chunks that are written are read`() {
        var buffer = ByteBuffer()
        buffer.append("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for count in [1, 15, 16, 4095, 70_000] {
            buffer.append(chunkHeaderFor: count)
            buffer.append([UInt8](repeating: UInt8(ascii: "."), count: count))
            buffer.append("\r\n")
        }
        buffer.appendLastChunk()
        let replay = ResponseReplay(pieces: [buffer.array()])
        #expect(replay.fault == nil && replay.messages.first?.hasEnded == true)
        #expect(replay.messages.first?.body.count == 74_127)
    }

    @Test func `the date line changes with the second`() {
        var date = CachedDate()
        var buffer = ByteBuffer()
        for milliseconds: Int64 in [784_111_777_000, 784_111_777_999, 784_111_778_000, 0] {
            date.append(to: &buffer, at: WallTime(milliseconds: milliseconds))
        }
        #expect(
            buffer.string()
                == "date: Sun, 06 Nov 1994 08:49:37 GMT\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                + "date: Sun, 06 Nov 1994 08:49:38 GMT\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\n")
    }

    @Test func `which answers can have a body`() {
        #expect(canHaveBody(status: 200, toHead: false))
        #expect(!canHaveBody(status: 200, toHead: true))
        #expect(!canHaveBody(status: 204, toHead: false))
        #expect(!canHaveBody(status: 304, toHead: false))
        #expect(!canHaveBody(status: 103, toHead: false))
    }
}
