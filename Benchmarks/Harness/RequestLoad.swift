import Bytes

/// Small requests: each connection sends one, reads its answer, and sends the next.
struct RequestLoad {
    private let arguments: Arguments

    init(_ arguments: Arguments) {
        self.arguments = arguments
    }

    func run() {
        let connections = LoadConnections()
        let port = self.arguments.number("port")
        let limit = self.arguments.number("requests", default: .max)
        let request = LoadConnection.request("/small")
        for _ in 0..<self.arguments.number("connections", default: 64) { connections.open(port: port).send(request) }

        var samples = Samples()
        var requests = 0
        var isMeasuring = false
        func poll(until deadline: Int) {
            connections.poll(until: deadline) { connection, bytes in
                guard !bytes.isEmpty else {
                    // The proxy has closed after its limit of requests.
                    connections.close(connection)
                    connections.open(port: port).send(request)
                    return
                }
                guard connection.reader.read(bytes, body: { _ in }) > 0 else { return }
                requests += 1
                if isMeasuring { samples.append(now() - connection.sentAt) }
                if requests < limit { connection.send(request) }
            }
        }

        let processor = ProcessorTime(self.arguments.text("accounts"))
        if limit == .max {
            let warm = now() + self.arguments.number("warm", default: 1) * 1_000_000_000
            while now() < warm { poll(until: warm) }
            requests = 0
        }
        isMeasuring = true
        let start = now()
        let used = processor.nanoseconds()
        let end = limit == .max ? start + self.arguments.number("seconds", default: 5) * 1_000_000_000 : .max
        while now() < end, requests < limit { poll(until: min(end, now() + 1_000_000_000)) }
        report(
            [
                ("requests", Double(requests)),
                ("seconds", Double(now() - start) / 1e9),
                ("cpu_seconds", Double(processor.nanoseconds() - used) / 1e9),
                ("failures", Double(connections.failures)),
            ] + samples.quantiles("latency"))
    }
}
