private import Bytes
package import HTTP
private import JSON
package import Lambda

/// How the caller wants the function to be run.
package enum InvocationType: Sendable, Equatable {
    case requestResponse
    /// The caller does not wait for the answer.
    case event
    /// Nothing is run; only whether it could be.
    case dryRun
}

/// What the head of a call says, checked.
package struct InvokeRequest: Equatable, Sendable {
    package let operation: InvokeOperation
    package let function: FunctionReference
    package let type: InvocationType
    /// Whether the caller wants the end of the log.
    package let wantsLogTail: Bool
    /// The client context as JSON, decoded from its base64.
    package let clientContext: String?
    package let tenantID: String?

    /// Bytes that an event may have.
    package static var eventLimit: Int { EventFormat.sizeLimit }
    /// Bytes that an event may have whose caller does not wait.
    package static let asynchronousEventLimit = 1_048_576

    package init(path: InvokePath, query: String, fields: Fields) throws(InvokeFault) {
        self.operation = path.operation
        do throws(FunctionReferenceError) {
            self.function = try FunctionReference(parsing: path.function, qualifier: Self.qualifier(in: query))
        } catch {
            throw .invalidParameter("\(error)")
        }
        self.type = try Self.invocationType(fields.first("x-amz-invocation-type"), operation: path.operation)
        switch fields.first("x-amz-log-type") {
        case nil, "None": self.wantsLogTail = false
        case "Tail": self.wantsLogTail = self.type == .requestResponse
        case let value?: throw .invalidParameter("X-Amz-Log-Type is None or Tail, not \(value)")
        }
        self.clientContext = try Self.decodedContext(fields.first("x-amz-client-context"))
        self.tenantID = fields.first("x-amz-tenant-id")
    }

    /// Bytes that the event of this call may have.
    package var eventLimit: Int { self.type == .event ? Self.asynchronousEventLimit : Self.eventLimit }

    /// Checks the event, whose bytes must be JSON or nothing at all.
    package func check(event: Span<UInt8>) throws(InvokeFault) {
        guard event.count <= self.eventLimit else {
            throw .tooLarge(limit: self.eventLimit, operation: self.operation)
        }
        if event.isEmpty { return }
        do throws(JSONError) {
            // Nothing is built, so only the depth is bounded, below what the readers of most languages take.
            var reader = JSONReader(event, limits: JSONLimits(depth: 512, values: .max))
            _ = try reader.skipValue()
            try reader.finish()
        } catch {
            throw .invalidContent("\(error)")
        }
    }

    private static func qualifier(in query: String) -> String? {
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, parts[0] == "Qualifier" else { continue }
            // What cannot be decoded is no qualifier, and is refused as it stands.
            return PercentCoding.decode(parts[1]) ?? String(parts[1])
        }
        return nil
    }

    private static func invocationType(
        _ value: String?, operation: InvokeOperation
    ) throws(InvokeFault) -> InvocationType {
        switch (value, operation) {
        case (nil, _), ("RequestResponse", _): return .requestResponse
        case ("DryRun", _): return .dryRun
        case ("Event", .buffered): return .event
        case (let value?, .buffered):
            throw .invalidParameter("X-Amz-Invocation-Type is RequestResponse, Event or DryRun, not \(value)")
        case (let value?, .stream):
            throw .invalidParameter("X-Amz-Invocation-Type is RequestResponse or DryRun, not \(value)")
        }
    }

    private static func decodedContext(_ value: String?) throws(InvokeFault) -> String? {
        guard let value else { return nil }
        guard value.utf8.count <= 3583 else {
            throw .invalidParameter("X-Amz-Client-Context is longer than 3583 characters")
        }
        var bytes = ByteBuffer()
        guard Base64.decode(value.utf8.span, into: &bytes) else {
            throw .invalidContent("the client context is not base64")
        }
        let json: JSONValue
        do throws(JSONError) {
            json = try JSONValue(parsing: bytes.bytes)
        } catch {
            throw .invalidContent("the client context is not JSON: \(error)")
        }
        guard json.object != nil else { throw .invalidContent("the client context is not a JSON object") }
        // Written anew, on one line, as it becomes a header of the Runtime API.
        var text = ByteBuffer()
        text.append(json: json)
        return text.string()
    }
}
