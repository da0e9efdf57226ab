/// What a reload replaces in each loop.
struct LoopConfiguration: Sendable {
    let snapshot: Snapshot
    let accessLog: AccessLogTarget
    let listeners: [BoundListener]
}
