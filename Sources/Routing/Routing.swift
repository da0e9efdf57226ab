//===----------------------------------------------------------------------===//
// Routing: which route takes a request, decided by host, path, method and header fields.
//
// A `RouteTable` is compiled once from all routes and then only read. Of the routes that match a request the most
// specific one wins, whatever the order in which they were written:
//
//     host        exact, then the longest wildcard, then any
//     path        exact, then parameters (a literal segment before a parameter, from the left), then the longest prefix
//     conditions  the more of them (methods count as one, each header as one), the more specific
//
// Two routes that would match one request equally are a conflict, and no table is made. A route for GET takes HEAD too
// (RFC 9110 §9.1: every server MUST support both), unless an equally specific route names HEAD itself.
//
// Paths are compared in their canonical form, which `HTTP.Target` makes once per request: routes and functions see the
// same path, so that no spelling of a path can slip past a route.
//===----------------------------------------------------------------------===//
