/// A text that is short as a rule, such as an identifier: it lies in the value itself.
///
/// PERF: a `String` of more than fifteen bytes is an object of its own, and a request has three identifiers that are
/// longer.
package struct ShortText: Sendable {
    private let storage: InlineArray<47, UInt8>
    private let shortCount: UInt8
    /// All of a text that has no room in the value.
    private let long: [UInt8]?
}

extension ShortText {
    // PERF: all initialisers hand on to the memberwise one, which moves its arguments into place. One that writes to
    // the properties copies the value on its way out, and counts the reference in it.

    /// No text.
    package init() {
        self.init(storage: InlineArray(repeating: 0), shortCount: 0, long: nil)
    }

    /// A copy of UTF-8 text.
    package init(_ bytes: Span<UInt8>) {
        if bytes.count <= 47 {
            unsafe self.init(count: bytes.count) { target in
                // SAFETY: there is room for `count` bytes.
                unsafe target.copy(from: bytes)
            }
        } else {
            self.init(storage: InlineArray(repeating: 0), shortCount: 0, long: bytes.array())
        }
    }

    /// The text of a string.
    package init(_ text: String) {
        self.init(text.utf8.span)
    }

    /// A text of `count` bytes of UTF-8, 47 at most, all of which the closure has to write.
    @unsafe
    @inline(__always)
    package init(count: Int, _ write: (UnsafeMutableRawPointer) -> Void) {
        precondition(count >= 0 && count <= 47)
        var storage = InlineArray<47, UInt8>(repeating: 0)
        if count > 0 {
            var room = storage.mutableSpan
            unsafe room.withUnsafeMutableBytes { unsafe write($0.baseAddress.unsafelyUnwrapped) }
        }
        self.init(storage: storage, shortCount: UInt8(truncatingIfNeeded: count), long: nil)
    }

    /// Whether there is no text.
    package var isEmpty: Bool { self.shortCount == 0 && self.long == nil }

    /// The text as UTF-8.
    package var bytes: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            guard let long = self.long else { return self.storage.span.extracting(first: Int(self.shortCount)) }
            // SAFETY: the bytes live as long as the array, which `self` holds.
            return unsafe _overrideLifetime(long.span, borrowing: self)
        }
    }

    /// The text, with U+FFFD in place of what is no UTF-8.
    package func string() -> String {
        self.bytes.string()
    }
}

extension ShortText: Equatable {
    package static func == (left: ShortText, right: ShortText) -> Bool {
        left.bytes.equals(right.bytes)
    }
}

extension ShortText: ExpressibleByStringLiteral {
    package init(stringLiteral text: String) {
        self.init(text)
    }
}

extension ShortText: CustomStringConvertible {
    package var description: String { self.string() }
}

extension ByteBuffer {
    /// Appends a text. A literal is meant for `append(_: StaticString)`.
    @_disfavoredOverload
    package mutating func append(_ text: borrowing ShortText) {
        self.append(text.bytes)
    }
}

extension UnsafeMutableRawPointer {
    /// Writes bytes, for which there is room.
    @inline(__always)
    fileprivate func copy(from bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBytes { bytes in
            guard let source = bytes.baseAddress else { return }
            unsafe self.copyMemory(from: source, byteCount: bytes.count)
        }
    }
}
