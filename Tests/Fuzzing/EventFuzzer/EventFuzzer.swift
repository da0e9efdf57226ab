import Bytes
import FuzzingSupport
import HTTP
import JSON
import Lambda
import Time

/// Events of every kind made of requests that the parser lets through: always one JSON document, with the body in it.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = FuzzedInput(data, count)
    guard var (head, body) = request(in: input.bytes) else { return 0 }
    head.fields.removeUnforwardable()
    let context = EventContext(
        requestID: "11111111-2222-4333-8444-555555555555",
        connection: EventConnection(peerAddress: "192.0.2.1", defaultHost: "example.com"), sourceAddress: "192.0.2.1",
        scheme: "https", port: 443, time: EventTime(WallTime(seconds: 1_767_323_045)))
    for kind in EventFormat.Kind.allCases where kind != .raw {
        let format = EventFormat(kind)
        var event = ByteBuffer()
        format.append(to: &event, head: head, context: context, body: body.span)
        guard let document = try? JSONValue(parsing: event.bytes) else {
            fatalError("an event of the kind \(kind) is no JSON: \(event.string())")
        }
        let text = document["body"]?.string ?? ""
        if document["isBase64Encoded"]?.bool == false, String(validating: body, as: UTF8.self) != nil {
            expectEqual(Array(text.utf8), body, "a body of text changed")
        }
        precondition(
            format.leastSize(head: head, context: context, bodyCount: body.count) <= event.count,
            "an event is smaller than it can be")
    }
    return 0
}

/// The first request of a connection, where there is a whole one.
private func request(in bytes: [UInt8]) -> (RequestHead, [UInt8])? {
    var parser = HTTP1RequestParser()
    var offset = 0
    var found: RequestHead?
    var body: [UInt8] = []
    while let event = try? parser.next(bytes.span, at: &offset) {
        switch event {
        case .head(let head): found = head
        case .body(let range): body += bytes[range]
        case .end: return found.map { ($0, body) }
        case .needsMore: return nil
        }
    }
    return nil
}
