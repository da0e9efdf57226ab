import Bytes
import Configuration
import Foundation
import Glibc
import HTTP
import TLS
import Testing
import Time

@testable import Gateway

@Suite struct AccessLogTests {
    /// The lines that records make.
    private func lines(_ format: String, _ records: [RequestRecord]) throws -> String {
        let path = "\(FileManager.default.temporaryDirectory.path)/access-log-\(UUID().uuidString)"
        defer { unlink(path) }
        let writer = try LogWriter(appendingTo: path)
        let log = try #require(AccessLog(format: format == "json" ? .json : .text, writer: writer))
        for record in records { log.add(record) }
        #expect(log.hasLines)
        log.flush()
        #expect(!log.hasLines)
        writer.close()
        return try String(contentsOfFile: path, encoding: .utf8)
    }

    private func record(path: String = "/v1/a%20b", query: String = "q=1") throws -> RequestRecord {
        let target = try Target(requestTarget: "\(path)\(query.isEmpty ? "" : "?")\(query)".utf8.span, method: .post)
        let head = RequestHead(
            method: .post, target: target, authority: Authority(host: "example.com"), bodyLength: .none)
        let start = MonotonicTime(nanoseconds: 5_000_000_000)
        let record = RequestRecord(
            head, requestID: "11111111-2222-4333-8444-555555555555", client: "192.0.2.1", startedAt: start,
            wall: WallTime(milliseconds: 1_783_711_146_671))
        record.route = "/v1/*"
        record.function = "chat"
        record.traceID = "Root=1-67891233-abcdef012345678912345678"
        record.tlsVersion = .tls13
        record.awsRequestID = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
        record.bytesIn = 12
        record.bytesOut = 3456
        record.chunks = 7
        record.attempts = 2
        record.answered(status: 200, at: start + .microseconds(1234))
        record.finished(status: 200, end: "complete", at: start + .milliseconds(1042))
        return record
    }

    @Test func `a line of JSON says all there is to say`() throws {
        let text = try self.lines("json", [try self.record()])
        #expect(text.hasSuffix("}\n"))
        let line = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        let expected: [String: AnyHashable] = [
            "time": "2026-07-10T19:19:06.671Z", "request_id": "11111111-2222-4333-8444-555555555555",
            "client": "192.0.2.1", "method": "POST", "host": "example.com", "path": "/v1/a%20b", "query": "q=1",
            "protocol": "HTTP/1.1", "tls": "TLSv1.3", "status": 200, "route": "/v1/*", "function": "chat",
            "trace_id": "Root=1-67891233-abcdef012345678912345678",
            "aws_request_id": "8476a536-e9f4-11e8-9739-2dfe598c3fcd", "duration_ms": 1042,
            "first_byte_ms": 1.234, "bytes_in": 12, "bytes": 3456, "chunks": 7, "attempts": 2, "end": "complete",
        ]
        #expect(Set(line.keys) == Set(expected.keys))
        for (name, value) in expected { #expect(line[name] as? AnyHashable == value, "\(name)") }
    }

    @Test(arguments: [
        (["token"], "token=abc&q=1", "token=***&q=1"), (["token"], "q=1&tok%65n=abc", "q=1&tok%65n=***"),
        (["token"], "token", "token"), (["token"], "xtoken=1&TOKEN=2", "xtoken=1&TOKEN=***"),
        (["*"], "a=1&b=2&c", "a=***&b=***&c"), ([], "token=abc", "token=abc"), (["a"], "&a=1&&a=", "&a=***&&a=***"),
        (["a"], "%zz=1&a%=2", "%zz=1&a%=2"),
    ])
    func `values of parameters are left out by name`(names: [String], query: String, expected: String) {
        #expect(QueryRedaction(names).text(of: query) == expected)
    }

    @Test func `what a client can choose stays inside its string`() throws {
        let record = try self.record(path: "/\"}%0a{%22", query: "a=\"\\")
        let text = try self.lines("json", [record])
        #expect(text.split(separator: "\n").count == 1)
        let line = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(line["query"] as? String == "a=\"\\")
    }

    @Test func `a request without head has its line`() throws {
        let record = RequestRecord(
            withoutHead: "id", client: "192.0.2.1", startedAt: MonotonicTime(nanoseconds: 0),
            wall: WallTime(seconds: 0))
        record.finished(status: 400, end: "bad_request", at: MonotonicTime(nanoseconds: 0))
        let text = try self.lines("json", [record])
        let line = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(line["status"] as? Int == 400)
        #expect(line["host"] is NSNull)
        #expect(line["first_byte_ms"] == nil)
    }

    @Test func `a line of text has the same in a fixed order`() throws {
        let text = try self.lines("text", [try self.record(), try self.record()])
        let line =
            "192.0.2.1 [10/Jul/2026:19:19:06 +0000] POST example.com/v1/a%20b?q=1 HTTP/1.1 200 3456 1042.000ms /v1/* chat complete 11111111-2222-4333-8444-555555555555 first_byte=1.234ms in=12 chunks=7 attempts=2 tls=TLSv1.3 trace=Root=1-67891233-abcdef012345678912345678 aws=8476a536-e9f4-11e8-9739-2dfe598c3fcd\n"
        #expect(text == line + line)
        let bare = RequestRecord(
            withoutHead: "id", client: "192.0.2.1", startedAt: MonotonicTime(nanoseconds: 0),
            wall: WallTime(seconds: 0))
        bare.finished(status: 400, end: "bad_request", at: MonotonicTime(nanoseconds: 0))
        let rest = " - - bad_request id first_byte=- in=0 chunks=0 attempts=0 tls=- trace=- aws=-\n"
        #expect(try self.lines("text", [bare]).hasSuffix(rest))
    }

    @Test func `the documentation has the members of JSON, and no others`() throws {
        let documentation = try String(
            contentsOfFile: #filePath.replacing("Tests/GatewayTests/AccessLogTests.swift", with: "docs/monitoring.md"),
            encoding: .utf8)
        let table = try #require(documentation.firstMatch(of: /\n\| member \|[\s\S]*?\n\n/))
        let rows = table.output.split(separator: "\n").dropFirst(2).compactMap { $0.split(separator: "|").first }
        let documented = rows.flatMap { row in row.matches(of: /`([a-z_]+)`/).map { String($0.output.1) } }
        let text = try self.lines("json", [try self.record()])
        let line = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(documented.sorted() == line.keys.sorted())
    }

    @Test func `much is handed on without being asked`() throws {
        let path = "\(FileManager.default.temporaryDirectory.path)/access-log-\(UUID().uuidString)"
        defer { unlink(path) }
        let writer = try LogWriter(appendingTo: path)
        let log = try #require(AccessLog(format: .json, writer: writer))
        for _ in 0..<1000 { try log.add(self.record()) }
        log.flush()
        writer.close()
        #expect(try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").count == 1000)
    }
}
