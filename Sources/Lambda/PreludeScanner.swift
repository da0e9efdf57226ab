internal import Bytes

/// Finds out where the head of a streamed answer ends, or that it has none, wherever the stream was cut.
///
/// It looks at each byte once and keeps none; whoever feeds it holds what was not decided yet, which is bounded: 16 KiB
/// and the delimiter.
///
/// With `auto` a stream that begins with `{` is undecided while that outermost object is open; the byte behind
/// it decides. White space behind it is waited through only where the object could be a buffered answer; the scanner
/// asks that, because it reads no JSON.
package struct PreludeScanner: Equatable, Sendable {
    /// What the delimiter of API Gateway and function URLs consists of.
    package static let delimiterCount = 8
    /// Within how many bytes the delimiter must begin.
    package static let sizeLimit = 16_384

    /// What the bytes so far are.
    package enum Verdict: Equatable, Sendable {
        /// It cannot be said yet: all bytes given are to be held.
        case undecided
        /// The head ends, with its delimiter, in front of this offset of the bytes given.
        case head(end: Int)
        /// White space follows the outermost object, at this offset. `sawSpace` must be called, and scanning goes on
        /// here.
        case spaceBehindObject(at: Int)
        /// There is no head: what was held and what was given is body.
        case body
        /// There is no delimiter where one must be.
        case noDelimiter
    }

    private enum State: Equatable, Sendable {
        case start
        /// `prelude`: any bytes up to the delimiter.
        case text
        case object(depth: Int)
        case string(depth: Int)
        case escape(depth: Int)
        /// Behind the outermost object. Whether white space is waited through is not known before there is some.
        case closed(waits: Bool?)
        case decided(Verdict)
    }

    private let isStrict: Bool
    private var state: State
    /// Bytes in front of the delimiter.
    private var count = 0
    private var nulCount = 0

    /// A scanner at the beginning of a stream. Strict: there must be a head (`response: prelude`).
    package init(isStrict: Bool) {
        self.isStrict = isStrict
        self.state = isStrict ? .text : .start
    }

    /// Whether the stream is one object so far, with nothing but white space behind it.
    package var isBehindObject: Bool {
        if case .closed = self.state { return self.nulCount == 0 }
        return false
    }

    /// Looks at bytes from `offset` on. Offsets in the verdict count from the beginning of `bytes`.
    package mutating func scan(_ bytes: Span<UInt8>, from offset: Int = 0) -> Verdict {
        var index = offset
        while index < bytes.count {
            if let verdict = self.take(bytes[index], at: index) {
                if case .spaceBehindObject = verdict { return verdict }
                self.state = .decided(verdict)
                return verdict
            }
            index += 1
        }
        if case .decided(let verdict) = self.state { return verdict }
        return .undecided
    }

    /// Takes the answer to `.spaceBehindObject`: whether the object could be a buffered answer.
    package mutating func sawSpace(mayBeAnswer: Bool) {
        guard case .closed = self.state else { return }
        self.state = .closed(waits: mayBeAnswer)
    }

    private mutating func take(_ byte: UInt8, at index: Int) -> Verdict? {
        switch self.state {
        case .start:
            guard byte == ASCII.openBrace else { return .body }
            self.state = .object(depth: 1)
        case .text:
            if byte == ASCII.nul { return self.tookNUL(at: index) }
            // NULs too few to be the delimiter were part of the text, wrong as that is.
            self.count += self.nulCount
            self.nulCount = 0
        case .object(let depth):
            switch byte {
            case ASCII.openBrace: self.state = .object(depth: depth + 1)
            case ASCII.quote: self.state = .string(depth: depth)
            case ASCII.closeBrace where depth == 1:
                self.state = .closed(waits: nil)
            case ASCII.closeBrace: self.state = .object(depth: depth - 1)
            default: break
            }
        case .string(let depth):
            if byte == ASCII.quote {
                self.state = .object(depth: depth)
            } else if byte == ASCII.backslash {
                self.state = .escape(depth: depth)
            }
        case .escape(let depth):
            self.state = .string(depth: depth)
        case .closed(let waits):
            switch byte {
            case ASCII.nul: return self.tookNUL(at: index)
            case ASCII.space, ASCII.tab, ASCII.lineFeed, ASCII.carriageReturn:
                guard self.nulCount == 0 else { return .body }
                guard let waits else { return .spaceBehindObject(at: index) }
                guard waits else { return .body }
            default:
                return .body
            }
        case .decided(let verdict):
            return verdict
        }
        self.count += 1
        if self.count > Self.sizeLimit { return self.isStrict ? .noDelimiter : .body }
        return nil
    }

    private mutating func tookNUL(at index: Int) -> Verdict? {
        self.nulCount += 1
        return self.nulCount == Self.delimiterCount ? .head(end: index + 1) : nil
    }
}
