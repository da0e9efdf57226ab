package import Bytes

extension ByteBuffer {
    /// Appends a JSON text that `JSONReader` has checked, without the white space between its values.
    package mutating func append(compacting text: Span<UInt8>) {
        self.reserve(text.count)
        var isInString = false
        var index = 0
        while index < text.count {
            let byte = text[index]
            switch byte {
            case ASCII.quote:
                isInString.toggle()
            case ASCII.backslash where index + 1 < text.count:
                // Outside of strings there is none.
                self.append(byte)
                index += 1
                self.append(text[index])
                index += 1
                continue
            case ASCII.space, ASCII.tab, ASCII.lineFeed, ASCII.carriageReturn:
                if !isInString {
                    index += 1
                    continue
                }
            default:
                break
            }
            self.append(byte)
            index += 1
        }
    }
}
