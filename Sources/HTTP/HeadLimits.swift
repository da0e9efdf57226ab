/// What bounds the head of a message and the lines between its chunks.
package struct HeadLimits: Sendable, Equatable {
    /// Bytes of a request line or status line, its CRLF not counted.
    package var requestLine: Int
    /// Bytes of all field lines together, and again of all trailer lines.
    package var headerBytes: Int
    /// Field lines, and again trailer lines.
    package var headerCount: Int
    /// Bytes of the extensions of one chunk; a whole body may have sixteen times as many.
    package var chunkExtension: Int

    package init(
        requestLine: Int = 8192, headerBytes: Int = 32768, headerCount: Int = 100, chunkExtension: Int = 1024
    ) {
        self.requestLine = requestLine
        self.headerBytes = headerBytes
        self.headerCount = headerCount
        self.chunkExtension = chunkExtension
    }
}
