/// Leaves secrets out of the query strings that the log shows: values of parameters with certain names.
struct QueryRedaction {
    /// In lower case.
    private let names: Set<String>
    private let redactsAll: Bool

    /// Redacts these names, however they are written; `*` for all.
    init(_ names: [String]) {
        self.names = Set(names.map { $0.lowercased() })
        self.redactsAll = names.contains("*")
    }

    /// The query with `***` in place of what is not to be seen.
    func text(of query: String) -> String {
        if self.names.isEmpty { return query }
        return query.split(separator: "&", omittingEmptySubsequences: false).map { parameter in
            guard let equals = parameter.firstIndex(of: "="), self.redacts(parameter[..<equals]) else {
                return String(parameter)
            }
            return "\(parameter[..<equals])=***"
        }.joined(separator: "&")
    }

    private func redacts(_ name: Substring) -> Bool {
        self.redactsAll || self.names.contains(Self.decoded(name).lowercased())
    }

    /// A function sees the name decoded, so that an escape must not hide it.
    private static func decoded(_ name: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(name.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
