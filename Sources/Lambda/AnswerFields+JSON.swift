internal import Bytes
internal import HTTP
internal import JSON

/// Fields as the document of an answer has them.
extension AnswerFields {
    /// Takes an object of headers, except those that have the name of one of the `known` fields.
    mutating func append(
        headersOf reader: inout JSONReader, besides known: Range<Int>
    ) throws(JSONError) {
        if try reader.peek() == .null { return try reader.readNull() }
        try reader.enterObject()
        while let key = try reader.nextKey() {
            if key.hasEscapes {
                var scratch = ByteBuffer()
                scratch.append(unescaping: reader.source(of: key))
                try self.append(name: scratch.bytes, valuesOf: &reader, besides: known)
            } else {
                try self.append(name: reader.source(of: key), valuesOf: &reader, besides: known)
            }
        }
    }

    /// Takes one value, or each of an array of values; `null` is none.
    private mutating func append(
        name: Span<UInt8>, valuesOf reader: inout JSONReader, besides known: Range<Int>
    ) throws(JSONError) {
        for index in known where name.equalsIgnoringCase(self.fields.name(at: index)) {
            try reader.skipValue()
            return
        }
        guard try reader.peek() == .array else {
            try self.append(name: name, valueOf: &reader)
            return
        }
        try reader.enterArray()
        while try reader.nextElement() { try self.append(name: name, valueOf: &reader) }
    }

    private mutating func append(name: Span<UInt8>, valueOf reader: inout JSONReader) throws(JSONError) {
        switch try reader.peek() {
        case .string:
            let text = try reader.readString()
            if text.hasEscapes {
                var scratch = ByteBuffer()
                scratch.append(unescaping: reader.source(of: text))
                self.append(name: name, value: scratch.bytes)
            } else {
                self.append(name: name, value: reader.source(of: text))
            }
        case .number, .bool:
            let range = try reader.skipValue()
            self.append(name: name, value: reader.source(at: range))
        case .null:
            try reader.readNull()
        case .array, .object:
            throw JSONError(.unexpectedKind, at: reader.position)
        }
    }

    /// Takes an array of cookies, each of which is a Set-Cookie of its own.
    mutating func append(cookiesOf reader: inout JSONReader) throws(JSONError) {
        if try reader.peek() == .null { return try reader.readNull() }
        try reader.enterArray()
        let name = "set-cookie".utf8
        while try reader.nextElement() { try self.append(name: name.span, valueOf: &reader) }
    }
}
