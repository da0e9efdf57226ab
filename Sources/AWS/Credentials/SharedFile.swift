private import Bytes

/// Which of the two shared files of the SDKs a text is.
package enum SharedFileKind: String, Sendable, Hashable {
    /// `~/.aws/config`, where a profile's section is `[profile NAME]`.
    case config
    /// `~/.aws/credentials`, where it is `[NAME]`.
    case credentials
}

/// What is wrong with a shared file.
package struct SharedFileError: Error, Equatable, Sendable {
    package let kind: SharedFileKind
    /// Counted from 1; 0 where the whole file is meant.
    package let line: Int
    package let reason: Reason

    /// What can be wrong with a line.
    package enum Reason: Equatable, Sendable {
        /// A section header that does not end.
        case unfinishedSection
        /// A setting in front of the first section.
        case settingOutsideSection
        /// A line that is neither section nor setting nor comment.
        case notASetting
        /// The file is larger than any of its kind.
        case tooLong(limit: Int)
    }
}

extension SharedFileError: CustomStringConvertible {
    /// One line. The text of the line is not shown, as it may be a secret.
    package var description: String {
        let place = "AWS \(self.kind.rawValue) file" + (self.line > 0 ? ", line \(self.line)" : "")
        return switch self.reason {
        case .unfinishedSection: "\(place): a section header must end with ']'"
        case .settingOutsideSection: "\(place): a setting stands in front of the first [section]"
        case .notASetting: "\(place): neither a [section] nor 'name = value' nor a comment"
        case .tooLong(let limit): "\(place): larger than the limit of \(limit) bytes"
        }
    }
}

/// A shared file taken apart: sections with settings, of which each may have settings of its own.
///
///     [section]            # or ; comment
///     name = value
///     name =
///       nested = value
struct SharedFile {
    /// The settings of each section by its name as it stands in the brackets; sections of the same name are one.
    private(set) var sections: [String: Section] = [:]

    private static let longest = 1 << 20

    struct Section {
        /// Values by name; names are in lower case.
        var values: [String: String] = [:]
        /// Nested settings by the name of the setting that they stand under.
        var nested: [String: [String: String]] = [:]
    }

    init(parsing text: String, kind: SharedFileKind) throws(SharedFileError) {
        guard text.utf8.count <= Self.longest else {
            throw SharedFileError(kind: kind, line: 0, reason: .tooLong(limit: Self.longest))
        }
        var section: String?
        /// The last setting, and by how much its line was indented.
        var setting: (name: String, indentation: Int)?
        var number = 0
        // "\r\n" is one character, and no "\n".
        for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
            number += 1
            let indentation = line.prefix { $0 == " " || $0 == "\t" }.count
            let content = Self.trimmed(line)
            if content.isEmpty || content.first == "#" || content.first == ";" { continue }
            if let setting, let section, indentation > setting.indentation {
                self.take(nested: content, under: setting.name, in: section)
                continue
            }
            if content.first == "[" {
                guard let end = content.firstIndex(of: "]") else {
                    throw SharedFileError(kind: kind, line: number, reason: .unfinishedSection)
                }
                let name = String(Self.trimmed(content[content.index(after: content.startIndex)..<end]))
                if self.sections[name] == nil { self.sections[name] = Section() }
                section = name
                setting = nil
                continue
            }
            guard let section else {
                throw SharedFileError(kind: kind, line: number, reason: .settingOutsideSection)
            }
            guard let (name, value) = Self.setting(content) else {
                throw SharedFileError(kind: kind, line: number, reason: .notASetting)
            }
            self.sections[section]?.values[name] = value
            setting = (name, indentation)
        }
    }

    /// A line that is indented further is a setting of its own below a setting without value, and goes on with the
    /// value of another.
    private mutating func take(nested line: Substring, under setting: String, in section: String) {
        if self.sections[section]?.values[setting]?.isEmpty ?? false {
            guard let (name, value) = Self.setting(line) else { return }
            self.sections[section]?.nested[setting, default: [:]][name] = value
        } else {
            self.sections[section]?.values[setting]?.append("\n\(line)")
        }
    }

    /// Name and value of `name = value ; comment`.
    private static func setting(_ line: Substring) -> (name: String, value: String)? {
        guard let equals = line.firstIndex(of: "=") else { return nil }
        let name = self.trimmed(line[..<equals])
        guard !name.isEmpty else { return nil }
        var value = line[line.index(after: equals)...]
        // A comment behind a value begins with white space; a '#' inside a value is part of it.
        for marker in [" #", " ;", "\t#", "\t;"] {
            if let comment = value.firstRange(of: marker) { value = value[..<comment.lowerBound] }
        }
        return (name.lowercased(), String(self.trimmed(value)))
    }

    private static func trimmed(_ text: Substring) -> Substring {
        let head = text.drop(while: \.isWhitespace)
        guard let last = head.lastIndex(where: { !$0.isWhitespace }) else { return head.prefix(0) }
        return head[...last]
    }
}
