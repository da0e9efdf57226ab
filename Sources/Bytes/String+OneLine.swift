extension String {
    /// The text for a description, with control characters as escapes: what comes from outside shall not end a line of
    /// a log.
    package var onOneLine: String {
        guard self.unicodeScalars.contains(where: \.isControl) else { return self }
        return self.unicodeScalars.map { $0.isControl ? $0.escaped(asASCII: true) : String($0) }.joined()
    }
}

extension Unicode.Scalar {
    /// C0 and C1 controls, and the two separators that also end a line.
    fileprivate var isControl: Bool {
        self.value < 0x20 || (0x7f..<0xa0).contains(self.value) || self.value == 0x2028 || self.value == 0x2029
    }
}
