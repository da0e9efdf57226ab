/// What bounds the head of a message and the lines between its chunks.
package struct HeadLimits: Sendable, Equatable {
    // PERF: four bytes each, because they lie in the parser of each connection.
    private var lineBytes: UInt32
    private var fieldBytes: UInt32
    private var fieldLines: UInt32
    private var extensionBytes: UInt32

    package init(
        requestLine: Int = 8192, headerBytes: Int = 32768, headerCount: Int = 100, chunkExtension: Int = 1024
    ) {
        self.lineBytes = UInt32(clamping: requestLine)
        self.fieldBytes = UInt32(clamping: headerBytes)
        self.fieldLines = UInt32(clamping: headerCount)
        self.extensionBytes = UInt32(clamping: chunkExtension)
    }

    /// Bytes of a request line or status line, its CRLF not counted.
    package var requestLine: Int {
        get { Int(self.lineBytes) }
        set { self.lineBytes = UInt32(clamping: newValue) }
    }

    /// Bytes of all field lines together, and again of all trailer lines.
    package var headerBytes: Int {
        get { Int(self.fieldBytes) }
        set { self.fieldBytes = UInt32(clamping: newValue) }
    }

    /// Field lines, and again trailer lines.
    package var headerCount: Int {
        get { Int(self.fieldLines) }
        set { self.fieldLines = UInt32(clamping: newValue) }
    }

    /// Bytes of the extensions of one chunk; a whole body may have sixteen times as many.
    package var chunkExtension: Int {
        get { Int(self.extensionBytes) }
        set { self.extensionBytes = UInt32(clamping: newValue) }
    }
}
