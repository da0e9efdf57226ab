internal import Lambda

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

    /// A function sees the name decoded, so that an escape must not hide it.
    private func redacts(_ name: Substring) -> Bool {
        if self.redactsAll { return true }
        let name = String(name)
        return self.names.contains((name.percentDecoded ?? name).lowercased())
    }
}
