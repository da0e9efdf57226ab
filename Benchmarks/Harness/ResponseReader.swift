import Bytes

/// Reads answers off one connection: just enough HTTP/1.1 for a load, and quick about it.
struct ResponseReader {
    private enum State {
        case head
        case counted(left: Int)
        case chunkSize(Int)
        case chunk(left: Int)
        case chunkEnd
        case trailer(lineBytes: Int)
    }

    private var state = State.head
    private var head: [UInt8] = []
    /// Answers whose status was not 200.
    private(set) var failures = 0
    /// Chunks of the transfer coding, the last one not counted.
    private(set) var transferChunks = 0

    /// Takes what was received, hands out each run of body bytes, and returns how many answers were completed.
    mutating func read(_ input: Span<UInt8>, body: (Span<UInt8>) -> Void) -> Int {
        var completed = 0
        var index = 0
        while index < input.count {
            switch self.state {
            case .head:
                self.head.append(input[index])
                index += 1
                if self.head.last == ASCII.lineFeed, self.head.suffix(4).elementsEqual("\r\n\r\n".utf8) {
                    if self.finishHead() { completed += 1 }
                }
            case .counted(let left):
                let step = min(left, input.count - index)
                body(input.extracting(index..<(index + step)))
                index += step
                if step == left {
                    self.state = .head
                    completed += 1
                } else {
                    self.state = .counted(left: left - step)
                }
            case .chunkSize(let size):
                let byte = input[index]
                index += 1
                if let digit = ASCII.hexValue(byte) {
                    self.state = .chunkSize(size << 4 | Int(digit))
                } else if byte == ASCII.lineFeed {
                    if size > 0 { self.transferChunks += 1 }
                    self.state = size > 0 ? .chunk(left: size) : .trailer(lineBytes: 0)
                }
            case .chunk(let left):
                let step = min(left, input.count - index)
                body(input.extracting(index..<(index + step)))
                index += step
                self.state = step == left ? .chunkEnd : .chunk(left: left - step)
            case .chunkEnd:
                if input[index] == ASCII.lineFeed { self.state = .chunkSize(0) }
                index += 1
            case .trailer(let lineBytes):
                let byte = input[index]
                index += 1
                if byte != ASCII.lineFeed {
                    self.state = .trailer(lineBytes: lineBytes + (byte == ASCII.carriageReturn ? 0 : 1))
                } else if lineBytes > 0 {
                    self.state = .trailer(lineBytes: 0)
                } else {
                    self.state = .head
                    completed += 1
                }
            }
        }
        return completed
    }

    /// Returns whether the answer ends with its head.
    private mutating func finishHead() -> Bool {
        let text = String(decoding: self.head, as: UTF8.self).lowercased()
        self.head.removeAll(keepingCapacity: true)
        if !text.hasPrefix("http/1.1 200") { self.failures += 1 }
        var length = 0
        for line in text.split(separator: "\r\n") {
            if line.hasPrefix("transfer-encoding:") {
                self.state = .chunkSize(0)
                return false
            }
            if line.hasPrefix("content-length:") { length = Int(line.dropFirst(15).drop { $0 == " " }) ?? 0 }
        }
        self.state = length > 0 ? .counted(left: length) : .head
        return length == 0
    }
}
