private import Bytes
private import Digest

/// A header of an event-stream message: a name and one of ten kinds of value.
package struct EventStreamHeader: Equatable, Sendable {
    /// 1 to 255 bytes of UTF-8.
    package var name: String
    package var value: EventStreamHeaderValue

    package init(_ name: String, _ value: EventStreamHeaderValue) {
        self.name = name
        self.value = value
    }
}

/// The value of an event-stream header.
package enum EventStreamHeaderValue: Equatable, Sendable {
    /// Types 0 (true) and 1 (false), which have no bytes.
    case bool(Bool)
    /// Type 2.
    case int8(Int8)
    /// Type 3.
    case int16(Int16)
    /// Type 4.
    case int32(Int32)
    /// Type 5.
    case int64(Int64)
    /// Type 6, at most 32,767 bytes.
    case bytes([UInt8])
    /// Type 7, at most 32,767 bytes of UTF-8.
    case string(String)
    /// Type 8, milliseconds since 1970-01-01T00:00:00Z.
    case timestamp(milliseconds: Int64)
    /// Type 9, 16 bytes.
    case uuid(high: UInt64, low: UInt64)
}

extension EventStreamHeader {
    /// As it stands on the wire.
    package var wire: [UInt8] {
        var wire = ByteBuffer()
        wire.append(UInt8(self.name.utf8.count))
        wire.append(self.name)
        switch self.value {
        case .bool(let value):
            wire.append(value ? 0 : 1)
        case .int8(let value):
            wire.append(2)
            wire.append(UInt8(bitPattern: value))
        case .int16(let value):
            wire.append(3)
            wire.append(bigEndian: UInt16(bitPattern: value))
        case .int32(let value):
            wire.append(4)
            wire.append(bigEndian: UInt32(bitPattern: value))
        case .int64(let value):
            wire.append(5)
            wire.append(bigEndian: UInt64(bitPattern: value))
        case .bytes(let value):
            wire.append(6)
            wire.append(bigEndian: UInt16(value.count))
            wire.append(value)
        case .string(let value):
            wire.append(7)
            wire.append(bigEndian: UInt16(value.utf8.count))
            wire.append(value)
        case .timestamp(let milliseconds):
            wire.append(8)
            wire.append(bigEndian: UInt64(bitPattern: milliseconds))
        case .uuid(let high, let low):
            wire.append(9)
            wire.append(bigEndian: high)
            wire.append(bigEndian: low)
        }
        return wire.array()
    }

    /// A message of these headers.
    package static func message(_ headers: [EventStreamHeader], payload: [UInt8] = []) -> [UInt8] {
        self.message(headers: headers.flatMap(\.wire), payload: payload)
    }

    /// A message around a header block that may be anything.
    package static func message(headers block: [UInt8], payload: [UInt8] = []) -> [UInt8] {
        var message = ByteBuffer()
        message.append(bigEndian: UInt32(16 + block.count + payload.count))
        message.append(bigEndian: UInt32(block.count))
        message.append(bigEndian: CRC32(of: message.bytes).value)
        message.append(block)
        message.append(payload)
        message.append(bigEndian: CRC32(of: message.bytes).value)
        return message.array()
    }

    /// An exception with its JSON.
    package static func exception(_ type: String, _ json: String = "") -> [UInt8] {
        self.message(
            [
                EventStreamHeader(":exception-type", .string(type)),
                EventStreamHeader(":content-type", .string("application/json")),
                EventStreamHeader(":message-type", .string("exception")),
            ], payload: Array(json.utf8))
    }
}
