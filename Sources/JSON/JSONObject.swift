/// The members of an object, in the order in which their keys first came. Of a repeated key the last value counts.
///
/// Keys are the same when their bytes are, as RFC 8259 §8.3 advises; Swift's own comparison would merge keys that only
/// look the same.
package struct JSONObject: Sendable {
    /// Keys and values, in order.
    package private(set) var members: [(key: String, value: JSONValue)] = []
    /// Where each key stands, once there are too many to look through.
    private var index: [[UInt8]: Int] = [:]

    private static let mostWithoutIndex = 16

    /// No members.
    package init() {}

    /// How many members there are.
    package var count: Int { self.members.count }

    /// The value of a key.
    package subscript(key: String) -> JSONValue? {
        guard let position = self.position(of: key) else { return nil }
        return self.members[position].value
    }

    /// Adds a member, or replaces the value where the key is there.
    package mutating func set(_ key: String, _ value: JSONValue) {
        if let position = self.position(of: key) {
            self.members[position].value = value
            return
        }
        self.members.append((key, value))
        if self.members.count == Self.mostWithoutIndex + 1 {
            for (position, member) in self.members.enumerated() { self.index[Array(member.key.utf8)] = position }
        } else if self.members.count > Self.mostWithoutIndex {
            self.index[Array(key.utf8)] = self.members.count - 1
        }
    }

    private func position(of key: String) -> Int? {
        guard self.members.count <= Self.mostWithoutIndex else { return self.index[Array(key.utf8)] }
        return self.members.firstIndex { $0.key.utf8.elementsEqual(key.utf8) }
    }
}

extension JSONObject: Equatable {
    /// Whether both hold the same keys and values; their order does not matter (RFC 8259 §4).
    package static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.count == right.count && left.members.allSatisfy { right[$0.key] == $0.value }
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        for (key, value) in elements { self.set(key, value) }
    }
}
