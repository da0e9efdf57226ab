"""A Lambda API for the soak: streams whose bytes follow from a seed, at a pace that follows from it as well.

    soak_upstream.py PORT

The query of the event says which: `seed`, `bytes` in all, `pieces`, `milliseconds` in all, and `cut`, a number of bytes behind
which the connection is dropped. USR1 closes what is idle; each second a line says how many connections there are.
"""

import heapq
import json
import selectors
import signal
import socket
import struct
import sys
import time
import zlib

import seeded

HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\nTransfer-Encoding: chunked\r\n"
    b"x-amzn-RequestId: d16a6b55-dea9-4b23-8499-eb85c3d2d904\r\n\r\n"
)
PRELUDE = b'{"statusCode":200,"headers":{"content-type":"application/octet-stream"}}' + b"\0" * 8


def header(name, value):
    return bytes([len(name)]) + name + b"\x07" + struct.pack(">H", len(value)) + value


def fields(event):
    return (
        header(b":event-type", event)
        + header(b":content-type", b"application/octet-stream")
        + header(b":message-type", b"event")
    )


PAYLOAD, COMPLETE = fields(b"PayloadChunk"), fields(b"InvokeComplete")


def message(headers, payload):
    """A message of the event stream, as a chunk of HTTP."""
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    prelude += struct.pack(">I", zlib.crc32(prelude))
    crc = zlib.crc32(payload, zlib.crc32(headers, zlib.crc32(prelude)))
    return b"%x\r\n%b%b%b%b\r\n" % (
        16 + len(headers) + len(payload), prelude, headers, bytes(payload), struct.pack(">I", crc))


class Connection:
    def __init__(self, upstream, sock):
        self.upstream, self.socket = upstream, sock
        self.input, self.output = b"", bytearray()
        self.is_open, self.is_idle, self.waits = True, True, False

    def readable(self):
        try:
            data = self.socket.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        self.input += data
        end = self.input.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self.input[:end].lower()
        start = head.index(b"content-length:") + 15
        length = int(head[start : head.find(b"\r\n", start) if b"\r\n" in head[start:] else None])
        if len(self.input) < end + 4 + length:
            return
        event = json.loads(self.input[end + 4 : end + 4 + length])
        self.input = self.input[end + 4 + length :]
        query = dict(pair.split("=") for pair in event["rawQueryString"].split("&"))
        self.begin(*(int(query[name]) for name in ("seed", "bytes", "pieces", "milliseconds", "cut")))

    def begin(self, seed, total, pieces, milliseconds, cut):
        self.is_idle = False
        self.seed, self.total, self.cut, self.sent = seed, total, cut, 0
        self.size = max(1, -(-total // pieces))
        self.step = milliseconds / 1000 / pieces
        self.output += HEAD + message(PAYLOAD, PRELUDE)
        self.next()

    def next(self):
        if not self.is_open or self.is_idle:
            return
        count = min(self.size, self.total - self.sent, seeded.LENGTH)
        if self.cut and self.sent + count >= self.cut:
            self.flush()
            self.close()
            return
        self.output += message(PAYLOAD, seeded.piece(self.seed, self.sent, count))
        self.sent += count
        if self.sent == self.total:
            self.output += message(COMPLETE, b"{}") + b"0\r\n\r\n"
            self.is_idle = True
        self.flush()
        if self.is_open and not self.is_idle and not self.waits:
            self.upstream.later(self.step, self)

    def flush(self):
        try:
            while self.output:
                del self.output[: self.socket.send(self.output)]
        except BlockingIOError:
            pass
        except OSError:
            self.close()
            return
        if bool(self.output) != self.waits:
            self.waits = bool(self.output)
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self.waits else 0)
            self.upstream.selector.modify(self.socket, events, self)
            # The next piece was not planned while this one waited.
            if not self.waits and not self.is_idle:
                self.upstream.later(self.step, self)

    def close(self):
        if self.is_open:
            self.is_open = False
            self.upstream.selector.unregister(self.socket)
            self.upstream.connections.discard(self)
            self.socket.close()


class Upstream:
    def __init__(self, port):
        self.selector = selectors.DefaultSelector()
        self.connections, self.due, self.count = set(), [], 0
        self.listener = socket.create_server(("127.0.0.1", port), backlog=4096)
        self.listener.setblocking(False)
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.closes_idle = False
        signal.signal(signal.SIGUSR1, lambda *_: setattr(self, "closes_idle", True))

    def later(self, delay, connection):
        self.count += 1
        heapq.heappush(self.due, (time.monotonic() + delay, self.count, connection))

    def run(self):
        told = time.monotonic()
        while True:
            now = time.monotonic()
            if now >= told:
                told = now + 1
                print(len(self.connections), flush=True)
            wait = min(self.due[0][0] if self.due else now + 0.2, now + 0.2) - now
            for key, events in self.selector.select(max(0, wait)):
                if key.fileobj is self.listener:
                    self.accept()
                    continue
                if events & selectors.EVENT_WRITE and key.data.is_open:
                    key.data.flush()
                if events & selectors.EVENT_READ and key.data.is_open:
                    key.data.readable()
            now = time.monotonic()
            while self.due and self.due[0][0] <= now:
                heapq.heappop(self.due)[2].next()
            if self.closes_idle:
                self.closes_idle = False
                for connection in list(self.connections):
                    if connection.is_idle:
                        connection.close()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(self, sock)
            self.connections.add(connection)
            self.selector.register(sock, selectors.EVENT_READ, connection)


if __name__ == "__main__":
    Upstream(int(sys.argv[1])).run()
