/// Why an answer cannot be taken, and with it the connection on which it came.
package struct ResponseFault: Error, Equatable, Sendable {
    /// What is wrong.
    package let reason: Reason

    package init(_ reason: Reason) {
        self.reason = reason
    }

    /// What can be wrong with an answer.
    package enum Reason: Equatable, Sendable {
        /// The syntax or framing is wrong.
        case message(MessageFault)
        /// The first line is no status line of HTTP/1.0 or 1.1 with a status from 100 to 599.
        case statusLineMalformed
        /// A status line beyond the limit.
        case statusLineTooLong(limit: Int)
        /// 101, though nothing was asked to switch.
        case unexpectedUpgrade
        /// More answers of class 1xx in front of the real one than are let pass.
        case tooManyInterimAnswers
        /// Bytes though no answer is awaited.
        case unexpectedBytes
        /// The connection ended before the first byte of the answer.
        case endedBeforeAnswer
        /// The connection ended in the middle of the answer.
        case truncated
    }
}

extension ResponseFault: CustomStringConvertible {
    /// What is wrong, in one line.
    package var description: String {
        switch self.reason {
        case .message(let fault): fault.description
        case .statusLineMalformed: "malformed status line"
        case .statusLineTooLong(let limit): "status line of more than \(limit) bytes"
        case .unexpectedUpgrade: "101 Switching Protocols without a request for it"
        case .tooManyInterimAnswers: "too many interim answers"
        case .unexpectedBytes: "bytes that belong to no request"
        case .endedBeforeAnswer: "connection ended before the answer"
        case .truncated: "connection ended in the middle of the answer"
        }
    }
}
