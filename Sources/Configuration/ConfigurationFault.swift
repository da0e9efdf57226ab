/// One thing that is wrong, or questionable, in a configuration file.
package struct ConfigurationFault: Error, Sendable, Hashable {
    /// The file as it was named.
    package let file: String
    package let position: SourcePosition
    package let severity: Severity
    /// What is wrong, in one line, with the nearest thing that would be right where there is one.
    package let message: String

    /// Whether a file with the fault can be used.
    package enum Severity: String, Sendable, Hashable {
        case error
        case warning
    }

    package init(file: String, position: SourcePosition, severity: Severity, message: String) {
        self.file = file
        self.position = position
        self.severity = severity
        self.message = message
    }
}

extension ConfigurationFault: CustomStringConvertible {
    /// `sluice.yaml:3:5: error: unknown key "lisener"; did you mean "listeners"?`, as compilers write it.
    package var description: String {
        "\(self.file):\(self.position.line):\(self.position.column): \(self.severity.rawValue): \(self.message)"
    }
}

/// Everything that is wrong in a configuration file, in the order of its lines. Holds at least one error; warnings may
/// stand among them.
package struct ConfigurationFaults: Error, Sendable, Equatable {
    package let faults: [ConfigurationFault]
    /// The listeners that could be read all the same. What is wrong with the files that they name can be told as well.
    package let listeners: [ListenerConfiguration]

    package init(faults: [ConfigurationFault], listeners: [ListenerConfiguration] = []) {
        self.faults = faults
        self.listeners = listeners
    }
}

extension ConfigurationFaults: CustomStringConvertible {
    /// One line each.
    package var description: String {
        self.faults.map(\.description).joined(separator: "\n")
    }
}

/// A place in a file; both numbers count from 1, columns in Unicode scalars.
package struct SourcePosition: Sendable, Hashable, Comparable {
    package let line: Int
    package let column: Int

    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    /// The beginning of the file.
    static let start = SourcePosition(line: 1, column: 1)

    package static func < (left: SourcePosition, right: SourcePosition) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}
