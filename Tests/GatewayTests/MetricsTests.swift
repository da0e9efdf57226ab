import Foundation
import Lambda
import Testing
import Time

@testable import Gateway

@Suite struct MetricsTests {
    @Test func `a histogram counts each duration in the first bucket that holds it`() {
        var histogram = Histogram(Histogram.firstByteBounds)
        histogram.add(.milliseconds(5))
        histogram.add(.milliseconds(6))
        histogram.add(.seconds(61))
        #expect(histogram.counts.first == 1)
        #expect(histogram.counts[1] == 1)
        #expect(histogram.counts.last == 1)
        #expect(histogram.sum == .milliseconds(61_011))
        var other = Histogram(Histogram.firstByteBounds)
        other.add(.milliseconds(1))
        histogram.add(other)
        #expect(histogram.counts.first == 2)
        #expect(histogram.counts.reduce(0, +) == 4)
    }

    @Test func `a table finds what it has whatever the guess`() {
        var table = CountedTable<String, Int>(empty: 0)
        for (key, guess) in [("a", 0), ("b", 0), ("a", 1), ("b", 1), ("c", 7), ("a", 2)] {
            let index = table.index(of: key, guess: guess)
            table.values[index] += 1
        }
        #expect(table.keys == ["a", "b", "c"])
        #expect(table.values == [3, 2, 1])
        var sum = CountedTable<String, Int>(empty: 0)
        _ = sum.index(of: "c")
        sum.add(table) { $0 += $1 }
        sum.add(table) { $0 += $1 }
        #expect(sum.keys == ["c", "a", "b"])
        #expect(sum.values == [2, 6, 4])
    }

    private static let families: [MetricFamily] = {
        var requests = MetricFamily(name: "sluice_requests", kind: .counter, help: "Requests.")
        requests.add(3, ["route": "/a\"b\\c\nd", "end": "complete"])
        var duration = MetricFamily(name: "sluice_seconds", kind: .histogram, help: "Seconds.")
        var histogram = Histogram([
            .init(limit: .milliseconds(10), text: "0.01"), .init(limit: .seconds(1), text: "1.0"),
        ])
        histogram.add(.milliseconds(2))
        histogram.add(.milliseconds(1500))
        duration.add(histogram, ["function": "f"])
        var build = MetricFamily(name: "sluice_build", kind: .info, help: "Version.")
        build.add(1, ["version": "1"])
        var empty = MetricFamily(name: "sluice_empty", kind: .gauge, help: "Nothing.")
        empty.samples = []
        return [requests, duration, build, empty]
    }()

    // https://prometheus.io/docs/instrumenting/exposition_formats/
    @Test func `the text format of Prometheus`() {
        let text = String(decoding: MetricsFormat(accept: nil).text(of: Self.families), as: UTF8.self)
        #expect(
            text == """
                # TYPE sluice_requests_total counter
                # HELP sluice_requests_total Requests.
                sluice_requests_total{route="/a\\"b\\\\c\\nd",end="complete"} 3
                # TYPE sluice_seconds histogram
                # HELP sluice_seconds Seconds.
                sluice_seconds_bucket{function="f",le="0.01"} 1
                sluice_seconds_bucket{function="f",le="1.0"} 1
                sluice_seconds_bucket{function="f",le="+Inf"} 2
                sluice_seconds_sum{function="f"} 1.502000
                sluice_seconds_count{function="f"} 2
                # TYPE sluice_build_info gauge
                # HELP sluice_build_info Version.
                sluice_build_info{version="1"} 1
                # TYPE sluice_empty gauge
                # HELP sluice_empty Nothing.

                """)
    }

    // https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md
    @Test func `OpenMetrics names families without the suffix of their lines, and ends`() {
        let format = MetricsFormat(accept: "application/openmetrics-text; version=1.0.0, text/plain;q=0.5")
        let text = String(decoding: format.text(of: Self.families), as: UTF8.self)
        #expect(
            text.hasPrefix("# TYPE sluice_requests counter\n# HELP sluice_requests Requests.\nsluice_requests_total{"))
        #expect(text.contains("# TYPE sluice_build info\n"))
        #expect(text.hasSuffix("# EOF\n"))
    }

    @Test func `the counters of all loops are added up`() {
        var one = MetricTotals()
        one.chunks = 2
        one.responseBytes = 10
        let key = MetricTotals.RequestKey(route: "/", function: "f", status: 2, end: "complete")
        let index = one.requests.index(of: key)
        one.requests.values[index] = 5
        one.resent.values[one.resent.index(of: "goaway")] = 1
        let loops = (0..<2).map {
            LoopReport(
                index: $0, totals: one, connections: ["HTTP/1.1": 3], openExchanges: 1,
                pools: [
                    PoolReport(
                        endpoint: "a:1", http1: .init(idle: 1, busy: 2), http2: .init(idle: 0, busy: 3), streams: 7)
                ], lag: .zero, streams: [])
        }
        let report = MetricsReport(
            loops: loops, process: ProcessReport(version: "1", isReady: true, startedAt: WallTime(seconds: 7)))
        let text = String(decoding: MetricsFormat.prometheus.text(of: report.families), as: UTF8.self)
        let lines = text.split(separator: "\n")
        for line in [
            "sluice_requests_total{route=\"/\",function=\"f\",status=\"2xx\",end=\"complete\"} 10",
            "sluice_chunks_total 4",
            "sluice_response_bytes_total 20", "sluice_open_streams 2", "sluice_connections{protocol=\"HTTP/1.1\"} 6",
            "sluice_upstream_connections{endpoint=\"a:1\",state=\"busy\"} 10", "sluice_ready 1",
            "sluice_upstream_protocols{endpoint=\"a:1\",protocol=\"HTTP/2\"} 6",
            "sluice_upstream_streams{endpoint=\"a:1\"} 14", "sluice_resent_requests_total{reason=\"goaway\"} 2",
            "process_start_time_seconds 7",
        ] {
            #expect(lines.contains(Substring(line)), "\(line) in \(text)")
        }
    }

    /// A report in which every metric has a line.
    private static var fullReport: MetricsReport {
        var totals = MetricTotals()
        _ = totals.requests.index(of: MetricTotals.RequestKey(route: "/", function: "f", status: 2, end: "complete"))
        _ = totals.functions.index(of: "f")
        _ = totals.throttles.index(of: MetricTotals.ThrottleKey(function: "f", reason: "r"))
        _ = totals.limits.index(of: "connections")
        _ = totals.resent.index(of: "goaway")
        _ = totals.tokenRefusals.index(of: MetricTotals.TokenRefusalKey(issuer: "i", reason: "invalid"))
        var process = ProcessReport(version: "1", isReady: true, startedAt: WallTime(seconds: 7))
        process.reloadsRefused = 3
        process.upgradesFailed = 4
        process.exchangesCut = 5
        process.residentBytes = 1
        process.openDescriptors = 1
        process.descriptorLimit = 1
        process.credentialExpiries = [("f", WallTime(seconds: 1))]
        process.certificateExpiries = [("c", WallTime(seconds: 1))]
        process.tokenKeys = [("i", 2, WallTime(seconds: 1))]
        process.breakers = [("f", 2)]
        process.waiting = [("f", 9)]
        process.answerShapes = [("f", .prelude, 1)]
        let loop = LoopReport(
            index: 0, totals: totals, connections: ["HTTP/2": 1], openExchanges: 0,
            pools: [PoolReport(endpoint: "a:1", connecting: 6)], lag: .zero, streams: [])
        return MetricsReport(loops: [loop], process: process)
    }

    @Test func `what has gone wrong with the process itself is counted`() {
        let text = String(decoding: MetricsFormat.prometheus.text(of: Self.fullReport.families), as: UTF8.self)
        let lines = text.split(separator: "\n")
        for line in [
            "sluice_reloads_total{result=\"refused\"} 3", "sluice_upgrades_failed_total 4",
            "sluice_exchanges_cut_total 5",
            "sluice_waiting_calls{function=\"f\"} 9", "sluice_breaker_open{function=\"f\"} 2",
            "sluice_upstream_connections{endpoint=\"a:1\",state=\"connecting\"} 6",
        ] {
            #expect(lines.contains(Substring(line)), "\(line) in \(text)")
        }
    }

    /// Alert rules and dashboard are held against the documentation elsewhere, and that against the program here.
    @Test func `the documentation names the metrics that there are, and no others`() throws {
        let documentation = try String(
            contentsOfFile: #filePath.replacing("Tests/GatewayTests/MetricsTests.swift", with: "docs/monitoring.md"),
            encoding: .utf8)
        let documented = Set(documentation.matches(of: /`(sluice_[a-z_]+)`/).map { String($0.output.1) })
        let actual = Self.fullReport.families.filter { !$0.name.hasPrefix("process_") }.map { family in
            switch family.kind {
            case .counter: "\(family.name)_total"
            case .info: "\(family.name)_info"
            case .gauge, .histogram: family.name
            }
        }
        #expect(Self.fullReport.families.allSatisfy { !$0.samples.isEmpty })
        #expect(documented == Set(actual))
    }

    @Test func `the screen says how requests ended and what is under way`() {
        let metrics = """
            # HELP sluice_requests_total x
            sluice_ready 1
            sluice_build_info{version="1.2"} 1
            sluice_requests_total{route="/a",end="complete"} 7
            sluice_requests_total{route="/b",end="client_left"} 2
            sluice_response_bytes_total 2048
            nonsense
            """
        let streams =
            #"{"streams":[{"age_ms":61000,"function":"chat","method":"GET","host":"a","path":"/x","bytes":5}]}"#
        let lines = StatusView(metrics: Array(metrics.utf8), streams: Array(streams.utf8)).lines()
        #expect(lines[0] == "sluice 1.2 ready")
        #expect(lines[1].hasPrefix("requests 9 "))
        #expect(lines[1].contains("2.0 KiB"))
        #expect(lines.contains { $0.contains("complete") && $0.hasSuffix(" 7") })
        #expect(lines.last?.contains("61 s") == true)
        #expect(lines.last?.contains("chat") == true)
        #expect(StatusView(metrics: [0xff, 0], streams: [1, 2]).lines()[0] == "sluice  not ready")
    }
}
