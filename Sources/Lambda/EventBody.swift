internal import Bytes
internal import HTTP
private import JSON

extension ByteBuffer {
    /// Appends what follows `"body":`: the body as a string, and the comma and `"isBase64Encoded"` behind it.
    mutating func append(eventBodyValue body: Span<UInt8>, form: BodyTypes.Form) {
        if case .text = form, self.appendIfUTF8(jsonString: body) {
            self.append(#","isBase64Encoded":false"#)
            return
        }
        self.append(ASCII.quote)
        self.append(base64: body)
        self.append(#"","isBase64Encoded":true"#)
    }

    /// Appends an object whose members are texts; its own name and the comma in front of it are written already.
    mutating func append(eventPairs pairs: [EventPair], decoding: Bool = false) {
        self.append(ASCII.openBrace)
        for (index, pair) in pairs.enumerated() {
            if index > 0 { self.append(ASCII.comma) }
            self.append(jsonString: pair.name)
            self.append(ASCII.colon)
            if decoding {
                self.append(jsonStringDecoding: pair.value.utf8.span, plusIsSpace: false)
            } else {
                self.append(jsonString: pair.value)
            }
        }
        self.append(ASCII.closeBrace)
    }
}
