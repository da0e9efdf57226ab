import Glibc

/// Answers invocations one after the other, until the runtime is gone. Returns the exit status.
///
/// A connection that breaks in the middle of an answer ends that answer alone: the caller has left, or the time was up.
func serve(_ function: DemoFunction, at address: RuntimeAddress) -> CInt {
    var attemptsLeft = 5
    while attemptsLeft > 0 {
        do throws(RuntimeFailure) {
            var connection = try RuntimeConnection(to: address)
            while true {
                let invocation = try connection.next()
                attemptsLeft = 5
                try function.answer(invocation, over: &connection)
            }
        } catch {
            switch error {
            case .badAnswer(let what):
                complain("the runtime API answered \(what)")
                return 1
            case .connectionLost:
                attemptsLeft -= 1
            case .unreachable(let why):
                attemptsLeft -= 1
                complain("the runtime API at \(address.host):\(address.port) cannot be reached: \(why)")
                Pace.pause(milliseconds: 100)
            }
        }
    }
    return 1
}
