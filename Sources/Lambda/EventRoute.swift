/// What the events of APIs say of the route that a request took.
package final class EventRoute: Sendable {
    /// The path in an API's own words: `/users/{id}`, `/v1/{proxy+}`.
    package let resource: String
    /// Method and path: `GET /users/{id}`, `ANY /v1/{proxy+}`, or `$default` for a route that takes everything.
    package let key: String
    /// What the parameters of the path matched, still percent-encoded; `proxy` is what a `*` matched.
    package let parameters: [EventPair]

    package init(resource: String, key: String, parameters: [EventPair] = []) {
        self.resource = resource
        self.key = key
        self.parameters = parameters
    }
}
