package import Bytes
package import HTTP

/// What the event of a function looks like: the kind (`event:`), and what the configuration says for it.
///
/// An object, because it is handed about for each request.
package final class EventFormat: Sendable {
    package let kind: Kind
    /// The stage of an API; `$default` has no place in paths.
    package let stage: String
    /// The stage's variables, in the order of the configuration.
    package let stageVariables: [EventPair]
    /// Which bodies go as text.
    package let bodyTypes: BodyTypes
    /// The account that APIs and load balancers name.
    package let account: String
    /// What a load balancer's event names as its target group.
    package let targetGroup: String

    /// The shapes that there are.
    package enum Kind: String, Sendable, CaseIterable {
        /// Payload 2.0, as function URLs send it.
        case v2
        /// Payload 2.0, as HTTP APIs send it.
        case httpAPI = "http_api"
        /// Payload 1.0, as REST APIs send it.
        case v1
        /// As load balancers send it: one value for each name.
        case alb
        /// As load balancers send it with `lambda.multi_value_headers.enabled`.
        case albMultiValue = "alb_multi_value"
        /// The request's body is the event.
        case raw
    }

    /// - Parameter stage: `nil` for the kind's own: `$default`, and `prod` for REST APIs, which know no such stage.
    package init(
        _ kind: Kind, stage: String? = nil, stageVariables: [EventPair] = [], bodyTypes: BodyTypes = BodyTypes(),
        account: String = "anonymous", targetGroup: String = "arn:aws:elasticloadbalancing:::targetgroup/sluice/0"
    ) {
        self.kind = kind
        self.stage = stage ?? (kind == .v1 ? "prod" : "$default")
        self.stageVariables = stageVariables
        self.bodyTypes = bodyTypes
        self.account = account
        self.targetGroup = targetGroup
    }

    /// What Lambda takes at most, for any event.
    @inlinable package static var sizeLimit: Int { 6_291_456 }

    /// Whether the event names the route and its parameters.
    package var namesRoute: Bool {
        switch self.kind {
        case .httpAPI, .v1: true
        case .v2, .alb, .albMultiValue, .raw: false
        }
    }

    /// Appends the event of a request. `body` is the request's whole body. The fields are those that a function may see
    /// (`Fields.removeUnforwardable`).
    package func append(
        to buffer: inout ByteBuffer, head: borrowing RequestHead, context: borrowing EventContext, body: Span<UInt8>
    ) {
        switch self.kind {
        case .v2, .httpAPI: EventV2.append(to: &buffer, head: head, context: context, format: self, body: body)
        case .v1: EventV1.append(to: &buffer, head: head, context: context, format: self, body: body)
        case .alb, .albMultiValue: EventALB.append(to: &buffer, head: head, context: context, format: self, body: body)
        case .raw: if body.isEmpty { buffer.append("{}") } else { buffer.append(body) }
        }
    }

    /// Whether an event can be made of a body: that of `raw` has to be JSON.
    package func takes(_ body: Span<UInt8>) -> Bool {
        self.kind != .raw || body.isEmpty || body.isJSON
    }

    /// The least number of bytes that the event of a request with a body of `bodyCount` bytes can have: what there is
    /// to know before the body has come. Exact for bodies that go as base64, and for text without escapes.
    package func leastSize(
        head: borrowing RequestHead, context: borrowing EventContext, bodyCount: Int
    ) -> Int {
        // Bodies beyond the limit cannot fit; below half of it, everything else in the event cannot push them over.
        guard bodyCount <= Self.sizeLimit, bodyCount > Self.sizeLimit / 2, self.kind != .raw else { return bodyCount }
        var envelope = ByteBuffer()
        self.append(to: &envelope, head: head, context: context, body: Span())
        // What an event without a body has in place of `"body":""`, as the member itself is counted.
        let added =
            switch self.kind {
            case .v2, .httpAPI: #","body":"""#.utf8.count
            case .v1: -2
            case .alb, .albMultiValue, .raw: 0
            }
        switch self.bodyTypes.form(of: head.fields, for: self.kind) {
        case .text: return envelope.count + added + bodyCount
        // `true` is a byte shorter than `false`.
        case .base64: return envelope.count + added - 1 + Base64.encodedCount(bodyCount)
        }
    }
}

/// A name and what it stands for.
package struct EventPair: Sendable, Hashable {
    package let name: String
    package let value: String

    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}
