private import Bytes

/// The two ways to invoke a function.
package enum InvokeOperation: Sendable, Equatable {
    /// `InvokeWithResponseStream`: an event stream, each chunk at once.
    case stream
    /// `Invoke`: one document.
    case buffered

    package var name: String {
        switch self {
        case .stream: "InvokeWithResponseStream"
        case .buffered: "InvokeFunction"
        }
    }
}

/// Which operation on which function a path means.
package struct InvokePath: Equatable, Sendable {
    package let operation: InvokeOperation
    /// The function's name or ARN, decoded.
    package let function: String

    /// `nil` where the path is of neither operation.
    package init?(_ path: String) {
        let segments = path.split(separator: "/", omittingEmptySubsequences: false)
        guard segments.count == 5, segments[0].isEmpty, segments[2] == "functions" else { return nil }
        switch (segments[1], segments[4]) {
        case ("2021-11-15", "response-streaming-invocations"): self.operation = .stream
        case ("2015-03-31", "invocations"): self.operation = .buffered
        default: return nil
        }
        guard let function = PercentCoding.decode(segments[3]), !function.isEmpty else { return nil }
        self.function = function
    }
}

/// Percent-encoding (RFC 3986 §2.1) of the one path segment and the one query value that the Invoke APIs have.
enum PercentCoding {
    /// The text, or `nil` where a percent sign is not followed by two digits or the bytes are no UTF-8.
    static func decode(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == ASCII.percent else {
                bytes.append(byte)
                continue
            }
            guard let first = rest.popFirst(), let second = rest.popFirst(), let high = ASCII.hexValue(first),
                let low = ASCII.hexValue(second)
            else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
