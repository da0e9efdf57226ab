//===----------------------------------------------------------------------===//
// Processes: child processes, started in a group of their own and watched through descriptors.
//
// A `ProcessDescription` says what to start; `ChildProcess` is what runs: two pipes to read, a descriptor that becomes
// readable when it has ended, and its group to signal. Nothing here waits: the owner polls the descriptors on a loop of
// its choice. `ExecutableSearch` finds what a bare command name means.
//===----------------------------------------------------------------------===//
