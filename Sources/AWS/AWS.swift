//===----------------------------------------------------------------------===//
// AWS: what every AWS service shares, as values and machines without I/O.
//
// Event-stream messages (`application/vnd.amazon.eventstream`), Signature Version 4 in both roles, error answers,
// partitions and endpoints, and where region and credentials come from. Nothing here opens a file, reads the
// environment or asks a clock: all three are handed in. Of Lambda there is only what its answers are made of: the names
// of its endpoint, its events and its errors.
//===----------------------------------------------------------------------===//
