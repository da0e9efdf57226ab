private import Bytes

/// The fields of a request that its signature covers, brought into canonical form once.
///
/// `x-amz-date` and `x-amz-security-token` change from request to request and are the signer's; the lines here are kept
/// in three groups, so that those two find their places between them without sorting.
package struct SignedFields: Sendable {
    /// Names before `x-amz-date`, those up to `x-amz-security-token`, and those behind it.
    var before = Group()
    var between = Group()
    var after = Group()

    /// Some canonical lines, `name:value\n`, and their names.
    struct Group: Sendable {
        var lines: [UInt8] = []
        /// Each name followed by a semicolon.
        var names: [UInt8] = []
    }

    /// Takes fields in any order and spelling. Repeated ones are joined with a comma (in the order given), values
    /// trimmed, and runs of white space made one space. `x-amz-date`, `x-amz-security-token` and `authorization` are
    /// left out.
    package init(_ fields: [(name: String, value: String)]) {
        var values: [String: String] = [:]
        for field in fields {
            let name = field.name.lowercased()
            let value = Self.canonical(field.value)
            values[name] = values[name].map { "\($0),\(value)" } ?? value
        }
        // Names are ASCII, and UTF-8 sorts as the specification wants.
        for (name, value) in values.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            let line = Array("\(name):\(value)\n".utf8)
            let listed = Array("\(name);".utf8)
            switch name {
            case "x-amz-date", "x-amz-security-token", "authorization": continue
            case ..<"x-amz-date": self.before.append(line, listed)
            case ..<"x-amz-security-token": self.between.append(line, listed)
            default: self.after.append(line, listed)
            }
        }
    }

    private static func canonical(_ value: String) -> String {
        var buffer = ByteBuffer()
        buffer.append(canonicalValue: value.utf8.span)
        return buffer.string()
    }
}

extension SignedFields.Group {
    fileprivate mutating func append(_ line: [UInt8], _ name: [UInt8]) {
        self.lines += line
        self.names += name
    }
}
