internal import Time

/// Finds connections that can be closed to make room for others, without looking at all of them for each.
struct IdleSearch {
    /// Sessions that could be shed when it was last looked.
    private var found: [ObjectIdentifier] = []
    private var restsUntil: MonotonicTime?

    /// How long it is not looked again where none could be shed, for each session that was looked at: some fifty times
    /// what a look takes. A flood of connections that are refused is cheap then however many sessions there are, and
    /// what becomes idle where there are few is found at once.
    private static let restPerSession = Duration.microseconds(1)

    /// One that can be shed now.
    mutating func next(
        among sessions: [ObjectIdentifier: any ClientSession], at now: MonotonicTime
    ) -> (any ClientSession)? {
        if let session = self.takeFound(among: sessions) { return session }
        if let restsUntil = self.restsUntil, now < restsUntil { return nil }
        for (id, session) in sessions where session.canBeShed { self.found.append(id) }
        let session = self.takeFound(among: sessions)
        self.restsUntil = session == nil ? now + Self.restPerSession * sessions.count : nil
        return session
    }

    private mutating func takeFound(among sessions: [ObjectIdentifier: any ClientSession]) -> (any ClientSession)? {
        while let id = self.found.popLast() {
            // It may be busy again, or gone, and another one be in its place.
            if let session = sessions[id], session.canBeShed { return session }
        }
        return nil
    }
}
