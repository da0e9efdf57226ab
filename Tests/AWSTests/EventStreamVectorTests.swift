import AWS
import Bytes
import JSON
import TestSupport
import Testing

/// One message as botocore reads it.
struct MessageCase: CustomTestStringConvertible {
    let name: String
    let headers: [EventStreamHeader]
    let payload: [UInt8]
    let wire: [UInt8]

    var testDescription: String { self.name }

    /// Empty where the file cannot be read, which a test of its own finds out.
    static let all = (try? vectors("event-stream.json").map(MessageCase.init)) ?? []

    init(_ json: JSONValue) {
        self.name = json["name"]!.string!
        self.payload = hex(json["payload"]!.string!)
        self.wire = hex(json["wire"]!.string!)
        self.headers = json["headers"]!.array!.map { header in
            let parts = header.array!
            let text = parts[2].string ?? ""
            let value: EventStreamHeaderValue =
                switch parts[1].string! {
                case "bool": .bool(parts[2].bool!)
                case "int8": .int8(Int8(text)!)
                case "int16": .int16(Int16(text)!)
                case "int32": .int32(Int32(text)!)
                case "int64": .int64(Int64(text)!)
                case "bytes": .bytes(hex(text))
                case "string": .string(text)
                case "timestamp": .timestamp(milliseconds: Int64(text)!)
                default: .uuid(high: UInt64(text.prefix(16), radix: 16)!, low: UInt64(text.suffix(16), radix: 16)!)
                }
            return EventStreamHeader(parts[0].string!, value)
        }
    }

    /// The kind that the headers say.
    var kind: EventStreamMessageKind {
        func text(_ name: String) -> String? {
            guard case .string(let text) = self.headers.first(where: { $0.name == name })?.value else { return nil }
            return text
        }
        switch (text(":message-type"), text(":event-type")) {
        case ("exception", _): return .exception(text(":exception-type") ?? "")
        case ("error", _): return .error(code: text(":error-code") ?? "", message: text(":error-message") ?? "")
        case (_, "PayloadChunk"): return .payloadChunk
        case (_, "InvokeComplete"): return .invokeComplete
        case (_, let type): return .otherEvent(type ?? "")
        }
    }
}

@Suite struct EventStreamVectorTests {
    @Test func `the vectors are there`() {
        #expect(MessageCase.all.count == 35)
    }

    @Test(arguments: MessageCase.all)
    func `messages are read as botocore reads them, however they are cut`(message: MessageCase) throws {
        for way in Feeding.ways(of: message.wire + message.wire) {
            let expected = Decoded(message.kind, message.payload)
            #expect(try decode(way) == [expected, expected])
        }
        let headers = 12..<message.wire.count - 4 - message.payload.count
        #expect(try EventStreamHeader.parse(message.wire.span.extracting(headers)) == message.headers)
    }

    @Test func `exceptions and errors come out as they went in`() throws {
        let exception = EventStreamHeader.exception("ServiceException", "{}")
        let error = EventStreamHeader.message([
            EventStreamHeader(":error-code", .string("InternalError")),
            EventStreamHeader(":error-message", .string("no")), EventStreamHeader(":message-type", .string("error")),
        ])
        #expect(
            try decode([exception + error]) == [
                Decoded(.exception("ServiceException"), "{}"),
                Decoded(.error(code: "InternalError", message: "no"), ""),
            ])
    }
}
