private import CNGHTTP2

/// A frame of HTTP/2 as bytes, right or wrong, for tests that speak for a client.
package struct HTTP2Frame: Equatable, Sendable {
    package var type: UInt8
    package var flags: UInt8
    package var stream: UInt32
    package var payload: [UInt8]

    package init(type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) {
        self.type = type
        self.flags = flags
        self.stream = stream
        self.payload = payload
    }

    /// With what a client begins.
    package static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    /// As it goes over the wire.
    package var bytes: [UInt8] {
        Self.bigEndian(UInt32(self.payload.count)).dropFirst() + [self.type, self.flags] + Self.bigEndian(self.stream)
            + self.payload
    }

    package static func bigEndian(_ value: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    /// The frames that bytes are made of, and what is left over.
    package static func parse(_ bytes: [UInt8]) -> (frames: [HTTP2Frame], rest: [UInt8]) {
        var frames: [HTTP2Frame] = []
        var rest = bytes[...]
        while rest.count >= 9 {
            let head = Array(rest.prefix(9))
            let length = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
            guard rest.count >= 9 + length else { break }
            let stream = head[5...].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            frames.append(
                HTTP2Frame(type: head[3], flags: head[4], stream: stream, Array(rest.dropFirst(9).prefix(length))))
            rest = rest.dropFirst(9 + length)
        }
        return (frames, Array(rest))
    }

    /// The 32 bits at a position of the payload, without the reserved one.
    package func number(at position: Int = 0) -> UInt32 {
        self.payload.dropFirst(position).prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }
}

/// The frames of RFC 9113 §6, and flags by name.
extension HTTP2Frame {
    package static let endStream: UInt8 = 0x1
    package static let acknowledgement: UInt8 = 0x1
    package static let endHeaders: UInt8 = 0x4
    package static let padded: UInt8 = 0x8
    package static let priority: UInt8 = 0x20

    package static func data(
        _ stream: UInt32, _ bytes: [UInt8], end: Bool = false, padding: Int? = nil
    ) -> HTTP2Frame {
        let flags = (end ? Self.endStream : 0) | (padding == nil ? 0 : Self.padded)
        let tail = [UInt8](repeating: 0, count: padding ?? 0)
        return HTTP2Frame(
            type: 0, flags: flags, stream: stream, (padding.map { [UInt8($0)] } ?? []) + bytes + tail)
    }

    package static func data(_ stream: UInt32, _ text: String, end: Bool = false, padding: Int? = nil) -> HTTP2Frame {
        .data(stream, Array(text.utf8), end: end, padding: padding)
    }

    package static func headers(
        _ stream: UInt32, _ fields: [(String, String)], end: Bool = true, endHeaders: Bool = true
    ) -> HTTP2Frame {
        .headers(stream, block: Self.block(fields), end: end, endHeaders: endHeaders)
    }

    package static func headers(
        _ stream: UInt32, block: [UInt8], end: Bool = true, endHeaders: Bool = true
    ) -> HTTP2Frame {
        let flags = (end ? Self.endStream : 0) | (endHeaders ? Self.endHeaders : 0)
        return HTTP2Frame(type: 1, flags: flags, stream: stream, block)
    }

    package static func priority(_ stream: UInt32, dependsOn other: UInt32 = 0, weight: UInt8 = 15) -> HTTP2Frame {
        HTTP2Frame(type: 2, stream: stream, Self.bigEndian(other) + [weight])
    }

    package static func reset(_ stream: UInt32, _ code: UInt32 = 8) -> HTTP2Frame {
        HTTP2Frame(type: 3, stream: stream, Self.bigEndian(code))
    }

    package static func settings(_ entries: [(UInt16, UInt32)] = []) -> HTTP2Frame {
        HTTP2Frame(type: 4, entries.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xff)] + Self.bigEndian($1) })
    }

    package static let settingsAcknowledgement = HTTP2Frame(type: 4, flags: 1)

    package static func ping(_ payload: [UInt8] = Array("abcdefgh".utf8), flags: UInt8 = 0) -> HTTP2Frame {
        HTTP2Frame(type: 6, flags: flags, payload)
    }

    package static func goAway(last: UInt32 = 0, _ code: UInt32 = 0) -> HTTP2Frame {
        HTTP2Frame(type: 7, Self.bigEndian(last) + Self.bigEndian(code))
    }

    package static func windowUpdate(_ stream: UInt32, _ increment: UInt32) -> HTTP2Frame {
        HTTP2Frame(type: 8, stream: stream, Self.bigEndian(increment))
    }

    package static func continuation(_ stream: UInt32, _ block: [UInt8] = [], endHeaders: Bool = true) -> HTTP2Frame {
        HTTP2Frame(type: 9, flags: endHeaders ? Self.endHeaders : 0, stream: stream, block)
    }

    package static func priorityUpdate(_ stream: UInt32, _ value: String) -> HTTP2Frame {
        HTTP2Frame(type: 0x10, Self.bigEndian(stream) + Array(value.utf8))
    }
}

/// Compression of fields (RFC 7541).
extension HTTP2Frame {
    /// Fields as literals that are not indexed, without Huffman coding.
    package static func block(_ fields: [(String, String)]) -> [UInt8] {
        fields.flatMap { name, value in [0] + Self.literal(name) + Self.literal(value) }
    }

    /// A string literal (RFC 7541 §5.2).
    package static func literal(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8)
        return Self.integer(bytes.count, prefix: 7) + bytes
    }

    /// An integer (RFC 7541 §5.1), the bits in front of it clear.
    package static func integer(_ value: Int, prefix: Int) -> [UInt8] {
        let limit = 1 << prefix - 1
        guard value >= limit else { return [UInt8(value)] }
        var bytes = [UInt8(limit)]
        var rest = value - limit
        while rest >= 128 {
            bytes.append(UInt8(rest & 0x7f | 0x80))
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }
}

/// Reads the header blocks of one direction of a connection, which share a table.
package final class HTTP2FieldDecoder {
    private var inflater: OpaquePointer?

    package init() {
        nghttp2_hd_inflate_new(&self.inflater)
    }

    deinit {
        nghttp2_hd_inflate_del(self.inflater)
    }

    /// The fields of a whole block; `nil` where it is none.
    package func decode(_ block: [UInt8]) -> [(name: String, value: String)]? {
        var fields: [(name: String, value: String)] = []
        var rest = block[...]
        while true {
            var field = nghttp2_nv()
            var flags: CInt = 0
            let taken = Array(rest).withUnsafeBufferPointer {
                nghttp2_hd_inflate_hd2(self.inflater, &field, &flags, $0.baseAddress, $0.count, 1)
            }
            guard taken >= 0 else { return nil }
            rest = rest.dropFirst(taken)
            if UInt32(flags) & NGHTTP2_HD_INFLATE_EMIT.rawValue != 0 {
                fields.append(
                    (
                        String(decoding: UnsafeBufferPointer(start: field.name, count: field.namelen), as: UTF8.self),
                        String(decoding: UnsafeBufferPointer(start: field.value, count: field.valuelen), as: UTF8.self)
                    ))
            } else if UInt32(flags) & NGHTTP2_HD_INFLATE_FINAL.rawValue != 0 || rest.isEmpty {
                nghttp2_hd_inflate_end_headers(self.inflater)
                return fields
            }
        }
    }
}
