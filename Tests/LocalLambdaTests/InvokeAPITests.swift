import AWS
import Foundation
import HTTP
import LocalLambda
import Reactor
import TestSupport
import Testing
import Time

/// What the Invoke APIs refuse, and how.
@Suite(.fewAtOnce) struct InvokeAPITests {
    private static func fixture() throws -> LambdaFixture {
        try LambdaFixture.python("from runtime import *\nid, event, headers = next_invocation()\nrespond(id, 1)\n")
    }

    @Test func `a function that does not exist`() async throws {
        let answer = try await Self.fixture().call("missing", query: "Qualifier=live")
        #expect(answer.status == 404)
        #expect(answer.errorType == "ResourceNotFoundException")
        #expect(
            answer.text
                == #"{"Type":"User","Message":"Function not found: arn:aws:lambda:eu-west-1:000000000000:function:missing:live"}"#
        )
        #expect(answer.head.fields.first("content-type") == "application/json")
    }

    @Test(arguments: ["{", "no", "{\"a\":1}x", "\u{feff}{}"])
    func `an event that is not JSON`(event: String) async throws {
        let answer = try await Self.fixture().call(event: event)
        #expect(answer.status == 400)
        #expect(answer.errorType == "InvalidRequestContentException")
        #expect(answer.text.hasPrefix(#"{"Type":"User","message":"Could not parse request body into json: "#))
    }

    @Test func `an event that is too large`() async throws {
        let event = "\"\(String(repeating: "x", count: 6_291_455))\""
        let answer = try await Self.fixture().call(event: event)
        #expect(answer.status == 413)
        #expect(answer.errorType == "RequestTooLargeException")
        #expect(
            answer.text.contains(
                "Request must be smaller than 6291456 bytes for the InvokeWithResponseStream operation"))
        #expect(answer.head.fields.first("connection") == "close")
        let asynchronous = "\"\(String(repeating: "x", count: 1_048_576))\""
        let refused = try await Self.fixture().call(
            stream: false, event: asynchronous, headers: [("X-Amz-Invocation-Type", "Event")])
        #expect(refused.status == 413)
    }

    @Test func `a long event of somebody unknown is refused before it has come`() async throws {
        let fixture = try Self.fixture()
        let head = "POST /2015-03-31/functions/f/invocations HTTP/1.1\r\nHost: \(fixture.address)\r\n"
        for length in ["Content-Length: 1000000", "Transfer-Encoding: chunked"] {
            let answer = try await fixture.send(Array("\(head)\(length)\r\n\r\n".utf8))
            #expect(answer.status == 403)
            #expect(answer.errorType == "MissingAuthenticationTokenException")
        }
    }

    @Test func `who calls without taking answers is not read any more`() async throws {
        let fixture = try Self.fixture()
        let call = "POST /2015-03-31/functions/f/invocations HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
        let descriptor = try CallClient.connect(fixture.address.port, receiveBuffer: 65536)
        defer { close(descriptor) }
        let calls = Array(String(repeating: call, count: 10_000).utf8)
        let limit = 40 << 20
        let sent = await Task.detached {
            var sent = 0
            while sent < limit {
                let offset = sent % calls.count
                let count = calls[offset...].withUnsafeBytes {
                    Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
                }
                if count > 0 {
                    sent += count
                } else {
                    var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    if errno != EAGAIN || poll(&wanted, 1, 1000) == 0 { break }
                }
            }
            return sent
        }.value
        #expect(sent < limit)
        // Once they are taken, more is read.
        let answer = try await Task.detached { try CallClient.readAnswer(from: descriptor) }.value
        #expect(answer.status == 403)
        #expect(try await fixture.call().status == 200)
    }

    @Test func `the largest event that is allowed`() async throws {
        let event = "\"\(String(repeating: "x", count: 6_291_454))\""
        #expect(try await Self.fixture().call(event: event).status == 200)
    }

    @Test func `a key that is not known`() async throws {
        let stranger = Credentials(accessKeyID: "AKIDSTRANGER", secretAccessKey: "secret")
        let answer = try await Self.fixture().call(credentials: stranger)
        #expect(answer.status == 403)
        #expect(answer.errorType == "UnrecognizedClientException")
        #expect(answer.text == #"{"message":"The security token included in the request is invalid."}"#)
    }

    @Test func `a signature made with another secret`() async throws {
        let wrong = Credentials(accessKeyID: "AKIDLOCAL", secretAccessKey: "other")
        let answer = try await Self.fixture().call(credentials: wrong)
        #expect(answer.status == 403)
        #expect(answer.errorType == "InvalidSignatureException")
    }

    @Test func `a signature of yesterday`() async throws {
        let fixture = try Self.fixture()
        let then = WallTime(milliseconds: Int64((Date().timeIntervalSince1970 - 86_400) * 1000))
        let answer = try await fixture.send(
            CallClient.request(
                path: "/2015-03-31/functions/f/invocations", body: [], host: "\(fixture.address)",
                credentials: LambdaFixture.credentials, at: then))
        #expect(answer.status == 403)
        #expect(answer.errorType == "InvalidSignatureException")
        #expect(answer.text.contains("Signature expired: "))
    }

    @Test func `no signature`() async throws {
        let answer = try await Self.fixture().send(
            Array("POST /2015-03-31/functions/f/invocations HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}".utf8))
        #expect(answer.status == 403)
        #expect(answer.errorType == "MissingAuthenticationTokenException")
    }

    @Test func `new keys are accepted, and old ones no more`() async throws {
        let fixture = try Self.fixture()
        let new = Credentials(accessKeyID: "AKIDNEW", secretAccessKey: "s", sessionToken: "token/+=")
        fixture.lambda.update(credentials: [new])
        #expect(try await fixture.call().status == 403)
        #expect(try await fixture.call(credentials: new).status == 200)
    }

    @Test(arguments: [
        ("X-Amz-Invocation-Type", "Event"), ("X-Amz-Invocation-Type", "Sometimes"), ("X-Amz-Log-Type", "Head"),
    ])
    func `a header with a value that does not exist`(name: String, value: String) async throws {
        let answer = try await Self.fixture().call(headers: [(name, value)])
        #expect(answer.status == 400)
        #expect(answer.errorType == "InvalidParameterValueException")
    }

    @Test(arguments: ["***", "bm8ganNvbg==", "W10="])
    func `a client context that is no base64 of a JSON object`(value: String) async throws {
        let answer = try await Self.fixture().call(headers: [("X-Amz-Client-Context", value)])
        #expect(answer.status == 400)
        #expect(answer.errorType == "InvalidRequestContentException")
    }

    @Test func `qualifiers that contradict each other`() async throws {
        let answer = try await Self.fixture().call("f%3Aone", query: "Qualifier=two")
        #expect(answer.status == 400)
        #expect(answer.errorType == "InvalidParameterValueException")
    }

    @Test func `other paths and methods`() async throws {
        let fixture = try Self.fixture()
        let unknown = try await fixture.send(
            CallClient.request(
                path: "/2015-03-31/functions", body: [], host: "\(fixture.address)",
                credentials: LambdaFixture.credentials))
        #expect(unknown.status == 404)
        let get = try await fixture.send(
            CallClient.request(
                method: .get, path: "/2015-03-31/functions/f/invocations", body: [], host: "\(fixture.address)",
                credentials: LambdaFixture.credentials))
        #expect(get.status == 405)
        #expect(get.head.fields.first("allow") == "POST")
    }

    @Test func `bytes that are no HTTP`() async throws {
        let answer = try await Self.fixture().send(Array("HELO there\r\n\r\n".utf8))
        #expect(answer.status == 400)
        #expect(answer.head.fields.first("connection") == "close")
    }
}
