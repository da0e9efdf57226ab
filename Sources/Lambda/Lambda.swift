//===----------------------------------------------------------------------===//
// Lambda: what is said to AWS Lambda and what it answers, as values and machines without I/O.
//
// On the way there: `FunctionReference` names a function, `EventFormat` writes the event that a function URL, an API or
// a load balancer would send, `InvocationTemplate` puts the signed request in front of it. On the way back:
// `InvocationStateMachine` turns the answer of the Invoke API into a response head, ranges of body bytes and a truthful
// end; `PreludeScanner` finds where the head of the function's answer ends, `PreludeHead` reads it, `BufferedAnswer`
// reads the answers of functions that do not stream, by the rules of the service that `AnswerFormat` names.
//===----------------------------------------------------------------------===//
