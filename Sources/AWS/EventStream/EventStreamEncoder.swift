package import Bytes
private import Digest

/// Writes event-stream messages. The order of their headers is the one in which Lambda writes them.
package enum EventStreamEncoder {
    /// The header block of a PayloadChunk.
    static let payloadChunkHeaders = headerBlock(of: [
        EventStreamHeader(":event-type", .string("PayloadChunk")),
        EventStreamHeader(":content-type", .string("application/octet-stream")),
        EventStreamHeader(":message-type", .string("event")),
    ])

    /// The header block of an InvokeComplete.
    static let invokeCompleteHeaders = headerBlock(of: [
        EventStreamHeader(":event-type", .string("InvokeComplete")),
        EventStreamHeader(":content-type", .string("application/json")),
        EventStreamHeader(":message-type", .string("event")),
    ])

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

    /// Appends an `exception` message with its JSON.
    package static func append(
        exception type: String, json: Span<UInt8>, to buffer: inout ByteBuffer
    ) throws(EventStreamError) {
        let headers = [
            EventStreamHeader(":exception-type", .string(type)),
            EventStreamHeader(":content-type", .string("application/json")),
            EventStreamHeader(":message-type", .string("exception")),
        ]
        try self.append(headers: headers, payload: json, to: &buffer)
    }

    /// Appends an `error` message.
    package static func append(
        errorCode code: String, message: String, to buffer: inout ByteBuffer
    ) throws(EventStreamError) {
        let headers = [
            EventStreamHeader(":error-code", .string(code)),
            EventStreamHeader(":error-message", .string(message)),
            EventStreamHeader(":message-type", .string("error")),
        ]
        try self.append(headers: headers, payload: Span(), to: &buffer)
    }

    /// Appends any message, unless it breaks a rule of the format.
    package static func append(
        headers: [EventStreamHeader], payload: Span<UInt8>, to buffer: inout ByteBuffer
    ) throws(EventStreamError) {
        for (index, header) in headers.enumerated() {
            try header.check()
            if headers[..<index].contains(where: { $0.name == header.name }) {
                throw .duplicateHeader(name: header.name)
            }
        }
        let block = self.headerBlock(of: headers)
        guard block.count <= EventStreamLimits.headerBytes else {
            throw .headersTooLong(block.count, limit: EventStreamLimits.headerBytes)
        }
        guard payload.count <= EventStreamLimits.payloadBytes else {
            throw .payloadTooLong(payload.count, limit: EventStreamLimits.payloadBytes)
        }
        self.append(headers: block.span, payload: payload, to: &buffer)
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

    private static func headerBlock(of headers: [EventStreamHeader]) -> [UInt8] {
        var block = ByteBuffer()
        for header in headers { header.append(to: &block) }
        return block.array()
    }
}

extension EventStreamHeader {
    fileprivate func check() throws(EventStreamError) {
        guard !self.name.isEmpty else { throw .emptyHeaderName }
        guard self.name.utf8.count <= EventStreamLimits.nameBytes else {
            throw .headerNameTooLong(self.name.utf8.count)
        }
        let count =
            switch self.value {
            case .bytes(let bytes): bytes.count
            case .string(let text): text.utf8.count
            default: 0
            }
        guard count <= EventStreamLimits.valueBytes else { throw .headerValueTooLong(count) }
    }

    /// Appends name, type and value, which have been checked.
    fileprivate func append(to block: inout ByteBuffer) {
        block.append(UInt8(self.name.utf8.count))
        block.append(self.name)
        switch self.value {
        case .bool(let value):
            block.append(value ? 0 : 1)
        case .int8(let value):
            block.append(2)
            block.append(bigEndian: value)
        case .int16(let value):
            block.append(3)
            block.append(bigEndian: value)
        case .int32(let value):
            block.append(4)
            block.append(bigEndian: value)
        case .int64(let value):
            block.append(5)
            block.append(bigEndian: value)
        case .bytes(let value):
            block.append(6)
            block.append(bigEndian: UInt16(value.count))
            block.append(value)
        case .string(let value):
            block.append(7)
            block.append(bigEndian: UInt16(value.utf8.count))
            block.append(value)
        case .timestamp(let milliseconds):
            block.append(8)
            block.append(bigEndian: milliseconds)
        case .uuid(let high, let low):
            block.append(9)
            block.append(bigEndian: high)
            block.append(bigEndian: low)
        }
    }
}

extension ByteBuffer {
    /// Appends a number, its most significant byte first.
    fileprivate mutating func append<Number: FixedWidthInteger>(bigEndian value: Number) {
        var shift = Number.bitWidth
        while shift > 0 {
            shift -= 8
            self.append(UInt8(truncatingIfNeeded: value >> Number(shift)))
        }
    }
}
