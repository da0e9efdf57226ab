package import Bytes

/// HTTP/1.1 as it goes out. What is written was checked where it came from: names are tokens, values hold no control
/// bytes (`Fields.isName`, `Fields.isValue`).
extension ByteBuffer {
    /// `HTTP/1.1 200 OK` and CRLF; the phrase is empty for a status that is not registered.
    package mutating func append(statusLine status: Int) {
        if status == 200 {
            self.append("HTTP/1.1 200 OK\r\n")
            return
        }
        self.append("HTTP/1.1 ")
        self.append(decimal: status)
        self.append(ASCII.space)
        self.append(StatusPhrase.of(status))
        self.append("\r\n")
    }

    /// The interim answer that a client with `Expect: 100-continue` waits for (RFC 9110 §15.2.1).
    package mutating func appendContinue() {
        self.append("HTTP/1.1 100 Continue\r\n\r\n")
    }

    /// A field line.
    package mutating func append(field name: StaticString, _ value: StaticString) {
        self.append(name)
        self.append(": ")
        self.append(value)
        self.append("\r\n")
    }

    /// A field line.
    package mutating func append(field name: StaticString, _ value: String) {
        self.append(name)
        self.append(": ")
        self.append(value)
        self.append("\r\n")
    }

    /// A field line.
    package mutating func append(field name: StaticString, _ value: Span<UInt8>) {
        self.append(name)
        self.append(": ")
        self.append(value)
        self.append("\r\n")
    }

    /// A field line with a number for its value.
    package mutating func append(field name: StaticString, decimal value: Int) {
        self.append(name)
        self.append(": ")
        self.append(decimal: value)
        self.append("\r\n")
    }

    /// All field lines, in order, capitals as they came. The empty line behind them is not written.
    package mutating func append(fieldsOf fields: Fields) {
        for index in fields.indices { self.append(fieldAt: index, of: fields) }
    }

    /// One field line, capitals as they came.
    package mutating func append(fieldAt index: Int, of fields: Fields) {
        let name = fields.name(at: index)
        let value = fields.value(at: index)
        self.reserve(name.count + value.count + 4)
        let capitals = fields.capitals(at: index)
        if capitals == 0 {
            self.append(name)
        } else {
            for position in name.indices {
                let byte = name[position]
                let isCapital = position < 64 && capitals >> UInt64(position) & 1 == 1
                self.append(isCapital ? byte & ~0x20 : byte)
            }
        }
        self.append(": ")
        self.append(value)
        self.append("\r\n")
    }

    /// The line in front of a chunk: its size in hexadecimal digits and CRLF. CRLF follows the chunk's bytes too.
    package mutating func append(chunkHeaderFor count: Int) {
        self.append(hexadecimal: UInt64(count))
        self.append("\r\n")
    }

    /// The last chunk and an empty trailer section: the only clean end of a chunked body.
    package mutating func appendLastChunk() {
        self.append("0\r\n\r\n")
    }
}
