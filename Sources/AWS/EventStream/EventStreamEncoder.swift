package import Bytes
private import Digest

/// Writes the event-stream messages of a streamed answer. The order of their headers is the one in which Lambda writes
/// them.
package enum EventStreamEncoder {
    /// The header block of a PayloadChunk.
    static let payloadChunkHeaders = headerBlock(ofEvent: "PayloadChunk", contentType: "application/octet-stream")

    /// The header block of an InvokeComplete.
    static let invokeCompleteHeaders = headerBlock(ofEvent: "InvokeComplete", contentType: "application/json")

    /// All of an InvokeComplete that says nothing.
    static let plainInvokeComplete = {
        var message = ByteBuffer()
        Self.append(invokeComplete: "{}".utf8.span, to: &message)
        return message.array()
    }()

    /// Appends a `PayloadChunk` with a part of the function's answer; several where one could not hold it.
    package static func append(payloadChunk payload: Span<UInt8>, to buffer: inout ByteBuffer) {
        var offset = 0
        repeat {
            let end = min(offset + EventStreamLimits.payloadBytes, payload.count)
            self.append(headers: self.payloadChunkHeaders.span, payload: payload.extracting(offset..<end), to: &buffer)
            offset = end
        } while offset < payload.count
    }

    /// Appends the `InvokeComplete` that ends a stream, with its JSON, which must not be above the limit of a payload.
    package static func append(invokeComplete json: Span<UInt8>, to buffer: inout ByteBuffer) {
        precondition(json.count <= EventStreamLimits.payloadBytes)
        self.append(headers: self.invokeCompleteHeaders.span, payload: json, to: &buffer)
    }

    private static func append(headers: Span<UInt8>, payload: Span<UInt8>, to buffer: inout ByteBuffer) {
        let total = 16 + headers.count + payload.count
        buffer.reserve(total)
        let start = buffer.count
        buffer.append(bigEndian: UInt32(total))
        buffer.append(bigEndian: UInt32(headers.count))
        buffer.append(bigEndian: CRC32(of: buffer.bytes.extracting(start..<start + 8)).value)
        buffer.append(headers)
        buffer.append(payload)
        buffer.append(bigEndian: CRC32(of: buffer.bytes.extracting(start..<start + total - 4)).value)
    }

    /// The three headers of an event. Their values are text, of type 7.
    private static func headerBlock(ofEvent type: String, contentType: String) -> [UInt8] {
        var block = ByteBuffer()
        for (name, value) in [(":event-type", type), (":content-type", contentType), (":message-type", "event")] {
            block.append(UInt8(name.utf8.count))
            block.append(name)
            block.append(7)
            block.append(bigEndian: UInt16(value.utf8.count))
            block.append(value)
        }
        return block.array()
    }
}
