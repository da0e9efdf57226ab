/// A piece of the file: what stands there, and where.
struct SourceNode: Sendable {
    let position: SourcePosition
    let content: Content

    indirect enum Content: Sendable {
        /// Nothing, `~` or `null`.
        case null
        case scalar(String)
        case list([SourceNode])
        case mapping([Entry])
    }

    /// A key and its value. No key stands twice in a mapping.
    struct Entry: Sendable {
        let key: String
        let keyPosition: SourcePosition
        let value: SourceNode
    }

    /// What it is, for messages.
    var kindText: String {
        switch self.content {
        case .null: "nothing"
        case .scalar: "a single value"
        case .list: "a list"
        case .mapping: "a mapping"
        }
    }
}

/// A value, and where it stands.
struct Located<Value: Sendable>: Sendable {
    let value: Value
    let position: SourcePosition
}
