//===----------------------------------------------------------------------===//
// Reactor: event loops over epoll, with sockets, timers, a mailbox between threads, and name look-ups off the loop.
// It knows no HTTP.
//
// A `Loop` is one thread. Everything made on it (connections, listeners, timers, watches) lives and dies on it and is
// not Sendable; `Mailbox` is the only object of a loop that other threads may hold.
//
// The face is completion-shaped, so that another mechanism than epoll can stand behind it: the loop owns the receive
// buffer and lends what arrived (`received`), takes what is to be sent (`output`, `lend`), and says when what could not
// be sent at once has gone (`outputBlocked`, `outputDrained`).
//
// One round of a loop: wait; read what is there and run the handlers; fire timers; then write each touched connection
// once. Bytes that arrive are never kept waiting for another event.
//===----------------------------------------------------------------------===//
