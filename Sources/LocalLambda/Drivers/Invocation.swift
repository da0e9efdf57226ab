import Bytes
import Time

/// One call of a function, from its arrival to its end. Bound to the loop.
final class Invocation {
    let id: InvocationID
    let request: InvokeRequest
    let functionARN: String
    let traceID: String
    /// The event, which is kept while the invocation runs because a runtime may ask for it again.
    var event: ByteBuffer
    /// Who waits for the answer; nobody after the caller has gone, or for an event.
    weak var caller: (any InvocationCaller)?
    /// The child that runs it.
    var child: ChildID?
    /// Whether a child was to run it that had ended before it saw it.
    var wasGivenBack = false
    /// When it was handed to a child.
    var startedAt: MonotonicTime?
    /// Until when it may run, on the wall clock.
    var deadline = WallTime(milliseconds: 0)
    /// What it logs, where the caller wants to know.
    var logTail: LogTail?
    /// Where its answer comes from, to be paused while the caller does not take it.
    weak var source: RuntimeConnection?

    init(
        id: InvocationID, request: InvokeRequest, functionARN: String, traceID: String, event: consuming ByteBuffer,
        caller: (any InvocationCaller)?
    ) {
        self.id = id
        self.request = request
        self.functionARN = functionARN
        self.traceID = traceID
        self.event = event
        self.caller = caller
        self.logTail = request.wantsLogTail ? LogTail() : nil
    }

    /// Appends the answer to `next` that hands the invocation over.
    func append(to output: inout ByteBuffer) {
        let delivery = RuntimeAnswers.Delivery(
            id: self.id, deadline: self.deadline, functionARN: self.functionARN, traceID: self.traceID,
            clientContext: self.request.clientContext, tenantID: self.request.tenantID)
        // Lent outright: a class's property could change while its bytes are read.
        var event = ByteBuffer()
        swap(&event, &self.event)
        RuntimeAnswers.append(delivery, event: event.bytes, to: &output)
        swap(&event, &self.event)
    }
}

@available(*, unavailable)
extension Invocation: Sendable {}

/// Who waits for the answer to an invocation.
protocol InvocationCaller: AnyObject {
    /// The function has begun to answer.
    func invocationBegan()
    /// A piece of the answer.
    func invocationReceived(_ bytes: Span<UInt8>)
    /// The answer is complete, or has failed.
    func invocationEnded(error: FunctionError?, logTail: String?)
    /// The call was not made.
    func invocationRefused(_ fault: InvokeFault)
}
