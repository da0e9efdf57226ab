internal import Configuration
internal import HTTP

extension LimitSettings {
    /// What bounds a request's head, as the parser takes it.
    var head: HeadLimits {
        var limits = HeadLimits()
        limits.requestLine = self.requestLine.bytes
        limits.headerBytes = self.headerBytes.bytes
        limits.headerCount = self.headerCount
        return limits
    }
}
