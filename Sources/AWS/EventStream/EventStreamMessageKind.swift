private import Bytes

/// What a message is, as its headers say.
package enum EventStreamMessageKind: Equatable, Sendable {
    /// Bytes of the function's answer.
    case payloadChunk
    /// The last event: JSON that says how the invocation ended.
    case invokeComplete
    /// An event that Lambda does not have today; to be ignored. Empty where the message names none.
    case otherEvent(String)
    /// The stream failed with a modelled exception; the payload is its JSON.
    case exception(String)
    /// The stream failed.
    case error(code: String, message: String)
}

extension EventStreamMessageKind {
    /// Reads the kind out of a whole header block, which is checked from end to end.
    init(headers block: Span<UInt8>, limit: Int) throws(EventStreamError) {
        var messageType: Range<Int>?
        var eventType: Range<Int>?
        var exceptionType: Range<Int>?
        var errorCode: Range<Int>?
        var errorMessage: Range<Int>?
        var cursor = EventStreamHeaderCursor()
        var count = 0
        while let header = try cursor.next(in: block) {
            guard count < limit else { throw .tooManyHeaders(limit: limit) }
            let name = block.extracting(header.name)
            try Self.check(name, standsNotAmongFirst: count, of: block)
            count += 1
            guard name[0] == ASCII.colon else { continue }
            if name.equals(":message-type") {
                messageType = try header.text(of: name)
            } else if name.equals(":event-type") {
                eventType = try header.text(of: name)
            } else if name.equals(":exception-type") {
                exceptionType = try header.text(of: name)
            } else if name.equals(":error-code") {
                errorCode = try header.text(of: name)
            } else if name.equals(":error-message") {
                errorMessage = try header.text(of: name)
            }
        }
        // A message that does not say its type counts as an event, as it does for botocore.
        let isEvent = messageType.map { block.extracting($0).equals("event") } ?? true
        if isEvent {
            guard let eventType else {
                self = .otherEvent("")
                return
            }
            let name = block.extracting(eventType)
            if name.equals("PayloadChunk") {
                self = .payloadChunk
            } else if name.equals("InvokeComplete") {
                self = .invokeComplete
            } else {
                self = .otherEvent(name.string())
            }
            return
        }
        let type = block.extracting(messageType ?? 0..<0)
        if type.equals("exception") {
            self = .exception(exceptionType.map { block.extracting($0).string() } ?? "")
        } else if type.equals("error") {
            self = .error(
                code: errorCode.map { block.extracting($0).string() } ?? "",
                message: errorMessage.map { block.extracting($0).string() } ?? "")
        } else {
            throw .unknownMessageType(type.string())
        }
    }

    /// Duplicate names are invalid. The block is walked again for each header: the number of headers is small, and
    /// nothing has to be kept.
    private static func check(
        _ name: Span<UInt8>, standsNotAmongFirst count: Int, of block: Span<UInt8>
    ) throws(EventStreamError) {
        var cursor = EventStreamHeaderCursor()
        for _ in 0..<count {
            guard let header = try cursor.next(in: block) else { return }
            if block.extracting(header.name).equals(name) { throw .duplicateHeader(name: name.string()) }
        }
    }
}

extension EventStreamHeaderCursor.Header {
    /// Where the value lies, if it is text.
    fileprivate func text(of name: Span<UInt8>) throws(EventStreamError) -> Range<Int> {
        guard self.isText else { throw .headerIsNoText(name: name.string()) }
        return self.value
    }
}
