//===----------------------------------------------------------------------===//
// DemoFunction: the functions of `make demo`, as one small program that speaks the Lambda Runtime API.
//
// It is what a function in any language is to the gateway: a process that asks for the next event, answers it in pieces
// or at once, and asks again. It needs no runtime beside itself, so that the demo works on a fresh machine. Which of
// its functions it serves is said by the first argument, or by the name it is started under.
//
// It reads and waits with blocking calls, one invocation at a time, as every Lambda environment does.
//===----------------------------------------------------------------------===//
import Glibc

/// Prints one line to standard error, where the gateway's log picks it up.
func complain(_ text: String) {
    let line = Array("sluice-demo-function: \(text)\n".utf8)
    // SAFETY: the bytes are lent for the length of the call. Where standard error is closed there is nobody to tell.
    _ = unsafe line.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
}

// A connection that has gone is reported by the write that meets it, and TERM ends the process wherever it waits.
signal(SIGPIPE, SIG_IGN)
signal(SIGTERM, SIG_DFL)

guard let function = DemoFunction(commandLine: CommandLine.arguments) else {
    complain("name one function: \(DemoFunction.allCases.map(\.rawValue).joined(separator: ", "))")
    exit(64)
}
guard let runtime = RuntimeAddress.ofEnvironment() else {
    complain("AWS_LAMBDA_RUNTIME_API has to be HOST:PORT; the gateway sets it")
    exit(78)
}
exit(serve(function, at: runtime))
