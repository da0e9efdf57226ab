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

/// The sizes that the event-stream specification gives.
package enum EventStreamLimits {
    package static let headerBytes = 131_072
    package static let payloadBytes = 25_165_824
    package static let valueBytes = 32_767
    package static let nameBytes = 255
}
