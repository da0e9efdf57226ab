/// Holds limits against one another.
enum LimitCheck {
    /// Reports what can not stand beside one another.
    static func check(_ draft: LimitsDraft, _ reading: Reading) {
        let (tight, full) = (draft.settings.memoryTight, draft.settings.memoryFull)
        guard tight > full, let position = draft.writtenKeys["memory_tight"] ?? draft.writtenKeys["memory_full"] else {
            return
        }
        reading.report(
            position, "memory_tight (\(tight)) is larger than memory_full (\(full)), from which on nothing is taken")
    }
}
