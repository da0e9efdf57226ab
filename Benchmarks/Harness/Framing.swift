import AWS
import Bytes

/// How the upstream wraps what it has to say: as the Lambda API does, or as plain chunked HTTP.
///
/// The payload bytes that reach the client in the end are the same.
enum Framing {
    case lambda
    case raw

    /// The status line, the fields and, for Lambda, the prelude that a function sends first.
    func appendHead(to output: inout ByteBuffer, contentType: StaticString) {
        switch self {
        case .raw:
            output.append("HTTP/1.1 200 OK\r\nDate: Mon, 02 Nov 2026 09:00:00 GMT\r\nContent-Type: ")
            output.append(contentType)
            output.append("\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n")
        case .lambda:
            output.append("HTTP/1.1 200 OK\r\nDate: Mon, 02 Nov 2026 09:00:00 GMT\r\n")
            output.append("Content-Type: application/vnd.amazon.eventstream\r\nTransfer-Encoding: chunked\r\n")
            output.append("Connection: keep-alive\r\nx-amzn-RequestId: d16a6b55-dea9-4b23-8499-eb85c3d2d904\r\n")
            output.append("X-Amz-Executed-Version: $LATEST\r\n")
            output.append("X-Amzn-Trace-Id: root=1-6a5145aa-290a323a5de9a2e0636377d4;sampled=0\r\n\r\n")
            var prelude = ByteBuffer()
            prelude.append("{\"statusCode\":200,\"headers\":{\"content-type\":\"")
            prelude.append(contentType)
            prelude.append("\"}}")
            prelude.append([UInt8](repeating: 0, count: 8))
            self.append(chunk: prelude.bytes, to: &output)
        }
    }

    /// One piece of the body.
    func append(chunk payload: Span<UInt8>, to output: inout ByteBuffer) {
        // Made in either case, so that both upstreams take as long: a chunk's age counts from before.
        var message = ByteBuffer()
        EventStreamEncoder.append(payloadChunk: payload, to: &message)
        switch self {
        case .raw: self.append(httpChunk: payload, to: &output)
        case .lambda: self.append(httpChunk: message.bytes, to: &output)
        }
    }

    /// The end of the answer.
    func appendEnd(to output: inout ByteBuffer) {
        if self == .lambda {
            var message = ByteBuffer()
            EventStreamEncoder.append(invokeComplete: Array("{}".utf8).span, to: &message)
            self.append(httpChunk: message.bytes, to: &output)
        }
        output.append("0\r\n\r\n")
    }

    private func append(httpChunk bytes: Span<UInt8>, to output: inout ByteBuffer) {
        output.append(hexadecimal: UInt64(bytes.count))
        output.append("\r\n")
        output.append(bytes)
        output.append("\r\n")
    }
}
