private import AWS
package import Bytes
private import HTTP
private import JSON
private import Lambda
package import Time

/// Writes the answer to one call: an event stream whose head goes out when the function begins to answer, or one
/// document at the end.
///
///     waiting ── began ──▶ open ── received* ──▶ ended ──▶ finished
///        └──────────── refused, accepted ────────────────────▲
///
/// The machine appends bytes to the buffer that it is given, and does nothing else.
package struct InvokeAnswer: ~Copyable {
    /// What each answer says of its call.
    package struct Identity: Sendable {
        package var requestID: InvocationID
        package var traceID: String?
        /// Whether the connection goes on after this answer.
        package var keepsAlive: Bool

        package init(requestID: InvocationID, traceID: String?, keepsAlive: Bool) {
            self.requestID = requestID
            self.traceID = traceID
            self.keepsAlive = keepsAlive
        }
    }

    /// Bytes that a buffered answer may have.
    package static let bufferedLimit = BufferedAnswer.sizeLimit

    /// What the call was, for its answer.
    package let identity: Identity
    private let operation: InvokeOperation
    private var state: State = .waiting
    /// The document of a buffered answer, so far.
    private var document = ByteBuffer()
    /// Where a message is put together before its length is known to the chunked coding.
    private var message = ByteBuffer()
    private var isDocumentTooLarge = false

    private enum State {
        case waiting
        case open
        case finished
    }

    package init(operation: InvokeOperation, identity: Identity) {
        self.operation = operation
        self.identity = identity
    }

    /// Whether everything was said.
    package var isFinished: Bool {
        switch self.state {
        case .finished: true
        case .waiting, .open: false
        }
    }

    /// The function has begun to answer.
    package mutating func began(at time: WallTime, to output: inout ByteBuffer) {
        guard case .waiting = self.state else { return }
        self.state = .open
        guard self.operation == .stream else { return }
        self.appendHead(status: 200, at: time, to: &output)
        output.append("Content-Type: application/vnd.amazon.eventstream\r\nX-Amz-Executed-Version: $LATEST\r\n")
        output.append("Transfer-Encoding: chunked\r\n\r\n")
    }

    /// A piece of the function's answer has come.
    package mutating func received(_ bytes: Span<UInt8>, at time: WallTime, to output: inout ByteBuffer) {
        self.began(at: time, to: &output)
        guard case .open = self.state, !bytes.isEmpty else { return }
        switch self.operation {
        case .stream:
            EventStreamEncoder.append(payloadChunk: bytes, to: &self.message)
            self.flushMessage(to: &output)
        case .buffered:
            if self.isDocumentTooLarge || self.document.count + bytes.count > Self.bufferedLimit {
                self.isDocumentTooLarge = true
                self.document.releaseStorage()
            } else {
                self.document.append(bytes)
            }
        }
    }

    /// The function has finished, well or not.
    package mutating func ended(
        error: FunctionError?, logTail: String?, at time: WallTime, to output: inout ByteBuffer
    ) {
        self.began(at: time, to: &output)
        guard case .open = self.state else { return }
        self.state = .finished
        switch self.operation {
        case .stream:
            var json = ByteBuffer()
            Self.append(completion: error, logTail: logTail, to: &json)
            EventStreamEncoder.append(invokeComplete: json.bytes, to: &self.message)
            self.flushMessage(to: &output)
            output.append("0\r\n\r\n")
        case .buffered:
            let error = self.isDocumentTooLarge ? .responseTooLarge(limit: Self.bufferedLimit) : error
            self.appendHead(status: 200, at: time, to: &output)
            output.append("Content-Type: application/json\r\nX-Amz-Executed-Version: $LATEST\r\n")
            if let logTail {
                output.append("X-Amz-Log-Result: ")
                output.append(logTail)
                output.append("\r\n")
            }
            if let error {
                output.append("X-Amz-Function-Error: Unhandled\r\n")
                self.document.removeAll()
                self.document.append(error.details)
            }
            Self.append(body: self.document.bytes, to: &output)
        }
    }

    /// The call is not made: an error, named as Lambda names it.
    package mutating func refused(_ fault: InvokeFault, at time: WallTime, to output: inout ByteBuffer) {
        guard case .waiting = self.state else { return }
        self.state = .finished
        var json = ByteBuffer()
        fault.appendJSON(to: &json)
        self.appendHead(status: fault.status, at: time, to: &output)
        output.append("Content-Type: application/json\r\nx-amzn-ErrorType: ")
        output.append(fault.type)
        output.append("\r\n")
        if fault.status == 429 { output.append("Retry-After: 1\r\n") }
        if fault.status == 405 { output.append("Allow: POST\r\n") }
        Self.append(body: json.bytes, to: &output)
    }

    /// The call was accepted, and nothing more is said: 202 for an event, 204 for a dry run.
    package mutating func accepted(status: Int, at time: WallTime, to output: inout ByteBuffer) {
        guard case .waiting = self.state else { return }
        self.state = .finished
        self.appendHead(status: status, at: time, to: &output)
        output.append("X-Amz-Executed-Version: $LATEST\r\n")
        // RFC 9110 §8.6: "A server MUST NOT send a Content-Length header field in any response with a status code of
        // 1xx (Informational) or 204 (No Content)."
        output.append(status == 204 ? "\r\n" : "Content-Length: 0\r\n\r\n")
    }

    private func appendHead(status: Int, at time: WallTime, to output: inout ByteBuffer) {
        output.append(statusLine: status)
        output.append("Date: ")
        output.append(imfFixdate: time.calendar)
        output.append("\r\nx-amzn-RequestId: ")
        output.append(self.identity.requestID.rawValue)
        output.append("\r\n")
        if let traceID = self.identity.traceID {
            output.append("X-Amzn-Trace-Id: ")
            output.append(traceID)
            output.append("\r\n")
        }
        if !self.identity.keepsAlive { output.append("Connection: close\r\n") }
    }

    private static func append(body: Span<UInt8>, to output: inout ByteBuffer) {
        output.append("Content-Length: ")
        output.append(decimal: body.count)
        output.append("\r\n\r\n")
        output.append(body)
    }

    private static func append(completion error: FunctionError?, logTail: String?, to json: inout ByteBuffer) {
        json.append("{")
        if let error {
            json.append("\"ErrorCode\":")
            json.append(jsonString: error.code)
            json.append(",\"ErrorDetails\":")
            json.append(jsonString: error.details)
        }
        if let logTail {
            json.append(error == nil ? "\"LogResult\":" : ",\"LogResult\":")
            json.append(jsonString: logTail)
        }
        json.append("}")
    }

    /// Sends the message as one chunk.
    private mutating func flushMessage(to output: inout ByteBuffer) {
        output.append(chunkHeaderFor: self.message.count)
        output.append(self.message.bytes)
        output.append("\r\n")
        self.message.removeAll()
    }
}

@available(*, unavailable)
extension InvokeAnswer: Sendable {}
