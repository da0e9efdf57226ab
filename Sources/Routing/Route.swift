package import HTTP

/// One route as configured: which requests it takes and what becomes of them.
package struct Route: Sendable, Equatable {
    /// The hosts it answers for; one of them must match.
    package var hosts: [HostPattern]
    /// The paths it answers for; one of them must match.
    package var paths: [PathPattern]
    /// The methods it takes; empty for all.
    package var methods: [Method]
    /// Fields that a request must carry, all of them.
    package var headers: [HeaderCondition]
    /// Whose tokens requests have to bring; `nil` where they need none.
    package var authorization: RouteAuthorization?
    package var action: Action
    package var stripPrefix: PathPrefix?
    package var requestHeaderEdits: FieldEdits
    package var responseHeaderEdits: FieldEdits

    /// What becomes of a request.
    package enum Action: Sendable, Equatable {
        /// A function is called: its position among the configured ones.
        case function(Int)
        /// One of several is called.
        case functions(WeightedFunctions)
        case redirect(Redirect)
        case respond(FixedResponse)
    }

    package init(
        hosts: [HostPattern] = [.any], paths: [PathPattern], methods: [Method] = [], headers: [HeaderCondition] = [],
        authorization: RouteAuthorization? = nil, action: Action, stripPrefix: PathPrefix? = nil,
        requestHeaderEdits: FieldEdits = FieldEdits(),
        responseHeaderEdits: FieldEdits = FieldEdits()
    ) {
        self.hosts = hosts
        self.paths = paths
        self.methods = methods
        self.headers = headers
        self.authorization = authorization
        self.action = action
        self.stripPrefix = stripPrefix
        self.requestHeaderEdits = requestHeaderEdits
        self.responseHeaderEdits = responseHeaderEdits
    }
}

/// An answer that the gateway gives itself.
package struct FixedResponse: Sendable, Equatable {
    /// Status and fields, without the framing fields.
    package let head: ResponseHead
    package let body: [UInt8]

    package init(head: ResponseHead, body: [UInt8]) {
        self.head = head
        self.body = body
    }
}

/// What a `{name}` of a path matched, in the canonical form of paths: still percent-encoded.
package struct PathParameter: Sendable, Hashable {
    package let name: String
    package let value: String

    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}
