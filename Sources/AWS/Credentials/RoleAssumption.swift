private import Bytes

/// A role that is taken on with AssumeRole, and how.
package struct RoleAssumption: Sendable, Hashable {
    package let arn: String
    /// What the owner of the role wants to hear, where it is somebody else.
    package let externalID: String?
    /// How the session is called in the owner's audit log; `nil` for a name made for it.
    package let sessionName: String?
    /// How long a session lasts, in seconds; `nil` for the hour that AWS gives.
    package let durationSeconds: Int?

    /// Checks everything against what STS takes.
    package init(
        arn: String, externalID: String? = nil, sessionName: String? = nil, durationSeconds: Int? = nil
    ) throws(RoleError) {
        guard Self.isRole(arn) else { throw .arn(arn) }
        if let externalID, !Self.isMade(of: "+=,.@:/-_", 1...1224, externalID) { throw .externalID }
        if let sessionName, !Self.isMade(of: "+=,.@-_", 2...64, sessionName) { throw .sessionName(sessionName) }
        if let durationSeconds, !(900...43_200).contains(durationSeconds) { throw .duration(seconds: durationSeconds) }
        self.arn = arn
        self.externalID = externalID
        self.sessionName = sessionName
        self.durationSeconds = durationSeconds
    }

    /// `arn:PARTITION:iam::ACCOUNT:role/PATH/NAME`.
    private static func isRole(_ arn: String) -> Bool {
        let parts = arn.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
        guard parts.count == 6, arn.utf8.count <= 2048 else { return false }
        return parts[0] == "arn" && parts[1].hasPrefix("aws") && parts[2] == "iam" && parts[3].isEmpty
            && parts[4].utf8.count == 12 && parts[4].utf8.allSatisfy(ASCII.isDigit)
            && parts[5].hasPrefix("role/") && parts[5].utf8.count > 5
            && arn.utf8.allSatisfy { $0 > ASCII.space && $0 < ASCII.delete }
    }

    /// Whether a text has letters, digits and these characters, and the right length.
    private static func isMade(of others: String, _ length: ClosedRange<Int>, _ text: String) -> Bool {
        length.contains(text.utf8.count)
            && text.utf8.allSatisfy { ASCII.isLetter($0) || ASCII.isDigit($0) || others.utf8.contains($0) }
    }
}

/// What STS would not take.
package enum RoleError: Error, Sendable, Equatable, CustomStringConvertible {
    case arn(String)
    case externalID
    case sessionName(String)
    case duration(seconds: Int)

    /// One line that says what to write.
    package var description: String {
        switch self {
        case .arn(let text):
            "'\(text.onOneLine)' is no ARN of a role, such as arn:aws:iam::123456789012:role/invoke"
        case .externalID: "an external id has up to 1224 letters, digits and + = , . @ : / - _"
        case .sessionName(let text):
            "'\(text.onOneLine)' is no session name: 2 to 64 letters, digits and + = , . @ - _"
        case .duration(let seconds): "a session of a role lasts from 900 to 43200 seconds, not \(seconds)"
        }
    }
}
