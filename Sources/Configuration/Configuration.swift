//===----------------------------------------------------------------------===//
// Configuration: from the text of a YAML file to a `GatewayConfiguration` that cannot be wrong, or to every fault in
// it.
//
//     text ──▶ SourceDocument ──▶ sections of ConfigurationSchema ──▶ checks across keys ──▶ GatewayConfiguration
//               YAML, marks         one value at a time                 functions, routes
//
// `ConfigurationSchema` is the one place that says which keys there are, what they hold, what they default to and what
// they are for; reading, suggestions and documentation all come from it. Faults are gathered along the way, each with
// its line and column, and reported together in the order of the file.
//
// Nothing here opens a file, asks the environment or looks at a clock: text, variables and a reader of secrets are
// handed in. Foundation comes with Yams and is used nowhere else.
//===----------------------------------------------------------------------===//
