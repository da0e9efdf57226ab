internal import Lambda
internal import Time

/// All that the gateway counts, put together from the reports of its loops and from what belongs to the process.
struct MetricsReport: Sendable {
    /// One of each loop.
    let loops: [LoopReport]
    let process: ProcessReport

    /// The metrics, in the order of the documentation.
    var families: [MetricFamily] {
        var totals = MetricTotals()
        for loop in self.loops { totals.add(loop.totals) }
        return self.requests(totals) + self.traffic(totals) + self.upstreams() + self.expiries() + self.state()
    }

    private func requests(_ totals: MetricTotals) -> [MetricFamily] {
        var requests = MetricFamily(
            name: "sluice_requests", kind: .counter,
            help: "Requests that are over, by route, function, class of status and how they ended.")
        for (key, value) in zip(totals.requests.keys, totals.requests.values) {
            requests.add(
                value,
                [
                    "route": key.route, "function": key.function,
                    "status": key.status == 0 ? "none" : "\(key.status)xx",
                    "end": key.end,
                ])
        }
        var firstByte = MetricFamily(
            name: "sluice_first_byte_seconds", kind: .histogram,
            help: "From a request's head to the head of its answer, by function.")
        var duration = MetricFamily(
            name: "sluice_request_duration_seconds", kind: .histogram,
            help: "From a request's head to the end of its answer, by function.")
        var retries = MetricFamily(
            name: "sluice_retries", kind: .counter, help: "Calls beyond the first one of an exchange, by function.")
        for (function, value) in zip(totals.functions.keys, totals.functions.values) {
            firstByte.add(value.firstByte, ["function": function])
            duration.add(value.duration, ["function": function])
            retries.add(value.retries, ["function": function])
        }
        var resent = MetricFamily(
            name: "sluice_resent_requests", kind: .counter,
            help: "Requests that were sent again because they can not have been processed, by reason.")
        for (reason, value) in zip(totals.resent.keys, totals.resent.values) { resent.add(value, ["reason": reason]) }
        var throttles = MetricFamily(
            name: "sluice_throttles", kind: .counter, help: "Calls that Lambda throttled, by function and reason.")
        for (key, value) in zip(totals.throttles.keys, totals.throttles.values) {
            throttles.add(value, ["function": key.function, "reason": key.reason])
        }
        var tokens = MetricFamily(
            name: "sluice_token_refusals", kind: .counter,
            help: "Requests refused for their bearer token, by issuer and reason: missing, invalid, scope, no_keys.")
        for (key, value) in zip(totals.tokenRefusals.keys, totals.tokenRefusals.values) {
            tokens.add(value, ["issuer": key.issuer, "reason": key.reason])
        }
        return [requests, firstByte, duration, retries, resent, throttles, tokens]
    }

    private func traffic(_ totals: MetricTotals) -> [MetricFamily] {
        var open = ["HTTP/1.1": 0, "HTTP/2": 0]
        for loop in self.loops { open.merge(loop.connections) { $0 + $1 } }
        var connections = MetricFamily(
            name: "sluice_connections", kind: .gauge, help: "Clients' connections that are open, by protocol.")
        for (name, count) in open.sorted(by: { $0.key < $1.key }) { connections.add(count, ["protocol": name]) }
        var limits = MetricFamily(
            name: "sluice_limit_hits", kind: .counter,
            help: "How often a limit was hit, by its key in the configuration.")
        for (name, count) in zip(totals.limits.keys, totals.limits.values) { limits.add(count, ["limit": name]) }
        return [
            MetricFamily(
                name: "sluice_response_bytes", kind: .counter, help: "Bytes of answers' bodies sent to clients."
            ).with(totals.responseBytes),
            MetricFamily(name: "sluice_chunks", kind: .counter, help: "Pieces in which answers' bodies were relayed.")
                .with(totals.chunks),
            MetricFamily(
                name: "sluice_request_bytes", kind: .counter, help: "Bytes of bodies of requests that are over."
            ).with(totals.requestBytes),
            MetricFamily(name: "sluice_connections_accepted", kind: .counter, help: "Connections of clients so far.")
                .with(totals.connections),
            MetricFamily(name: "sluice_open_streams", kind: .gauge, help: "Exchanges with functions under way.")
                .with(self.loops.reduce(0) { $0 + $1.openExchanges }),
            connections, limits,
        ]
    }

    private func upstreams() -> [MetricFamily] {
        var pools: [String: PoolReport] = [:]
        for pool in self.loops.flatMap(\.pools) {
            pools[pool.endpoint, default: PoolReport(endpoint: pool.endpoint)].add(pool)
        }
        var connections = MetricFamily(
            name: "sluice_upstream_connections", kind: .gauge, help: "Connections to endpoints, by what they do.")
        for (endpoint, pool) in pools.sorted(by: { $0.key < $1.key }) {
            connections.add(pool.http1.idle + pool.http2.idle, ["endpoint": endpoint, "state": "idle"])
            connections.add(pool.http1.busy + pool.http2.busy, ["endpoint": endpoint, "state": "busy"])
            connections.add(pool.connecting, ["endpoint": endpoint, "state": "connecting"])
        }
        var protocols = MetricFamily(
            name: "sluice_upstream_protocols", kind: .gauge,
            help: "Connections to endpoints that are up, by the protocol spoken on them.")
        for (endpoint, pool) in pools.sorted(by: { $0.key < $1.key }) {
            protocols.add(pool.http1.idle + pool.http1.busy, ["endpoint": endpoint, "protocol": "HTTP/1.1"])
            protocols.add(pool.http2.idle + pool.http2.busy, ["endpoint": endpoint, "protocol": "HTTP/2"])
        }
        var streams = MetricFamily(
            name: "sluice_upstream_streams", kind: .gauge,
            help: "Streams that are open on HTTP/2 connections to endpoints.")
        for (endpoint, pool) in pools.sorted(by: { $0.key < $1.key }) {
            streams.add(pool.streams, ["endpoint": endpoint])
        }
        var breakers = MetricFamily(
            name: "sluice_breaker_open", kind: .gauge,
            help: "Whether calls of a function are held back after failures: 0 closed, 1 half-open, 2 open.")
        for breaker in self.process.breakers { breakers.add(breaker.state, ["function": breaker.function]) }
        var waiting = MetricFamily(
            name: "sluice_waiting_calls", kind: .gauge, help: "Calls in the line for a place of a function.")
        for line in self.process.waiting { waiting.add(line.count, ["function": line.function]) }
        var shapes = MetricFamily(
            name: "sluice_auto_answers", kind: .counter,
            help: "What `response: auto` has taken answers of a function for, so that it can be pinned.")
        for count in self.process.answerShapes {
            shapes.add(count.count, ["function": count.function, "shape": count.shape.rawValue])
        }
        return [connections, protocols, streams, breakers, waiting, shapes]
    }

    private func expiries() -> [MetricFamily] {
        var credentials = MetricFamily(
            name: "sluice_credentials_expiry_timestamp_seconds", kind: .gauge,
            help: "When the keys that calls are signed with expire; absent where they do not.")
        for (name, time) in self.process.credentialExpiries { credentials.add(Int(time.seconds), ["identity": name]) }
        var certificates = MetricFamily(
            name: "sluice_certificate_expiry_timestamp_seconds", kind: .gauge,
            help: "When a listener's certificate expires.")
        for (name, time) in self.process.certificateExpiries { certificates.add(Int(time.seconds), ["file": name]) }
        var keys = MetricFamily(
            name: "sluice_token_keys", kind: .gauge, help: "Keys of an issuer that tokens can be checked with.")
        var fetches = MetricFamily(
            name: "sluice_token_keys_fetched_timestamp_seconds", kind: .gauge,
            help: "When the keys of an issuer were fetched last; absent for those of a file.")
        for issuer in self.process.tokenKeys {
            keys.add(issuer.count, ["issuer": issuer.name])
            if let time = issuer.fetchedAt { fetches.add(Int(time.seconds), ["issuer": issuer.name]) }
        }
        return [credentials, certificates, keys, fetches]
    }

    private func state() -> [MetricFamily] {
        var lag = MetricFamily(
            name: "sluice_loop_lag_seconds", kind: .gauge, help: "How long the last question waited for each loop.")
        for loop in self.loops { lag.add(loop.lag, ["loop": "\(loop.index)"]) }
        var reloads = MetricFamily(
            name: "sluice_reloads", kind: .counter, help: "Reloads of the configuration, by whether they were taken.")
        reloads.add(self.process.reloadsTaken, ["result": "taken"])
        reloads.add(self.process.reloadsRefused, ["result": "refused"])
        return [
            lag, reloads,
            MetricFamily(
                name: "sluice_upgrades_failed", kind: .counter, help: "Upgrades whose new process did not come up."
            ).with(self.process.upgradesFailed),
            MetricFamily(
                name: "sluice_exchanges_cut", kind: .counter,
                help: "Exchanges that were ended because the time for draining was over."
            ).with(self.process.exchangesCut),
            MetricFamily(name: "sluice_ready", kind: .gauge, help: "Whether requests are wanted: 1, or 0.")
                .with(self.process.isReady ? 1 : 0),
            MetricFamily(
                name: "sluice_log_dropped_bytes", kind: .counter,
                help: "Bytes of the logs that were dropped because nobody took them."
            ).with(self.process.droppedLogBytes),
            MetricFamily(name: "sluice_build", kind: .info, help: "The version that runs.")
                .with(1, ["version": self.process.version]),
            MetricFamily(name: "process_resident_memory_bytes", kind: .gauge, help: "Resident memory.")
                .with(self.process.residentBytes),
            MetricFamily(
                name: "process_cpu_seconds", kind: .counter, help: "Time of processors used, in and out of the kernel."
            ).with(self.process.processorTime),
            MetricFamily(name: "process_open_fds", kind: .gauge, help: "Descriptors that are open.")
                .with(self.process.openDescriptors),
            MetricFamily(name: "process_max_fds", kind: .gauge, help: "Descriptors that may be open.")
                .with(self.process.descriptorLimit),
            MetricFamily(
                name: "process_start_time_seconds", kind: .gauge, help: "When the process began, since the epoch."
            ).with(Int(self.process.startedAt.seconds)),
        ]
    }
}

/// What belongs to the whole process.
struct ProcessReport: Sendable {
    var version: String
    var isReady: Bool
    var startedAt: WallTime
    var reloadsTaken = 0
    var reloadsRefused = 0
    var upgradesFailed = 0
    var exchangesCut = 0
    var droppedLogBytes = 0
    /// `nil` where the system does not tell.
    var residentBytes: Int?
    var processorTime = Duration.zero
    var openDescriptors: Int?
    var descriptorLimit: Int?
    /// Identities whose keys expire, by name.
    var credentialExpiries: [(name: String, time: WallTime)] = []
    /// Listeners' certificates, by file.
    var certificateExpiries: [(name: String, time: WallTime)] = []
    /// Of each issuer of tokens.
    var tokenKeys: [(name: String, count: Int, fetchedAt: WallTime?)] = []
    /// 0 closed, 1 half-open, 2 open.
    var breakers: [(function: String, state: Int)] = []
    /// Calls that wait, of functions that have a line.
    var waiting: [(function: String, count: Int)] = []
    /// How often `auto` has taken an answer for what.
    var answerShapes: [(function: String, shape: AnswerShape, count: Int)] = []
}
