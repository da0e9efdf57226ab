//===----------------------------------------------------------------------===//
// Time: the two kinds of time, as values that are handed to machines. Nothing here asks a clock.
//
// `MonotonicTime` measures; it never jumps, and deadlines are made of it. `WallTime` dates; signatures, events, logs
// and the Date field are made of it.
//===----------------------------------------------------------------------===//
