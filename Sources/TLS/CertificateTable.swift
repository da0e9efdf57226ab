/// Finds the certificates for a server name: exact names first, then wildcards of one label.
///
/// The certificates of one name form a group, in the order of the configuration: one per kind of key is shown.
struct CertificateTable: Sendable {
    /// The names in each certificate.
    private let names: [[String]]
    /// The groups: indices of certificates.
    private(set) var groups: [[Int]] = []
    private var exact: [String: Int] = [:]
    /// Groups of `*.example.com`, by `example.com`.
    private var wildcards: [String: Int] = [:]

    /// The group of the first certificate, for clients that name nothing known.
    private(set) var fallback = 0

    /// A table of certificates by their names, of which there is at least one certificate.
    init(names: [[String]]) {
        self.names = names
        var members: [String: [Int]] = [:]
        for (index, names) in names.enumerated() {
            for name in names where members[name]?.last != index { members[name, default: []].append(index) }
        }
        var known: [[Int]: Int] = [:]
        for (name, group) in members {
            let index = self.add(group, to: &known)
            if name.hasPrefix("*.") {
                self.wildcards[String(name.dropFirst(2))] = index
            } else {
                self.exact[name] = index
            }
        }
        let partners = names.first?.first.flatMap { members[$0] } ?? [0]
        self.fallback = self.add(partners.first == 0 ? partners : [0], to: &known)
    }

    private mutating func add(_ group: [Int], to known: inout [[Int]: Int]) -> Int {
        if let index = known[group] { return index }
        self.groups.append(group)
        known[group] = self.groups.count - 1
        return self.groups.count - 1
    }

    /// The group for a name in lower case, or `nil` where no certificate has it.
    func group(for name: String) -> Int? {
        if let group = self.exact[name] { return group }
        guard let parent = Self.parent(of: name) else { return nil }
        return self.wildcards[parent]
    }

    /// Whether a certificate of the group has the name.
    func covers(_ name: String, group: Int) -> Bool {
        let wildcard = Self.parent(of: name).map { "*." + $0 }
        return self.groups[group].contains { index in
            self.names[index].contains { $0 == name || $0 == wildcard }
        }
    }

    /// What stands behind the first label.
    private static func parent(of name: String) -> String? {
        guard let dot = name.utf8.firstIndex(of: UInt8(ascii: ".")), dot != name.startIndex else { return nil }
        return String(name[name.index(after: dot)...])
    }
}
