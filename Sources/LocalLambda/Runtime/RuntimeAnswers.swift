package import Bytes
private import HTTP
package import Time

/// What the Runtime API says to a child.
package enum RuntimeAnswers {
    /// The answer to `next`: an invocation.
    package struct Delivery: Sendable {
        package var id: InvocationID
        package var deadline: WallTime
        package var functionARN: String
        package var traceID: String?
        package var clientContext: String?
        package var tenantID: String?

        package init(
            id: InvocationID, deadline: WallTime, functionARN: String, traceID: String?, clientContext: String?,
            tenantID: String?
        ) {
            self.id = id
            self.deadline = deadline
            self.functionARN = functionARN
            self.traceID = traceID
            self.clientContext = clientContext
            self.tenantID = tenantID
        }
    }

    /// Appends an invocation. An empty event becomes `{}`, as in Lambda.
    package static func append(_ delivery: Delivery, event: Span<UInt8>, to output: inout ByteBuffer) {
        output.append(statusLine: 200)
        output.append("Content-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: ")
        output.append(delivery.id.rawValue)
        output.append("\r\nLambda-Runtime-Deadline-Ms: ")
        output.append(decimal: delivery.deadline.milliseconds)
        output.append("\r\nLambda-Runtime-Invoked-Function-Arn: ")
        output.append(delivery.functionARN)
        output.append("\r\n")
        self.append("Lambda-Runtime-Trace-Id: ", delivery.traceID, to: &output)
        self.append("Lambda-Runtime-Client-Context: ", delivery.clientContext, to: &output)
        self.append("Lambda-Runtime-Aws-Tenant-Id: ", delivery.tenantID, to: &output)
        output.append("Content-Length: ")
        output.append(decimal: max(2, event.count))
        output.append("\r\n\r\n")
        if event.isEmpty { output.append("{}") } else { output.append(event) }
    }

    /// Appends the answer to what was accepted.
    package static func appendAccepted(to output: inout ByteBuffer) {
        output.append(statusLine: 202)
        output.append("Content-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"status\":\"OK\"}\n")
    }

    /// Appends the answer to the check of life.
    package static func appendPong(to output: inout ByteBuffer) {
        output.append(statusLine: 200)
        output.append("Content-Type: text/plain\r\nContent-Length: 4\r\n\r\npong")
    }

    /// Appends a refusal.
    package static func append(_ refusal: RuntimeRefusal, closes: Bool, to output: inout ByteBuffer) {
        var json = ByteBuffer()
        refusal.appendJSON(to: &json)
        output.append(statusLine: refusal.status)
        output.append("Content-Type: application/json\r\nContent-Length: ")
        output.append(decimal: json.count)
        output.append(closes ? "\r\nConnection: close\r\n\r\n" : "\r\n\r\n")
        output.append(json.bytes)
    }

    /// A line that is left out where its value is missing or empty, because runtimes take an empty one for a value.
    private static func append(_ name: StaticString, _ value: String?, to output: inout ByteBuffer) {
        guard let value, !value.isEmpty else { return }
        output.append(name)
        output.append(value)
        output.append("\r\n")
    }
}
