"""What a server owes its HTTP/2 clients, case by case, with the sections and the verdicts of the well-known suite (h2spec, its
strict cases included): raw frames over plain TCP with prior knowledge, or over TLS. `/` has to answer 200 with some bytes.

    http2_conformance.py HOST:PORT [--tls] [SECTION …]

Prints one JSON object: how many cases were held, and what was seen in those that were not.
"""

import argparse
import concurrent.futures
import json
import socket
import ssl
import struct
import sys
import time

NO_ERROR, PROTOCOL, INTERNAL, FLOW_CONTROL, SETTINGS_TIMEOUT, STREAM_CLOSED, FRAME_SIZE, REFUSED_STREAM = range(8)
COMPRESSION = 9
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITY_FLAG = 0x1, 0x1, 0x4, 0x8, 0x20
NAMES = "DATA HEADERS PRIORITY RST_STREAM SETTINGS PUSH_PROMISE PING GOAWAY WINDOW_UPDATE CONTINUATION".split()
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
PATIENCE = 5


def literal(text):
    data = text.encode()
    count = len(data)
    if count < 127:
        return bytes([count]) + data
    count -= 127
    out = b"\x7f"
    while count >= 128:
        out += bytes([count & 0x7F | 0x80])
        count >>= 7
    return out + bytes([count]) + data


def block(fields):
    return b"".join(b"\0" + literal(name) + literal(value) for name, value in fields)


class Ended(Exception):
    """The connection is over."""


class Client:
    def __init__(self, address, tls):
        self.scheme = "https" if tls else "http"
        self.authority = f"{address[0]}:{address[1]}"
        self.socket = socket.create_connection(address, PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            context.set_alpn_protocols(["h2"])
            self.socket = context.wrap_socket(self.socket)
        self.unread = b""
        self.seen = []
        self.settings = {}
        self.last = b""

    # What is sent: a call of the system for each frame, as the suite does it.

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError:
            pass
        return self

    def frame(self, kind, flags, stream, payload=b""):
        return self.send(struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload)

    def fields(self, method="GET"):
        return [(":method", method), (":scheme", self.scheme), (":path", "/"), (":authority", self.authority)]

    def headers(self, stream=1, fields=None, end=True, end_headers=True, method="GET", more=(), tail=b"", head=b""):
        payload = head + block((fields if fields is not None else self.fields(method)) + list(more)) + tail
        return self.frame(HEADERS, (end and END_STREAM) | (end_headers and END_HEADERS), stream, payload)

    def post(self, stream=1, more=(), **keys):
        return self.headers(stream, method="POST", more=more, end=False, **keys)

    def data(self, stream, payload=b"test", end=True):
        return self.frame(DATA, END_STREAM if end else 0, stream, payload)

    def priority(self, stream, on=0, weight=255):
        return self.frame(PRIORITY, 0, stream, struct.pack(">IB", on, weight))

    def reset(self, stream, code=8):
        return self.frame(RST_STREAM, 0, stream, struct.pack(">I", code))

    def set(self, *entries):
        return self.frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", *entry) for entry in entries))

    def ping(self, data=b"\0" * 8, flags=0):
        return self.frame(PING, flags, 0, data)

    def window(self, stream, increment):
        return self.frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", increment))

    def continuation(self, stream, end_headers=True, count=1):
        dummy = block([(f"x-dummy{index}", "x" * 4000) for index in range(count)])
        return self.frame(CONTINUATION, END_HEADERS if end_headers else 0, stream, dummy)

    # What comes.

    def receive(self):
        while len(self.unread) < 9 or len(self.unread) < 9 + int.from_bytes(self.unread[:3], "big"):
            self.socket.settimeout(max(0.01, self.until - time.monotonic()))
            try:
                more = self.socket.recv(65536)
            except (TimeoutError, socket.timeout):
                self.seen.append("time-out")
                raise
            except OSError as error:
                self.seen.append(f"the end: {error}")
                raise Ended from error
            if not more:
                self.seen.append("the end")
                raise Ended
            self.unread += more
        length = int.from_bytes(self.unread[:3], "big")
        kind, flags, stream = struct.unpack(">BBI", self.unread[3:9])
        payload, self.unread = self.unread[9 : 9 + length], self.unread[9 + length :]
        code = {RST_STREAM: payload[:4], GOAWAY: payload[4:8]}.get(kind)
        name = NAMES[kind] if kind < len(NAMES) else str(kind)
        self.seen.append(f"{name}/{flags:x}@{stream}#{length}" + (f"={int.from_bytes(code, 'big')}" if code else ""))
        if kind == DATA and payload:
            self.window(0, len(payload))
        return kind, flags, stream, payload

    def wait(self, is_it):
        """Reads until a frame is what is waited for. Answers whether it came."""
        self.until = time.monotonic() + PATIENCE
        try:
            while True:
                frame = self.receive()
                if is_it(*frame):
                    self.last = frame[3]
                    return True
        except (Ended, TimeoutError, socket.timeout):
            return False

    def greet(self):
        self.send(PREFACE).set((4, 65535))
        missing = {"theirs", "acknowledgement"}

        def is_done(kind, flags, stream, payload):
            if kind == SETTINGS and flags & ACK:
                missing.discard("acknowledgement")
            elif kind == SETTINGS:
                missing.discard("theirs")
                for index in range(0, len(payload), 6):
                    self.settings.__setitem__(*struct.unpack(">HI", payload[index : index + 6]))
                self.frame(SETTINGS, ACK, 0)
            return not missing

        assert self.wait(is_done), "no greeting"
        return self

    # Verdicts.

    def connection_error(self, *codes):
        return self.verdict(lambda kind, code: kind == GOAWAY and code in codes)

    def stream_error(self, *codes):
        return self.verdict(lambda kind, code: kind in (GOAWAY, RST_STREAM) and code in codes)

    def verdict(self, is_right):
        def is_it(kind, flags, stream, payload):
            code = {RST_STREAM: payload[:4], GOAWAY: payload[4:8]}.get(kind, b"")
            return is_right(kind, int.from_bytes(code, "big"))

        # The suite takes an end of the connection for an error; the right code is the goal all the same.
        return self.wait(is_it)

    def first(self, wanted, *codes):
        """The first frame of a type has one of these codes."""

        def is_it(kind, flags, stream, payload):
            return kind == wanted

        if not self.wait(is_it):
            return False
        return int.from_bytes(self.last[4:8] if wanted == GOAWAY else self.last[:4], "big") in codes

    def ends(self):
        return not self.wait(lambda *_: False) and self.seen[-1].startswith("the end")

    def gets(self, wanted, flags=0, stream=None, payload=None):
        return self.wait(
            lambda kind, f, s, p: kind == wanted
            and f & flags == flags
            and (stream is None or s == stream)
            and (payload is None or p == payload)
        )

    def closes_stream(self):
        return self.wait(lambda kind, flags, *_: kind in (DATA, HEADERS) and flags & END_STREAM)

    def answers(self, stream=1):
        return self.gets(HEADERS, stream=stream)

    def pongs(self, data=b"\0" * 8):
        return self.gets(PING, ACK, payload=data)

    def pongs_or_ends(self):
        return self.pongs() or self.seen[-1].startswith("the end")

    def sends_one_byte(self):
        return self.gets(DATA) and len(self.last) == 1


CASES = []


def case(section, title, run, greets=True):
    CASES.append((section, title, run, greets))


# What has to work.
case("generic/1/1", "the preface", lambda c: c.greet() and True, greets=False)
case("generic/2/1", "PRIORITY on an idle stream", lambda c: c.priority(1).ping().pongs())
case("generic/2/2", "WINDOW_UPDATE on a half-closed stream", lambda c: c.set((4, 0)).headers().window(1, 1).gets(DATA))
case("generic/2/3", "PRIORITY on a half-closed stream", lambda c: c.set((4, 0)).headers().priority(1).window(1, 1).gets(DATA))
case("generic/2/4", "RST_STREAM on a half-closed stream", lambda c: c.headers().reset(1).ping().pongs_or_ends())
case("generic/2/5", "PRIORITY on a closed stream", lambda c: c.headers().closes_stream() and c.priority(1).ping().pongs())
case("generic/3.1/1", "DATA", lambda c: c.post().data(1).answers())
case("generic/3.1/2", "several DATA", lambda c: c.post().data(1, end=False).data(1).answers())
case("generic/3.1/3", "DATA with padding", lambda c: c.post().frame(DATA, 0x9, 1, b"\x06test" + b"\0" * 6).answers())
case("generic/3.2/1", "HEADERS", lambda c: c.headers().answers())
case("generic/3.2/2", "HEADERS with padding", lambda c: c.frame(HEADERS, 0xD, 1, b"\x08" + block(c.fields()) + b"\0" * 8).answers())
case("generic/3.2/3", "HEADERS with priority", lambda c: c.frame(HEADERS, 0x25, 1, b"\0\0\0\0\xff" + block(c.fields())).answers())
case("generic/3.3/1", "PRIORITY 1", lambda c: c.priority(1, weight=0).headers().answers())
case("generic/3.3/2", "PRIORITY 256", lambda c: c.priority(1, weight=255).headers().answers())
case("generic/3.3/3", "PRIORITY with a dependency", lambda c: c.priority(3, on=1, weight=0).headers().answers())
case("generic/3.3/4", "PRIORITY, exclusive", lambda c: c.priority(1, on=0x80000000, weight=0).headers().answers())
case("generic/3.3/5", "PRIORITY for a higher stream first", lambda c: c.priority(3).headers(1).answers())
case("generic/3.4/1", "RST_STREAM", lambda c: c.headers(end=False).reset(1).ping().pongs_or_ends())
case("generic/3.5/1", "SETTINGS", lambda c: c.set((3, 100)).gets(SETTINGS, ACK))
case("generic/3.7/1", "PING", lambda c: c.ping().pongs())
case("generic/3.8/1", "GOAWAY", lambda c: c.frame(GOAWAY, 0, 0, b"\0" * 8 + b"h2spec").ping().pongs_or_ends())
case("generic/3.8/1 (before 2.3)", "GOAWAY ends the connection", lambda c: c.frame(GOAWAY, 0, 0, b"\0" * 8).ends())
case("generic/3.9/1", "WINDOW_UPDATE on the connection", lambda c: c.window(0, 1).ping().pongs())
case("generic/3.9/2", "WINDOW_UPDATE on a stream", lambda c: c.set((4, 0)).headers().window(1, 1).gets(DATA))
case("generic/3.10/1", "CONTINUATION", lambda c: c.headers(end_headers=False).continuation(1).answers())
case("generic/3.10/2", "several CONTINUATION", lambda c: c.headers(end_headers=False).continuation(1, False).continuation(1).answers())
case("generic/4/1", "GET", lambda c: c.headers().answers())
case("generic/4/2", "HEAD", lambda c: c.headers(method="HEAD").answers())
case("generic/4/3", "POST", lambda c: c.post().data(1).answers())
case("generic/4/4", "POST with trailers", lambda c: c.post(more=[("trailer", "x-test")]).data(1, end=False).headers(1, [("x-test", "ok")]).answers())
REPRESENTATIONS = [
    ("indexed", b"\xba"),
    ("with indexing, indexed name", b"\x7a\x06h2spec"),
    ("with indexing, indexed name, Huffman", b"\x7a\x84\x9c\x48\xac\xa4"),
    ("with indexing, new name", b"\x40\x06x-test\x06h2spec"),
    ("with indexing, new name, Huffman", b"\x40\x85\xf2\xb2\x4a\x84\xff\x84\x9c\x48\xac\xa4"),
    ("without indexing, indexed name", b"\x0f\x2b\x06h2spec"),
    ("without indexing, indexed name, Huffman", b"\x0f\x2b\x84\x9c\x48\xac\xa4"),
    ("without indexing, new name", b"\x00\x06x-test\x06h2spec"),
    ("without indexing, new name, Huffman", b"\x00\x85\xf2\xb2\x4a\x84\xff\x84\x9c\x48\xac\xa4"),
    ("never indexed, indexed name", b"\x1f\x2b\x06h2spec"),
    ("never indexed, indexed name, Huffman", b"\x1f\x2b\x84\x9c\x48\xac\xa4"),
    ("never indexed, new name", b"\x10\x06x-test\x06h2spec"),
    ("never indexed, new name, Huffman", b"\x10\x85\xf2\xb2\x4a\x84\xff\x84\x9c\x48\xac\xa4"),
]
for number, (title, tail) in enumerate(REPRESENTATIONS, 1):
    case(f"generic/5/{number}", f"HPACK: {title}", lambda c, tail=tail: c.headers(tail=tail).answers())
case("generic/5/14", "HPACK: a smaller table", lambda c: c.headers(head=b"\x20").answers())
case("generic/5/15", "HPACK: a smaller table, then a larger one", lambda c: c.headers(head=b"\x20\x3f\xe1\x1f").answers())

# RFC 9113, by the sections of RFC 7540.
case("http2/3.5/1", "the server's preface", lambda c: c.send(PREFACE).set((4, 65535)).wait(lambda *_: True) and c.seen[0].startswith("SETTINGS/0"), greets=False)
case("http2/3.5/2", "a preface that is none", lambda c: c.send(b"INVALID CONNECTION PREFACE\r\n\r\n").ends(), greets=False)
case("http2/4.1/1", "unknown type", lambda c: c.frame(0x16, 0, 0, b"\0" * 8).ping().pongs())
case("http2/4.1/2", "undefined flags", lambda c: c.ping(flags=0x16).gets(PING))
case("http2/4.1/3", "reserved bit", lambda c: c.frame(PING, 0x16, 0x80000000, b"\0" * 8).gets(PING))
case("http2/4.2/1", "DATA of 2^14 bytes", lambda c: c.post().data(1, b"x" * 16384).answers())
case("http2/4.2/2", "DATA that is too large", lambda c: c.post().data(1, b"x" * 16385).stream_error(FRAME_SIZE))
case("http2/4.2/3", "HEADERS that are too large", lambda c: c.headers(more=[(f"x-dummy{i}", "x" * 4000) for i in range(5)]).connection_error(FRAME_SIZE))
case("http2/4.3/1", "an invalid block", lambda c: c.frame(HEADERS, 0x5, 1, b"\x40").connection_error(COMPRESSION))
case("http2/4.3/2", "PRIORITY within a block", lambda c: c.headers(end=False, end_headers=False).priority(1).continuation(1).connection_error(PROTOCOL))
case("http2/4.3/3", "HEADERS of another stream within a block", lambda c: c.headers(end=False, end_headers=False).headers(3).continuation(1).connection_error(PROTOCOL))
case("http2/5.1/1", "idle: DATA", lambda c: c.data(1).connection_error(PROTOCOL))
case("http2/5.1/2", "idle: RST_STREAM", lambda c: c.reset(1).connection_error(PROTOCOL))
case("http2/5.1/3", "idle: WINDOW_UPDATE", lambda c: c.window(1, 100).connection_error(PROTOCOL))
case("http2/5.1/4", "idle: CONTINUATION", lambda c: c.frame(CONTINUATION, 4, 1, block(c.fields())).connection_error(PROTOCOL))
case("http2/5.1/5", "half closed: DATA", lambda c: c.headers().data(1).stream_error(STREAM_CLOSED))
case("http2/5.1/6", "half closed: HEADERS", lambda c: c.headers().headers().stream_error(STREAM_CLOSED))
case("http2/5.1/7", "half closed: CONTINUATION", lambda c: c.headers().continuation(1).stream_error(STREAM_CLOSED, PROTOCOL))
case("http2/5.1/8", "reset: DATA", lambda c: c.headers(end=False).reset(1).data(1).stream_error(STREAM_CLOSED))
case("http2/5.1/9", "reset: HEADERS", lambda c: c.headers(end=False).reset(1).headers().stream_error(STREAM_CLOSED))
case("http2/5.1/10", "reset: CONTINUATION", lambda c: c.headers(end=False).reset(1).continuation(1).stream_error(STREAM_CLOSED, PROTOCOL))
case("http2/5.1/11", "closed: DATA", lambda c: c.headers().closes_stream() and c.data(1).connection_error(STREAM_CLOSED))
case("http2/5.1/12", "closed: HEADERS", lambda c: c.headers().closes_stream() and c.headers().connection_error(STREAM_CLOSED))
case("http2/5.1/13", "closed: CONTINUATION", lambda c: c.headers().closes_stream() and c.continuation(1).connection_error(STREAM_CLOSED, PROTOCOL))
case("http2/5.1.1/1", "an even number", lambda c: c.headers(2).connection_error(PROTOCOL))
case("http2/5.1.1/2", "a lower number", lambda c: c.headers(5).headers(3).connection_error(PROTOCOL))
case("http2/5.1.1/3", "the same number again", lambda c: c.headers(5).headers(5).stream_error(STREAM_CLOSED))


def too_many(c):
    c.set((4, 0))
    for index in range(c.settings[3] + 1):
        c.headers(2 * index + 1)
    return c.stream_error(PROTOCOL, REFUSED_STREAM)


case("http2/5.1.2/1", "too many streams", too_many)
case("http2/5.3.1/1", "HEADERS that depend on themselves", lambda c: c.frame(HEADERS, 0x25, 1, b"\0\0\0\x01\xff" + block(c.fields())).stream_error(PROTOCOL))
case("http2/5.3.1/2", "PRIORITY that depends on itself", lambda c: c.priority(1, on=1).stream_error(PROTOCOL))
case("http2/5.4.1/1", "an error ends the connection", lambda c: c.frame(PING, 0, 3, b"\0" * 8).ends())
case("http2/5.4.1/2", "an error is told before (strict)", lambda c: c.frame(PING, 0, 3, b"\0" * 8).first(GOAWAY, PROTOCOL))
case("http2/5.5/1", "unknown frame", lambda c: c.frame(0x16, 0, 0, b"\0" * 8).ping().pongs())
case("http2/5.5/2", "unknown frame within a block", lambda c: c.headers(end_headers=False).frame(0x16, 0, 0, b"\0" * 8).connection_error(PROTOCOL))
case("http2/6.1/1", "DATA on no stream", lambda c: c.data(0).connection_error(PROTOCOL))
case("http2/6.1/2", "DATA on a stream that has ended", lambda c: c.headers(method="POST").data(1).stream_error(STREAM_CLOSED))
case("http2/6.1/3", "DATA with too much padding", lambda c: c.post(more=[("content-length", "4")]).frame(DATA, 0x9, 1, b"\x06Test").connection_error(PROTOCOL))
case("http2/6.2/1", "PRIORITY instead of CONTINUATION", lambda c: c.headers(end=False, end_headers=False).priority(1).continuation(1).connection_error(PROTOCOL))
case("http2/6.2/2", "HEADERS instead of CONTINUATION", lambda c: c.headers(end=False, end_headers=False).headers(3).continuation(1).connection_error(PROTOCOL))
case("http2/6.2/3", "HEADERS on no stream", lambda c: c.headers(0).connection_error(PROTOCOL))
case("http2/6.2/4", "HEADERS with too much padding", lambda c: c.frame(HEADERS, 0xD, 1, bytes([len(block(c.fields())) + 2]) + block(c.fields())).stream_error(PROTOCOL))
case("http2/6.3/1", "PRIORITY on no stream", lambda c: c.priority(0).connection_error(PROTOCOL))
case("http2/6.3/2", "PRIORITY of 4 bytes", lambda c: c.headers().frame(PRIORITY, 0, 1, b"\x80\0\0\x01").stream_error(FRAME_SIZE))
case("http2/6.3/3", "PRIORITY for a higher stream first (strict)", lambda c: c.priority(3).headers(1).answers())
case("http2/6.4/1", "RST_STREAM on no stream", lambda c: c.reset(0).connection_error(PROTOCOL))
case("http2/6.4/2", "RST_STREAM on an idle stream", lambda c: c.reset(1).connection_error(PROTOCOL))
case("http2/6.4/3", "RST_STREAM of 3 bytes", lambda c: c.headers().frame(RST_STREAM, 0, 1, b"\0\0\0").stream_error(FRAME_SIZE))
case("http2/6.5/1", "an acknowledgement with content", lambda c: c.frame(SETTINGS, ACK, 0, b"\0").connection_error(FRAME_SIZE))
case("http2/6.5/2", "SETTINGS on a stream", lambda c: c.frame(SETTINGS, 0, 1, b"\0\x03\0\0\0\x64").connection_error(PROTOCOL))
case("http2/6.5/3", "SETTINGS of 3 bytes", lambda c: c.frame(SETTINGS, 0, 0, b"\0\x03\0").stream_error(PROTOCOL, FRAME_SIZE))
case("http2/6.5.2/1", "ENABLE_PUSH of 2", lambda c: c.set((2, 2)).connection_error(PROTOCOL))
case("http2/6.5.2/2", "INITIAL_WINDOW_SIZE of 2^31", lambda c: c.set((4, 1 << 31)).connection_error(FLOW_CONTROL))
case("http2/6.5.2/3", "MAX_FRAME_SIZE below 2^14", lambda c: c.set((5, 16383)).connection_error(PROTOCOL))
case("http2/6.5.2/4", "MAX_FRAME_SIZE of 2^24", lambda c: c.set((5, 16777216)).connection_error(PROTOCOL))
case("http2/6.5.2/5", "an unknown setting", lambda c: c.set((0xFF, 1)).ping().pongs())
case("http2/6.5.3/1", "the last of several values counts", lambda c: c.set((4, 100), (4, 1)).gets(SETTINGS, ACK) and c.headers().sends_one_byte())
case("http2/6.5.3/2", "SETTINGS are acknowledged", lambda c: c.set((2, 0)).gets(SETTINGS, ACK))
case("http2/6.7/1", "PING comes back", lambda c: c.ping(b"h2spec\0\0").pongs(b"h2spec\0\0"))
case("http2/6.7/2", "an acknowledgement does not", lambda c: c.ping(b"invalid\0", ACK).ping(b"h2spec\0\0").gets(PING) and c.last == b"h2spec\0\0")
case("http2/6.7/3", "PING on a stream", lambda c: c.frame(PING, 0, 1, b"\0" * 8).connection_error(PROTOCOL))
case("http2/6.7/4", "PING of 6 bytes", lambda c: c.ping(b"\0" * 6).connection_error(FRAME_SIZE))
case("http2/6.8/1", "GOAWAY on a stream", lambda c: c.frame(GOAWAY, 0, 1, b"\0" * 8).connection_error(PROTOCOL))
case("http2/6.9/1", "a window of nothing", lambda c: c.window(0, 0).connection_error(PROTOCOL))
case("http2/6.9/2", "a window of nothing on a stream", lambda c: c.headers(end=False).window(1, 0).stream_error(PROTOCOL))
case("http2/6.9/3", "WINDOW_UPDATE of 3 bytes", lambda c: c.frame(WINDOW_UPDATE, 0, 0, b"\0\0\x01").connection_error(FRAME_SIZE))
case("http2/6.9.1/1", "a window of one byte", lambda c: c.set((4, 1)).gets(SETTINGS, ACK) and c.headers().sends_one_byte())
case("http2/6.9.1/2", "a window beyond 2^31", lambda c: c.window(0, 0x7FFFFFFF).window(0, 0x7FFFFFFF).first(GOAWAY, FLOW_CONTROL))
case("http2/6.9.1/3", "a window beyond 2^31 on a stream", lambda c: c.headers(end=False).window(1, 0x7FFFFFFF).window(1, 0x7FFFFFFF).first(RST_STREAM, FLOW_CONTROL))
case("http2/6.9.2/1", "a window that grows", lambda c: c.set((4, 0)).gets(SETTINGS, ACK) and c.headers().set((4, 1)).gets(SETTINGS, ACK) and c.sends_one_byte())
case("http2/6.9.2/2", "a window that becomes negative", lambda c: c.set((4, 3)).gets(SETTINGS, ACK) and c.headers().gets(DATA) and c.set((4, 2)).gets(SETTINGS, ACK) and c.window(1, 2).sends_one_byte())
case("http2/6.9.2/3", "a setting beyond 2^31", lambda c: c.set((4, 1 << 31)).connection_error(FLOW_CONTROL))
case("http2/6.10/1", "several CONTINUATION", lambda c: c.headers(end_headers=False).continuation(1, False).continuation(1).gets(HEADERS))
case("http2/6.10/2", "DATA behind CONTINUATION", lambda c: c.post(end_headers=False).continuation(1, False).data(1).connection_error(PROTOCOL))
case("http2/6.10/3", "CONTINUATION on no stream", lambda c: c.headers(end_headers=False).continuation(0).connection_error(PROTOCOL))
case("http2/6.10/4", "CONTINUATION behind a whole block", lambda c: c.headers().continuation(1).connection_error(PROTOCOL))
case("http2/6.10/5", "CONTINUATION behind the last one", lambda c: c.headers(end_headers=False).continuation(1).continuation(1).connection_error(PROTOCOL))
case("http2/6.10/6", "CONTINUATION behind DATA", lambda c: c.post(end_headers=False).data(1).continuation(1, False).continuation(0).connection_error(PROTOCOL))
case("http2/7/1", "GOAWAY with an unknown code", lambda c: c.frame(GOAWAY, 0, 0, b"\0\0\0\0\0\0\0\xff").ping().pongs_or_ends())
case("http2/7/2", "RST_STREAM with an unknown code", lambda c: c.post().reset(1, 0xFF).ping().pongs())
case("http2/8.1/1", "trailers that do not end the stream", lambda c: c.post().data(1, end=False).headers(1, [("x-test", "ok")], end=False).stream_error(PROTOCOL))


def wrong(number, title, change):
    case(number, title, lambda c: c.headers(fields=change(c.fields())).stream_error(PROTOCOL))


wrong("http2/8.1.2/1", "capitals", lambda f: f + [("X-TEST", "ok")])
wrong("http2/8.1.2.1/1", "an unknown pseudo-field", lambda f: f + [(":test", "ok")])
wrong("http2/8.1.2.1/2", "a pseudo-field of answers", lambda f: f + [(":status", "200")])
case("http2/8.1.2.1/3", "a pseudo-field in trailers", lambda c: c.post().data(1, end=False).headers(1, [(":method", "200"), ("x-test", "ok")]).stream_error(PROTOCOL))
wrong("http2/8.1.2.1/4", "a pseudo-field behind a field", lambda f: [("x-test", "ok")] + f)
wrong("http2/8.1.2.2/1", "connection", lambda f: f + [("connection", "keep-alive")])
wrong("http2/8.1.2.2/2", "te", lambda f: f + [("trailers", "test"), ("te", "trailers, deflate")])
wrong("http2/8.1.2.3/1", "an empty path", lambda f: f[:2] + [(":path", "")] + f[3:])
wrong("http2/8.1.2.3/2", "no method", lambda f: f[1:])
wrong("http2/8.1.2.3/3", "no scheme", lambda f: [f[0]] + f[2:])
wrong("http2/8.1.2.3/4", "no path", lambda f: f[:2] + f[3:])
wrong("http2/8.1.2.3/5", "the method twice", lambda f: f + [f[0]])
wrong("http2/8.1.2.3/6", "the scheme twice", lambda f: f + [f[1]])
wrong("http2/8.1.2.3/7", "the path twice", lambda f: f + [f[2]])
case("http2/8.1.2.6/1", "content-length against one DATA", lambda c: c.post(more=[("content-length", "1")]).data(1).stream_error(PROTOCOL))
case("http2/8.1.2.6/2", "content-length against several DATA", lambda c: c.post(more=[("content-length", "1")]).data(1, end=False).data(1).stream_error(PROTOCOL))
case("http2/8.2/1", "PUSH_PROMISE", lambda c: c.frame(PUSH_PROMISE, 4, 1, b"\0\0\0\x03" + block(c.fields())).connection_error(PROTOCOL))

# RFC 7541.
case("hpack/2.3.3/1", "an index beyond the table", lambda c: c.headers(tail=b"\xfe").connection_error(COMPRESSION))
case("hpack/2.3.3/2", "a name beyond the table", lambda c: c.headers(tail=b"\x7f\x0f\x04test").connection_error(COMPRESSION))
case("hpack/4.2/1", "a table size behind fields", lambda c: c.headers(tail=b"\x21").connection_error(COMPRESSION))
case("hpack/5.2/1", "padding of more than 7 bits", lambda c: c.headers(tail=b"\x00\x85\xf2\xb2\x4a\x84\xff\x84\x49\x50\x9f\xff").connection_error(COMPRESSION))
case("hpack/5.2/2", "padding of zeros", lambda c: c.headers(tail=b"\x00\x85\xf2\xb2\x4a\x84\xff\x83\x49\x50\x90").connection_error(COMPRESSION))
case("hpack/5.2/3", "EOS", lambda c: c.headers(tail=b"\x00\x85\xf2\xb2\x4a\x84\xff\x87\xff\xff\xff\xfd\x25\x42\x7f").connection_error(COMPRESSION))
case("hpack/6.1/1", "index 0", lambda c: c.headers(tail=b"\x80").connection_error(COMPRESSION))
case("hpack/6.3/1", "a table larger than allowed", lambda c: c.headers(head=b"\x3f\xe2\x1f").connection_error(COMPRESSION))


def play(address, tls, entry):
    section, title, run, greets = entry
    seen = []
    try:
        client = Client(address, tls)
        seen = client.seen
        if greets:
            client.greet()
            del seen[:]
        is_held = bool(run(client))
        client.socket.close()
    except Exception as error:  # noqa: BLE001
        seen.append(repr(error))
        is_held = False
    return None if is_held else f"{section} {title}: {' '.join(seen[-12:])}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("sections", nargs="*")
    options = parser.parse_args()
    host, port = options.address.rsplit(":", 1)
    cases = [entry for entry in CASES if not options.sections or entry[0].startswith(tuple(options.sections))]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda entry: play((host, int(port)), options.tls, entry), cases))
    failures = [result for result in results if result]
    json.dump({"cases": len(cases), "held": len(cases) - len(failures), "failures": failures}, sys.stdout, indent=1)
    print()


main()
