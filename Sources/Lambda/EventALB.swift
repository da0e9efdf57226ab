internal import Bytes
internal import HTTP
internal import JSON

/// Writes a request as the event that a load balancer sends to a target group of one function.
///
/// Names and values of the query stay as they were sent: load balancers are the only source that does not decode them.
/// The request's id is a header, because nothing else of the event could tell it.
enum EventALB {
    /// Appends the event.
    static func append(
        to buffer: inout ByteBuffer, head: borrowing RequestHead, context: borrowing EventContext, format: EventFormat,
        body: Span<UInt8>
    ) {
        let hasLists = format.kind == .albMultiValue
        buffer.append(#"{"requestContext":{"elb":{"targetGroupArn":"#)
        buffer.append(jsonString: format.targetGroup)
        buffer.append(#"}},"httpMethod":"#)
        buffer.append(jsonString: head.method.rawValue)
        buffer.append(#","path":"#)
        buffer.append(jsonString: context.path ?? head.target.path)
        let query = head.target.query.utf8.span
        if hasLists {
            if !buffer.append(query: query, as: #","multiValueQueryStringParameters":{"#, .lists, isDecoded: false) {
                buffer.append(#","multiValueQueryStringParameters":{}"#)
            }
            buffer.append(#","multiValueHeaders":"#)
        } else {
            if !buffer.append(query: query, as: #","queryStringParameters":{"#, .last, isDecoded: false) {
                buffer.append(#","queryStringParameters":{}"#)
            }
            buffer.append(#","headers":"#)
        }
        buffer.append(
            headerMapOf: head, context: context, lines: HeaderMapLines(head.fields),
            style: HeaderMapStyle(hasLists: hasLists, addsRequestID: true))
        buffer.append(#","body":"#)
        if body.isEmpty {
            buffer.append(#""","isBase64Encoded":false"#)
        } else {
            buffer.append(eventBodyValue: body, form: format.bodyTypes.form(of: head.fields, for: format.kind))
        }
        buffer.append(ASCII.closeBrace)
    }
}
