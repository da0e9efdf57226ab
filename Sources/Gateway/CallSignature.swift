internal import AWS
internal import Logging
internal import Time

/// What a call was signed with, and whether a refusal of it is one that another signature cures: with the time as AWS has
/// it, or with other keys. That costs one call, and nothing has run.
struct CallSignature {
    let lease: CredentialLease
    /// By this machine's clock.
    let time: WallTime

    /// Makes the next signature one that will do. Answers whether there is one.
    func isCured(after error: AWSServiceError, for function: FunctionRuntime, _ context: LoopContext) -> Bool {
        if error.clockOffset(signedAt: self.time + context.clock.offset) != nil, let time = error.serverTime {
            context.clock.offset = time - self.time
            context.logger.warning(
                "the clock of this machine is not that of AWS: signing with the difference from now on",
                metadata: ["difference": "\(context.clock.offset)"])
            return true
        }
        return error.isExpiredKey && function.credentials.takenBack(self.lease.credentials.accessKeyID)
    }
}
