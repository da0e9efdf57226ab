internal import Routing

/// A route as exchanges hold it: one reference, where the route's own value is many.
final class RouteRuntime: Sendable {
    let route: Route
    /// The function that it calls; `nil` where the gateway answers by itself.
    let function: FunctionRuntime?
    /// Whether there is nothing to change about requests.
    let leavesRequestsAlone: Bool
    /// Whether there is nothing to change about answers.
    let leavesAnswersAlone: Bool

    init(_ route: Route, functions: [FunctionRuntime]) {
        self.route = route
        self.function = if case .function(let position) = route.action { functions[position] } else { nil }
        self.leavesRequestsAlone = route.requestHeaderEdits.isEmpty
        self.leavesAnswersAlone = route.responseHeaderEdits.isEmpty
    }
}
