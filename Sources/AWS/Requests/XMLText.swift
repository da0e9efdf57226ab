/// Takes single values out of the small XML documents of AWS's query protocol, which have no attributes, comments or
/// mixed content where it matters.
///
/// Works on bytes: to Swift's characters a mark behind a tag, or one that takes what follows along, would be part of
/// it.
enum XMLText {
    /// The text of the first element of this name, with its references replaced. `nil` where there is no such element,
    /// or where it does not end, or holds others. Bytes that are no UTF-8 are replaced.
    static func element(_ name: String, in document: [UInt8]) -> String? {
        guard let start = document.firstRange(of: "<\(name)>".utf8) else { return nil }
        let rest = document[start.upperBound...]
        guard let end = rest.firstRange(of: "</\(name)>".utf8) else { return nil }
        return self.replacingReferences(in: rest[..<end.lowerBound]).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The five references of XML 1.0 §4.6 and those by number.
    private static func replacingReferences(in text: ArraySlice<UInt8>) -> [UInt8]? {
        if text.contains(UInt8(ascii: "<")) { return nil }
        var result: [UInt8] = []
        var rest = text
        while let ampersand = rest.firstIndex(of: UInt8(ascii: "&")) {
            result += rest[..<ampersand]
            guard let semicolon = rest[ampersand...].firstIndex(of: UInt8(ascii: ";")),
                let scalar = self.scalar(of: rest[(ampersand + 1)..<semicolon])
            else { return nil }
            result += Array(String(Character(scalar)).utf8)
            rest = rest[(semicolon + 1)...]
        }
        return result + rest
    }

    private static func scalar(of reference: ArraySlice<UInt8>) -> Unicode.Scalar? {
        switch String(decoding: reference, as: UTF8.self) {
        case "amp": return "&"
        case "lt": return "<"
        case "gt": return ">"
        case "quot": return "\""
        case "apos": return "'"
        default:
            guard reference.first == UInt8(ascii: "#"), reference.count <= 8 else { return nil }
            let digits = String(decoding: reference.dropFirst(), as: UTF8.self)
            let number = digits.first == "x" ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
            return number.flatMap(Unicode.Scalar.init)
        }
    }
}
