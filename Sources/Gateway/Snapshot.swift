internal import Configuration
internal import HTTP
internal import Routing
internal import TLS

/// What the configuration means, ready for use: immutable, shared by all loops. An exchange keeps the one it began with.
final class Snapshot: Sendable {
    /// Finds the route of a request, by its position.
    let table: RouteTable
    let routes: [RouteRuntime]
    /// By position, as routes name them.
    let functions: [FunctionRuntime]
    let limits: LimitSettings
    let accessLogFormat: AccessLogSettings.Format

    init(
        routes: RouteTable, functions: [FunctionRuntime], limits: LimitSettings,
        accessLogFormat: AccessLogSettings.Format
    ) {
        self.table = routes
        self.routes = routes.routes.map { RouteRuntime($0, functions: functions) }
        self.functions = functions
        self.limits = limits
        self.accessLogFormat = accessLogFormat
    }
}

/// A listener as sessions see it.
final class ListenerRuntime: Sendable {
    /// As the configuration has it.
    let name: String
    /// The port that clients call.
    let port: UInt16
    /// `http` or `https`, as clients see it.
    let scheme: StaticString
    /// `nil` where clients speak without TLS.
    let tls: TLSServerContext?

    init(name: String, port: UInt16, scheme: StaticString, tls: TLSServerContext? = nil) {
        self.tls = tls
        self.name = name
        self.port = port
        self.scheme = scheme
    }
}
