/// Takes single values out of the small XML documents of AWS's query protocol, which have no attributes, comments or
/// mixed content where it matters.
enum XMLText {
    /// The text of the first element of this name, with its references replaced. `nil` where there is no such element, or
    /// where it does not end, or holds others.
    static func element(_ name: String, in document: String) -> String? {
        guard let start = document.firstRange(of: "<\(name)>") else { return nil }
        let rest = document[start.upperBound...]
        guard let end = rest.firstRange(of: "</\(name)>") else { return nil }
        return self.replacingReferences(in: rest[..<end.lowerBound])
    }

    /// The five references of XML 1.0 §4.6 and those by number.
    private static func replacingReferences(in text: Substring) -> String? {
        if text.contains("<") { return nil }
        var result = ""
        var rest = text
        while let ampersand = rest.firstIndex(of: "&") {
            result += rest[..<ampersand]
            guard let semicolon = rest[ampersand...].firstIndex(of: ";"),
                let character = self.character(of: rest[rest.index(after: ampersand)..<semicolon])
            else { return nil }
            result.append(character)
            rest = rest[rest.index(after: semicolon)...]
        }
        return result + rest
    }

    private static func character(of reference: Substring) -> Character? {
        switch reference {
        case "amp": return "&"
        case "lt": return "<"
        case "gt": return ">"
        case "quot": return "\""
        case "apos": return "'"
        default:
            guard reference.first == "#", reference.utf8.count <= 8 else { return nil }
            let digits = reference.dropFirst()
            let number = digits.first == "x" ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
            return number.flatMap(Unicode.Scalar.init).map(Character.init)
        }
    }
}
