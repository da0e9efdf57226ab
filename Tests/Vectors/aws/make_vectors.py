#!/usr/bin/env python3
"""Writes sigv4.json and event-stream.json beside this file.

Origin: signatures, canonical requests and decoded messages are what botocore (1.43.11 when the files were last written)
computes; the messages themselves are packed here with struct and zlib, as botocore has no encoder, and botocore must
read from each what was put in. Run it again after a change: python3 Tests/Vectors/aws/make_vectors.py
"""

import datetime
import hashlib
import json
import pathlib
import random
import struct
import urllib.parse
import zlib

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.eventstream

HERE = pathlib.Path(__file__).parent


class Signer(botocore.auth.SigV4Auth):
    """Keeps the canonical request that botocore makes on the way."""

    def canonical_request(self, request):
        self.canonical = super().canonical_request(request)
        return self.canonical


def sign(case):
    moment = datetime.datetime.strptime(case["time"], "%Y%m%dT%H%M%SZ")
    botocore.auth.get_current_datetime = lambda: moment
    credentials = botocore.credentials.Credentials(case["accessKeyID"], case["secretAccessKey"], case["sessionToken"])
    request = botocore.awsrequest.AWSRequest(
        method=case["method"],
        url=case["origin"] + case["path"] + ("?" + case["query"] if case["query"] else ""),
        data=bytes.fromhex(case["bodyHex"]),
    )
    for name, value in case["fields"]:
        request.headers.add_header(name, value)
    signer = Signer(credentials, case["service"], case["region"])
    signer.add_auth(request)
    case["canonicalRequest"] = signer.canonical
    case["authorization"] = request.headers["Authorization"]
    return case


def signing_cases():
    base = {
        "accessKeyID": "AKIDEXAMPLE",
        "secretAccessKey": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        "sessionToken": None,
        "time": "20260102T030405Z",
        "region": "us-east-1",
        "service": "lambda",
        "method": "POST",
        "origin": "https://lambda.us-east-1.amazonaws.com",
        "path": "/2021-11-15/functions/my-fn/response-streaming-invocations",
        "query": "",
        "fields": [["Content-Type", "application/json"], ["Host", "lambda.us-east-1.amazonaws.com"]],
        "bodyHex": b'{"a":1}'.hex(),
    }

    def case(name, **changes):
        return sign({"name": name, **base, **changes})

    invoke = "/2021-11-15/functions/%s/response-streaming-invocations"
    host = ["Host", "lambda.us-east-1.amazonaws.com"]
    yield case(
        "the vector of the wire document",
        sessionToken="tok/en+==",
        path=invoke % "arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Amy-fn",
        query="Qualifier=%24LATEST",
        fields=base["fields"] + [["X-Amz-Tenant-Id", "a  b"], ["X-Amz-Invocation-Type", "RequestResponse"]],
    )
    yield case("a bare name")
    yield case("an empty body", bodyHex="")
    yield case("a body of bytes", bodyHex=bytes(range(256)).hex())
    yield case("a token", sessionToken="FwoGZXIvYXdzEBYaD//////////wEaDN+/=")
    yield case("a raw colon", path=invoke % "my-fn:live")
    yield case("an encoded colon", path=invoke % "my-fn%3Alive")
    yield case("dot segments", path="/a/./b/../c//d/")
    yield case("dot segments to the end", path="/a/b/..")
    yield case("more dots than segments", path="/../../a")
    yield case("only slashes", path="//")
    yield case("the root", method="GET", path="/", bodyHex="")
    yield case("names that begin with dots", path="/.well-known/..a/...")
    yield case("every kind of character", path="/-._~!$&'()*+,;=:@/%20%25%2F%C3%A9")
    yield case("query in any order", method="GET", query="b=2&a=2&a=1&c=&Z=%2F", bodyHex="")
    yield case("a qualifier", query="Qualifier=live")
    yield case(
        "every field of an invocation",
        sessionToken="t",
        fields=base["fields"]
        + [
            ["x-amz-client-context", "eyJhIjoxfQ=="],
            ["x-amz-content-sha256", hashlib.sha256(b'{"a":1}').hexdigest()],
            ["x-amz-log-type", "Tail"],
            ["x-amz-tenant-id", "tenant: 1"],
            ["x-amz-invocation-type", "RequestResponse"],
        ],
    )
    yield case("white space in values", fields=[host, ["X-Amz-Tenant-Id", "  a \t  b   c  "], ["content-type", "\ta "]])
    yield case("repeated fields", fields=[host, ["x-b", "2"], ["x-b", " 1  3 "], ["x-a", "z"]])
    yield case("names around the date", fields=[host, ["x-amz-dat", "1"], ["x-amz-datf", "2"], ["x-amz-date-", "3"]])
    yield case("names around the token", sessionToken="t", fields=[host, ["x-amz-security-tokem", "1"], ["y", "2"]])
    yield case(
        "a port in the host", origin="http://127.0.0.1:9001", fields=[["Host", "127.0.0.1:9001"], ["content-type", "a"]]
    )
    yield case("another region", region="eusc-de-east-1")
    yield case("another service", service="sts", path="/", fields=[host])
    yield case("the last second of a year", time="20251231T235959Z")
    yield case("a leap day", time="20240229T120000Z")
    yield case("a long secret", secretAccessKey="s" * 100)
    yield case("a large body", bodyHex=(b"0123456789abcdef" * 128).hex())
    rng = random.Random(2026)
    text = "abcXYZ019-._~ /:=+%\u00e9"
    for index in range(40):
        name = "".join(rng.choice("abcXYZ019-._~:$@!'()*+,;=") for _ in range(rng.randint(1, 30)))
        # SDKs never encode an unreserved character, and whether a service would decode it is not documented.
        quoted = urllib.parse.quote("".join(rng.choice(text) for _ in range(8)), safe="-_.~")
        yield case(
            "drawn %d" % index,
            path="/2015-03-31/functions/%s/%s/invocations" % (name, quoted),
            query="Qualifier=" + quoted if index % 2 else "",
            sessionToken=None if index % 3 else "T" * index + "==",
            bodyHex=rng.randbytes(rng.randint(0, 300)).hex(),
            time="2026%02d%02dT%02d%02d%02dZ"
            % (rng.randint(1, 12), rng.randint(1, 28), rng.randint(0, 23), rng.randint(0, 59), rng.randint(0, 59)),
            fields=base["fields"] + [["x-amz-" + rng.choice("abcdefghz") + "x%d" % n, " v  %d " % n] for n in range(index % 5)],
        )


# Event-stream messages. A header is [name, type, value]; bytes are given as hexadecimal digits.


def pack_header(name, kind, value):
    encoded = name.encode()
    head = struct.pack("!B", len(encoded)) + encoded
    if kind == "bool":
        return head + (b"\x00" if value else b"\x01")
    if kind == "bytes":
        data = bytes.fromhex(value)
        return head + b"\x06" + struct.pack("!H", len(data)) + data
    if kind == "string":
        data = value.encode()
        return head + b"\x07" + struct.pack("!H", len(data)) + data
    if kind == "uuid":
        return head + b"\x09" + bytes.fromhex(value)
    number, form = {"int8": (2, "b"), "int16": (3, "h"), "int32": (4, "i"), "int64": (5, "q"), "timestamp": (8, "q")}[kind]
    return head + struct.pack("!B" + form, number, int(value))


def message(name, headers, payload):
    block = b"".join(pack_header(*header) for header in headers)
    prelude = struct.pack("!II", 16 + len(block) + len(payload), len(block))
    prelude += struct.pack("!I", zlib.crc32(prelude))
    body = prelude + block + payload
    wire = body + struct.pack("!I", zlib.crc32(body))
    buffer = botocore.eventstream.EventStreamBuffer()
    buffer.add_data(wire)
    (read,) = list(buffer)
    assert read.payload == payload
    for header, kind, value in headers:
        seen = read.headers[header]
        expected = {"bool": bool, "bytes": bytes.fromhex, "uuid": bytes.fromhex, "string": str}.get(kind, int)(value)
        assert seen == expected, (header, seen, expected)
    return {"name": name, "headers": headers, "payload": payload.hex(), "wire": wire.hex()}


def messages():
    event = [":message-type", "string", "event"]
    chunk = [
        [":event-type", "string", "PayloadChunk"],
        [":content-type", "string", "application/octet-stream"],
        event,
    ]
    complete = [[":event-type", "string", "InvokeComplete"], [":content-type", "string", "application/json"], event]
    yield message("an empty chunk", chunk, b"")
    yield message("a chunk", chunk, b"hello")
    yield message("a chunk with its headers in another order", chunk[::-1], b"hello")
    yield message("a chunk without content type", [chunk[0], event], b"hello")
    yield message("a chunk without message type", chunk[:2], b"hello")
    yield message("a chunk with more headers", chunk + [["x", "bool", True], [":y", "int64", "-1"]], b"hello")
    yield message("every byte", chunk, bytes(range(256)))
    yield message("an end", complete, b"{}")
    yield message("an empty end", complete, b"")
    yield message("a failed end", complete, b'{"ErrorCode":"Unhandled","ErrorDetails":"{\\"errorType\\":\\"E\\"}"}')
    yield message("an unknown event", [[":event-type", "string", "Progress"], event], b"1")
    yield message(
        "an exception",
        [[":exception-type", "string", "ServiceException"], [":message-type", "string", "exception"]],
        b'{"Message":"no"}',
    )
    yield message(
        "an error",
        [
            [":error-code", "string", "InternalError"],
            [":error-message", "string", "An \u00e9rror"],
            [":message-type", "string", "error"],
        ],
        b"",
    )
    yield message("nothing", [], b"")
    yield message("payload alone", [], b"payload")
    edges = [
        ["true", "bool", True],
        ["false", "bool", False],
        ["int8", "int8", "-128"],
        ["int16", "int16", "-32768"],
        ["int32", "int32", "-2147483648"],
        ["int64", "int64", "-9223372036854775808"],
        ["INT8", "int8", "127"],
        ["INT16", "int16", "32767"],
        ["INT32", "int32", "2147483647"],
        ["INT64", "int64", "9223372036854775807"],
        ["bytes", "bytes", "00ff80"],
        ["no bytes", "bytes", ""],
        ["string", "string", "\u00fcn\u00ef\U0001f600"],
        ["no string", "string", ""],
        ["timestamp", "timestamp", "1767323045123"],
        ["before 1970", "timestamp", "-1"],
        ["uuid", "uuid", "00112233445566778899aabbccddeeff"],
        ["\u00e9", "bool", True],
        ["n" * 255, "bool", False],
    ]
    for edge in edges:
        yield message("one header: " + edge[0][:20], [edge], b"p")
    yield message("all headers", edges, b"p")


def write(name, cases):
    text = json.dumps(list(cases), indent=1, ensure_ascii=True)
    (HERE / name).write_text(text + "\n")


write("sigv4.json", signing_cases())
write("event-stream.json", messages())
