internal import Configuration
internal import HTTP
internal import Routing

/// What the configuration means, ready for use: immutable, shared by all loops. An exchange keeps the one it began
/// with.
final class Snapshot: Sendable {
    private let table: RouteTable
    let routes: [RouteRuntime]
    /// By position, as routes name them.
    let functions: [FunctionRuntime]
    /// By position, as routes name them.
    let issuers: [TokenIssuerRuntime]
    let limits: LimitSettings

    init(
        routes: RouteTable, functions: [FunctionRuntime], issuers: [TokenIssuerRuntime] = [], limits: LimitSettings
    ) {
        self.table = routes
        self.routes = routes.routes.map { RouteRuntime($0, functions: functions, issuers: issuers) }
        self.issuers = issuers
        self.functions = functions
        self.limits = limits
    }

    /// Finds the route of a request, by its position.
    func match(_ head: borrowing RequestHead) -> RouteMatch {
        self.table.match(
            method: head.method, host: head.authority?.host, target: head.target, fields: head.fields)
    }
}
