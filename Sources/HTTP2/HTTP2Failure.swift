/// Why a connection is ended from this side.
package struct HTTP2Failure: Error, Equatable, Sendable {
    /// What the GOAWAY frame says.
    package let code: HTTP2ErrorCode
    package let cause: Cause

    /// What the peer did.
    package enum Cause: Equatable, Sendable {
        /// It did not begin as RFC 9113 §3.4 wants it.
        case preface
        /// It broke a rule of the protocol; in the library's words where the library found it.
        case violation(String)
        /// More of something than there may be.
        case excess(Excess)
        /// A part of a frame that did not become whole in time. Found by the driver.
        case tooSlow
    }

    /// What there was too much of.
    package enum Excess: String, Equatable, Sendable {
        case resets
        case pings
        case settings
        case priorities
        case windowUpdates = "window updates"
        case emptyFrames = "empty frames"
        case continuations
        case unknownFrames = "unknown frames"
        case headerBlock = "header block"
        case waitingFrames = "waiting frames"
    }

    package init(code: HTTP2ErrorCode, cause: Cause) {
        self.code = code
        self.cause = cause
    }

    static func excess(_ excess: Excess) -> HTTP2Failure {
        HTTP2Failure(code: .enhanceYourCalm, cause: .excess(excess))
    }
}

extension HTTP2Failure: CustomStringConvertible {
    /// The code and the cause, in one line.
    package var description: String {
        switch self.cause {
        case .preface: "\(self.code): no HTTP/2 preface"
        case .violation(let text): "\(self.code): \(text)"
        case .excess(let excess): "\(self.code): too many \(excess.rawValue)"
        case .tooSlow: "\(self.code): a frame was too slow"
        }
    }
}
