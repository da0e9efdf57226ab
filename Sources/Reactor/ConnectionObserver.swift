/// Who is told when a connection's socket is closed, whatever became of its handler before: from then on its descriptor
/// is free for others.
package protocol ConnectionObserver: AnyObject {
    /// The socket is closed. Called once.
    func socketClosed()
}
