package import HTTP
private import Bytes

/// What a route changes about the fields of its requests or answers. `remove` comes first, then `set`, then `add`.
package struct FieldEdits: Sendable, Hashable {
    /// Lines that replace all lines of their names.
    package var set: [FieldLine]
    /// Lines that are added to those that are there.
    package var add: [FieldLine]
    /// Names, in lower case, whose lines go.
    package var remove: [String]

    package init(set: [FieldLine] = [], add: [FieldLine] = [], remove: [String] = []) {
        self.set = set
        self.add = add
        self.remove = remove
    }

    /// Whether there is nothing to do.
    package var isEmpty: Bool { self.set.isEmpty && self.add.isEmpty && self.remove.isEmpty }

    /// Does it.
    package func apply(to fields: inout Fields) {
        if !self.set.isEmpty || !self.remove.isEmpty {
            fields.remove { fields, index in
                let name = fields.name(at: index)
                return self.remove.contains { name.equals($0.utf8.span) }
                    || self.set.contains { name.equals($0.name.utf8.span) }
            }
        }
        for line in self.set { fields.append(line.name, line.value) }
        for line in self.add { fields.append(line.name, line.value) }
    }
}
