/// Says when it is worth while to give freed memory back to the system: when what is resident has grown, and has come
/// to rest.
///
/// Each TLS handshake takes three times as much as its connection keeps, and what it frees lies between things that
/// live on. A wave of connections leaves many such holes, which are only filled again by the next one. Memory that
/// rises and falls all the time is left alone: it would have to be asked for again at once.
struct MemoryGrowth {
    /// The least since memory was last given back.
    private var least = Int.max
    private var last = 0
    /// How often it was looked at since it last grew.
    private var looksAtRest = 0

    /// Growth that is worth it: so many bytes, and so much of what there was.
    private static let step = (bytes: 4 << 20, part: 16)
    /// Growth from one look to the next that is none.
    private static let tolerance = 1 << 20
    /// How often it is looked at before it counts as being at rest.
    private static let rest = 2

    /// Takes what is resident now, from time to time.
    mutating func isWorthTrimming(at resident: Int) -> Bool {
        self.looksAtRest = resident > self.last + Self.tolerance ? 0 : self.looksAtRest + 1
        self.last = resident
        self.least = min(self.least, resident)
        guard self.looksAtRest >= Self.rest else { return false }
        return resident - self.least >= max(Self.step.bytes, self.least / Self.step.part)
    }

    /// Memory was given back, and so much is resident now.
    mutating func trimmed(to resident: Int) {
        self.least = resident
        self.last = resident
    }
}
