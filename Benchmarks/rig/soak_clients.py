"""Clients for the soak: many streams at the same time over HTTP/1.1 and HTTP/2, plain and over TLS, each checked byte for byte.
Some leave in the middle, some stand still for a while, some close or reset whole connections.

    soak_clients.py PLAIN_PORT TLS_PORT --streams N --seconds T --seed S

Prints one JSON object: what became of the streams, and of those that went wrong what was seen.
"""

import argparse
import heapq
import json
import random
import selectors
import socket
import ssl
import struct
import time

import seeded

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
STREAMS_OF_ONE = 50


class Plan:
    """What one stream does, all of it from a random number."""

    def __init__(self, dice, is_first):
        self.seed = dice.randrange(seeded.LENGTH)
        # Mostly events now and then, sometimes much at once.
        is_bulk = dice.random() < 0.1
        self.bytes = dice.randrange(200_000, 900_000) if is_bulk else dice.randrange(1, 30_000)
        self.pieces = dice.randrange(1, 40)
        self.milliseconds = dice.randrange(0, 3000) if is_bulk else dice.randrange(2000, 30_000)
        # Until there are as many as there are to be, on a machine however slow.
        if is_first:
            self.milliseconds += 30_000
        self.kind = dice.choices(["whole", "leave", "stall", "cut"], [70, 12, 13, 5])[0]
        self.mark = dice.randrange(self.bytes)
        self.pause = dice.uniform(0.5, 6)
        self.cut = self.mark + 1 if self.kind == "cut" else 0

    @property
    def target(self):
        return (
            f"/s?seed={self.seed}&bytes={self.bytes}&pieces={self.pieces}"
            f"&milliseconds={self.milliseconds}&cut={self.cut}"
        )


class Stream:
    def __init__(self, load, plan, protocol):
        self.load, self.plan, self.protocol = load, plan, protocol
        self.received, self.has_stalled, self.is_over = 0, False, False
        load.open.add(self)

    def body(self, data):
        """Takes bytes. Answers what the client does now: go on, stall or leave."""
        count = len(data)
        if self.received + count > self.plan.bytes:
            self.end("more than there is")
            return "leave"
        if data != seeded.piece(self.plan.seed, self.received, count):
            self.end(f"other bytes behind {self.received}")
            return "leave"
        self.received += count
        self.load.bytes += count
        if self.plan.kind == "leave" and self.received > self.plan.mark:
            self.end("left")
            return "leave"
        if self.plan.kind == "stall" and self.received > self.plan.mark and not self.has_stalled:
            self.has_stalled = True
            return "stall"
        return "go on"

    def ended(self, is_clean):
        if self.is_over:
            return
        is_whole = is_clean and self.received == self.plan.bytes
        if self.plan.kind == "cut":
            self.end("cut" if not is_clean and self.received <= self.plan.cut else "a broken answer looks whole")
        else:
            self.end("whole" if is_whole else f"{'ended' if is_clean else 'broke off'} behind {self.received}")

    def end(self, result):
        if not self.is_over:
            self.is_over = True
            self.load.over(self, result)


class Connection:
    def __init__(self, load, tls, protocol):
        self.load = load
        self.socket = socket.create_connection(("127.0.0.1", load.tls_port if tls else load.plain_port), 30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = load.context(protocol).wrap_socket(
                self.socket, server_hostname="127.0.0.1", do_handshake_on_connect=False)
        self.socket.setblocking(False)
        self.is_tls, self.is_open, self.is_reading, self.is_up = tls, True, True, not tls
        self.input, self.output = bytearray(), bytearray()
        load.selector.register(self.socket, selectors.EVENT_READ, self)
        if tls:
            self.shake_hands()

    def shake_hands(self):
        try:
            self.socket.do_handshake()
        except ssl.SSLWantReadError:
            return
        except OSError as error:
            self.load.fault(f"TLS handshake: {error}")
            self.close()
            self.lost()
            return
        self.is_up = True
        self.flush()

    def ready(self, events):
        if not self.is_up:
            self.shake_hands()
            if not self.is_up:
                return
        if events & selectors.EVENT_WRITE:
            self.flush()
        if events & selectors.EVENT_READ and self.is_reading:
            self.readable()

    def readable(self):
        for _ in range(8):
            try:
                data = self.socket.recv(65536)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                break
            except OSError:
                data = b""
            if not data:
                self.close()
                self.lost()
                return
            self.input += data
            self.take()
            if not self.is_open or not self.is_reading:
                return
            if not self.is_tls and len(data) < 65536:
                break
        self.flush()

    def send(self, data):
        self.output += data

    def flush(self):
        if not self.is_open or not self.is_up:
            return
        try:
            while self.output:
                del self.output[: self.socket.send(self.output)]
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except OSError:
            self.close()
            self.lost()
            return
        self.watch()

    def watch(self):
        if self.is_open:
            events = (self.is_reading and selectors.EVENT_READ) | (selectors.EVENT_WRITE if self.output else 0)
            if events:
                self.load.watch(self, events)
            else:
                self.load.unwatch(self)

    def close(self, with_reset=False):
        if self.is_open:
            self.is_open = False
            self.load.unwatch(self)
            if with_reset:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.socket.close()


class HTTP1(Connection):
    """One stream after the other; here only a few, then a new connection."""

    def __init__(self, load, tls):
        self.stream, self.left, self.is_chunk, self.has_head = None, 0, False, False
        super().__init__(load, tls, "http/1.1")
        self.name = "HTTP/1.1 over TLS" if tls else "HTTP/1.1"

    def begin(self, plan):
        self.stream = Stream(self.load, plan, self.name)
        self.has_head, self.is_chunk, self.left = False, False, 0
        self.send(f"GET {plan.target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        self.flush()

    def lost(self):
        if self.stream:
            self.stream.ended(is_clean=False)
            self.stream = None

    def take(self):
        while self.stream and self.is_open and self.is_reading:
            if not self.has_head:
                end = self.input.find(b"\r\n\r\n")
                if end < 0:
                    return
                if not self.input.startswith(b"HTTP/1.1 200 "):
                    self.stream.end(bytes(self.input[:40]).decode(errors="replace"))
                    self.close()
                    return
                del self.input[: end + 4]
                self.has_head = True
            elif not self.is_chunk:
                end = self.input.find(b"\r\n")
                if end < 0:
                    return
                self.left = int(self.input[:end], 16)
                if self.left == 0:
                    if len(self.input) < end + 4:
                        return
                    del self.input[: end + 4]
                    stream, self.stream = self.stream, None
                    stream.ended(is_clean=True)
                    self.load.rest(self)
                    return
                del self.input[: end + 2]
                self.is_chunk = True
            elif self.left > 0:
                if not self.input:
                    return
                data = self.input[: self.left]
                del self.input[: len(data)]
                self.left -= len(data)
                self.do(self.stream.body(data))
            else:
                if len(self.input) < 2:
                    return
                del self.input[:2]
                self.is_chunk = False

    def do(self, what):
        if what == "leave":
            self.stream = None
            self.close(with_reset=self.load.dice.random() < 0.5)
        elif what == "stall":
            self.is_reading = False
            self.watch()
            self.load.later(self.stream.plan.pause, self.go_on)

    def go_on(self):
        if self.is_open:
            self.is_reading = True
            self.watch()
            self.take()
            if self.is_open and self.is_reading:
                self.readable()


def literal(text):
    data = text.encode()
    assert len(data) < 127
    return bytes([len(data)]) + data


class HTTP2(Connection):
    def __init__(self, load, tls):
        self.streams, self.next, self.begun = {}, 1, 0
        super().__init__(load, tls, "h2")
        self.name = "HTTP/2 over TLS" if tls else "HTTP/2"
        self.scheme = "https" if tls else "http"
        self.owed, self.owed_streams = 0, {}
        self.stalled = {}
        self.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + self.frame(SETTINGS, 0, 0))
        self.flush()

    @staticmethod
    def frame(kind, flags, stream, payload=b""):
        return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload

    def begin(self, plan):
        identifier, self.next = self.next, self.next + 2
        self.streams[identifier] = Stream(self.load, plan, self.name)
        fields = b"\x82" + (b"\x87" if self.scheme == "https" else b"\x86")
        fields += b"\x04" + literal(plan.target) + b"\x01" + literal("127.0.0.1")
        if self.load.dice.random() < 0.5:
            fields += b"\0" + literal("priority") + literal(f"u={self.load.dice.randrange(8)}")
        self.send(self.frame(HEADERS, 0x5, identifier, fields))
        self.flush()

    def lost(self):
        streams, self.streams = self.streams, {}
        for stream in streams.values():
            stream.ended(is_clean=False)

    def take(self):
        position = 0
        while self.is_open and len(self.input) >= position + 9:
            length = int.from_bytes(self.input[position : position + 3], "big")
            if len(self.input) < position + 9 + length:
                break
            kind, flags, identifier = struct.unpack(">BBI", self.input[position + 3 : position + 9])
            payload = self.input[position + 9 : position + 9 + length]
            position += 9 + length
            self.take_frame(kind, flags, identifier, payload)
        if self.is_open:
            del self.input[:position]
            self.give_back()

    def take_frame(self, kind, flags, identifier, payload):
        stream = self.streams.get(identifier)
        if kind == DATA:
            self.owed += len(payload)
            if stream and payload:
                self.do(identifier, stream.body(payload), len(payload))
            if stream and flags & 1 and self.streams.pop(identifier, None):
                stream.ended(is_clean=True)
        elif kind == HEADERS and stream:
            # `:status: 200` is entry 8 of the static table.
            if payload[0] != 0x88 or flags & 1:
                stream.end(f"no 200: {payload[:8].hex()}")
                del self.streams[identifier]
        elif kind == RST_STREAM and stream:
            del self.streams[identifier]
            code = int.from_bytes(payload, "big")
            stream.ended(is_clean=False) if code == 2 else stream.end(f"reset with {code} behind {stream.received}")
        elif kind == SETTINGS and not flags & 1:
            self.send(self.frame(SETTINGS, 1, 0))
        elif kind == PING and not flags & 1:
            self.send(self.frame(PING, 1, 0, bytes(payload)))
        elif kind == GOAWAY and int.from_bytes(payload[4:8], "big"):
            self.load.fault(f"{self.name}: GOAWAY {bytes(payload).hex()}")

    def do(self, identifier, what, count):
        if what == "leave":
            del self.streams[identifier]
            self.send(self.frame(RST_STREAM, 0, identifier, struct.pack(">I", 8)))
            self.owed_streams.pop(identifier, None)
        elif what == "stall":
            self.stalled[identifier] = count
            self.load.later(self.streams[identifier].plan.pause, lambda: self.go_on(identifier))
        elif identifier in self.stalled:
            self.stalled[identifier] += count
        else:
            self.owed_streams[identifier] = self.owed_streams.get(identifier, 0) + count

    def give_back(self):
        if self.owed:
            self.send(self.frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", self.owed)))
            self.owed = 0
        for identifier, count in self.owed_streams.items():
            if identifier in self.streams:
                self.send(self.frame(WINDOW_UPDATE, 0, identifier, struct.pack(">I", count)))
        self.owed_streams.clear()

    def go_on(self, identifier):
        count = self.stalled.pop(identifier, 0)
        if self.is_open and identifier in self.streams and count:
            self.send(self.frame(WINDOW_UPDATE, 0, identifier, struct.pack(">I", count)))
            self.flush()


class Load:
    def __init__(self, options):
        self.plain_port, self.tls_port, self.wanted = options.plain_port, options.tls_port, options.streams
        self.dice = random.Random(options.seed)
        self.selector = selectors.DefaultSelector()
        self.contexts, self.watched = {}, {}
        self.open, self.results, self.faults, self.due = set(), {}, [], []
        self.bytes = self.count = self.most = 0
        self.resting = {False: [], True: []}
        self.multiplexed = {False: [], True: []}
        self.seconds = options.seconds
        # Counts from when there are as many streams as there are to be.
        self.until = time.monotonic() + options.seconds + options.ramp
        self.is_ramping = True

    def context(self, protocol):
        if protocol not in self.contexts:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.set_alpn_protocols([protocol])
            self.contexts[protocol] = context
        return self.contexts[protocol]

    def watch(self, connection, events):
        known = self.watched.get(connection, selectors.EVENT_READ)
        if known == 0:
            self.selector.register(connection.socket, events, connection)
        elif known != events:
            self.selector.modify(connection.socket, events, connection)
        self.watched[connection] = events

    def unwatch(self, connection):
        if self.watched.get(connection, selectors.EVENT_READ):
            self.selector.unregister(connection.socket)
        if connection.is_open:
            self.watched[connection] = 0
        else:
            self.watched.pop(connection, None)

    def later(self, delay, work):
        self.count += 1
        heapq.heappush(self.due, (time.monotonic() + delay, self.count, work))

    def over(self, stream, result):
        self.open.discard(stream)
        name = f"{stream.protocol}: {result if result in ('whole', 'left', 'cut', 'dropped') else 'wrong'}"
        self.results[name] = self.results.get(name, 0) + 1
        if name.endswith("wrong"):
            self.fault(f"{stream.protocol}, {stream.plan.kind}, {stream.plan.target}: {result}")

    def fault(self, text):
        self.faults.append(text)

    def rest(self, connection):
        if self.dice.random() < 0.5:
            self.resting[connection.is_tls].append(connection)
        else:
            connection.close()

    def open_one(self):
        plan, tls = Plan(self.dice, self.is_ramping), self.dice.random() < 0.5
        if self.dice.random() < 0.5:
            resting = self.resting[tls]
            while resting and not resting[-1].is_open:
                resting.pop()
            (resting.pop() if resting else HTTP1(self, tls)).begin(plan)
            return
        several = self.multiplexed[tls] = [other for other in self.multiplexed[tls] if other.is_open]
        free = [other for other in several if len(other.streams) < STREAMS_OF_ONE and other.begun < 2000]
        if free:
            connection = self.dice.choice(free)
        else:
            connection = HTTP2(self, tls)
            several.append(connection)
        connection.begun += 1
        connection.begin(plan)

    def drop_one(self):
        """A client with many streams goes away with all of them."""
        several = [other for others in self.multiplexed.values() for other in others if other.is_open]
        if several:
            connection = self.dice.choice(several)
            streams, connection.streams = connection.streams, {}
            for stream in streams.values():
                stream.end("dropped")
            connection.close(with_reset=self.dice.random() < 0.5)

    def run(self):
        next_drop = time.monotonic() + 3
        while True:
            now = time.monotonic()
            if now >= self.until and not self.open:
                break
            if now >= self.until + 120:
                for stream in list(self.open):
                    stream.end(f"it hangs behind {stream.received}")
                break
            if now < self.until:
                # A few at a time, so that those that run are read.
                for _ in range(min(40, self.wanted - len(self.open))):
                    self.open_one()
                self.most = max(self.most, len(self.open))
                if self.is_ramping and len(self.open) >= self.wanted:
                    self.is_ramping, self.until = False, now + self.seconds
                if now >= next_drop and not self.is_ramping:
                    next_drop = now + 3
                    self.drop_one()
            wait = min(self.due[0][0] if self.due else now + 0.05, now + 0.05) - now
            for key, events in self.selector.select(max(0, wait)):
                if key.data.is_open:
                    key.data.ready(events)
            now = time.monotonic()
            while self.due and self.due[0][0] <= now:
                heapq.heappop(self.due)[2]()
        for key in list(self.selector.get_map().values()):
            key.data.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plain_port", type=int)
    parser.add_argument("tls_port", type=int)
    parser.add_argument("--streams", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--ramp", type=float, default=180, help="seconds that it may take until all are open")
    parser.add_argument("--seed", type=int, default=1)
    load = Load(parser.parse_args())
    load.run()
    print(json.dumps({"most": load.most, "bytes": load.bytes, "results": load.results, "faults": load.faults[:20], "wrong": len(load.faults)}))


if __name__ == "__main__":
    main()
