internal import AWS
internal import Logging
internal import Reactor
internal import Time

/// What a call was signed with, and whether a refusal of it is one that another signature cures: with the time as AWS
/// has it, or with other keys. That costs one call, and nothing has run.
struct CallSignature {
    let lease: CredentialLease
    /// By this machine's clock.
    let machineTime: WallTime
    /// The time that the signature says: AWS's, as far as it was known to differ when the call was signed.
    let time: WallTime

    /// Makes the next signature one that will do. Answers whether there is one.
    func isCured(after error: AWSServiceError, for function: FunctionRuntime, _ context: LoopContext) -> Bool {
        if !function.isLocal, error.clockOffset(signedAt: self.time) != nil, let time = error.serverTime {
            context.clock.offset = time - self.machineTime
            context.logger.warning(
                "the clock of this machine is not that of AWS: signing with the difference from now on",
                metadata: ["difference": "\(context.clock.offset)"])
            return true
        }
        return error.isExpiredKey && function.credentials.takenBack(self.lease.credentials.accessKeyID)
    }
}
