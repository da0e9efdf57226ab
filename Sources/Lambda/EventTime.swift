internal import Bytes
package import Time

/// When a request came, as events have it: a number, and a text that is the same for a second.
package struct EventTime: Sendable {
    package let moment: WallTime
    /// `10/Jul/2026:19:19:06 +0000`
    private let text: InlineArray<26, UInt8>

    package init(_ moment: WallTime) {
        var buffer = ByteBuffer()
        buffer.append(commonLogTime: moment.calendar)
        let bytes = buffer.bytes
        self.init(moment: moment, text: InlineArray { bytes[$0] })
    }

    private init(moment: WallTime, text: InlineArray<26, UInt8>) {
        self.moment = moment
        self.text = text
    }

    /// The same for another moment.
    ///
    /// PERF: most requests come in the second of the one before, and the text takes 310 instructions.
    package func moved(to moment: WallTime) -> EventTime {
        moment.seconds == self.moment.seconds ? EventTime(moment: moment, text: self.text) : EventTime(moment)
    }
}

extension ByteBuffer {
    /// Appends the text of a time.
    mutating func append(_ time: borrowing EventTime) {
        self.append(time.bytes)
    }
}

extension EventTime {
    fileprivate var bytes: Span<UInt8> {
        @_lifetime(borrow self)
        get { self.text.span }
    }
}
