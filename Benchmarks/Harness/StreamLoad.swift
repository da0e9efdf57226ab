import Bytes

/// Many streams at once, each with a chunk now and then; counts what the client reads and how old it is by then.
struct StreamLoad {
    private let arguments: Arguments

    init(_ arguments: Arguments) {
        self.arguments = arguments
    }

    func run() {
        let connections = LoadConnections()
        let request = LoadConnection.request("/stream?rate=\(self.arguments.number("rate"))")
        var samples = Samples()
        var chunks = 0
        var reads = 0
        var isMeasuring = false
        func poll(until deadline: Int) {
            connections.poll(until: deadline) { connection, bytes in
                guard !bytes.isEmpty else { fatal("a stream ended") }
                let time = now()
                if isMeasuring { reads += 1 }
                _ = connection.reader.read(bytes) { body in
                    connection.chunks.read(body) { made in
                        guard isMeasuring else { return }
                        chunks += 1
                        samples.append(time - made)
                    }
                }
            }
        }
        for _ in 0..<self.arguments.number("streams", default: 500) {
            connections.open(port: self.arguments.number("port")).send(request)
            poll(until: now())
        }
        let warm = now() + self.arguments.number("warm", default: 1) * 1_000_000_000
        while now() < warm { poll(until: warm) }

        let processor = ProcessorTime(self.arguments.text("accounts"))
        let transferChunks = connections.transferChunks
        isMeasuring = true
        let start = now()
        let used = processor.nanoseconds()
        let end = start + self.arguments.number("seconds", default: 5) * 1_000_000_000
        while now() < end { poll(until: end) }
        report(
            [
                ("chunks", Double(chunks)),
                ("reads", Double(reads)),
                ("transfer_chunks", Double(connections.transferChunks - transferChunks)),
                ("seconds", Double(now() - start) / 1e9),
                ("cpu_seconds", Double(processor.nanoseconds() - used) / 1e9),
                ("failures", Double(connections.failures)),
            ] + samples.quantiles("age"))
    }
}
