"""A stand-in for the Lambda API, written without a line of Sluice: its own HTTP, its own event stream, its own SigV4.

Each function plays a script that the test has handed over, one list of steps for each call (the last one is repeated).
What came in is recorded byte by byte. Tests talk to it over a second port, one JSON document a line:

    {"do": "script", "function": F, "calls": [[STEP, ...], ...]}    {"do": "release", "function": F, "count": N}
    {"do": "wait", "function": F, "for": "calls"|"ended"|"gated"|"blocked", "count": N, "timeout": S}
    {"do": "calls", "function": F}    {"do": "close_idle", "function": F}
    {"do": "silent"}    a port where connecting gets no answer
    {"do": "late"}, {"do": "listen", "port": P}    a port where connecting is refused, until it is told to listen
    {"do": "tls", "certificate": FILE, "key": FILE, "alpn": [NAME, ...], "streams": N}    a port with TLS
    {"do": "http2", "streams": N}    a port without, where HTTP/2 is spoken from the first byte on

HTTP/2 is python-h2's (fake_http2.py): at most N streams at a time; each plays its script as a connection would.

Requests to /F/... that are none of the Lambda API's are taken as those of a plain HTTP server; they need no signature.

A step is a list, its name first:

    ["answer", status, {headers}, "body"]   a whole HTTP answer (no stream)
    ["plain", status, {headers}]            the head of an HTTP answer of chunks, which "raw" sends
    ["head"]                                the head of a stream; comes by itself before the first of those below
    ["payload", base64]                     a PayloadChunk message
    ["cut", base64, N]                      such a message up to byte N of its payload (before it where N is negative);
    ["rest"]                                what a cut has left over
    ["message", {headers}, base64]          any message of the event type
    ["damaged", "message"|"prelude", base64]  a PayloadChunk with a wrong checksum
    ["raw", base64]                         bytes in place of a message
    ["complete", {..}]                      InvokeComplete
    ["end"]                                 the last chunk of the HTTP body
    ["bulk", count, seed, piece]            so many pseudo-random bytes in PayloadChunks of `piece` bytes
    ["gate"]                                wait for a release
    ["pause", seconds]
    ["forever"]                             wait until the caller has gone
    ["close"]  ["reset"]                    end the connection, in order or not; with HTTP/2 "reset" resets the stream
    ["refuse"]                              with HTTP/2: RST_STREAM with REFUSED_STREAM
    ["require_http1"]                       with HTTP/2: RST_STREAM with HTTP_1_1_REQUIRED; with HTTP/1.1: nothing
    ["goaway", stays]                       with HTTP/2: GOAWAY, whose last stream is this one or the one before
"""

import base64
import email.utils
import hashlib
import hmac
import json
import os
import select
import socket
import ssl
import struct
import sys
import threading
import time
import urllib.parse
import zlib

ACCESS_KEY = os.environ.get("FAKE_ACCESS_KEY", "AKIDEXAMPLE")
SECRET_KEY = os.environ.get("FAKE_SECRET_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
STREAMING_PATH = "/2021-11-15/functions/"
BUFFERED_PATH = "/2015-03-31/functions/"
STREAM_TYPE = "application/vnd.amazon.eventstream"

# By how much the clock of this API is ahead of the machine's.
clock_offset = float(os.environ.get("FAKE_CLOCK_OFFSET", "0"))

lock = threading.Condition()
functions = {}


class Function:
    def __init__(self, calls):
        self.scripts = calls
        self.calls = []
        self.released = 0
        self.gated = 0
        self.idle = []


class Gone(Exception):
    """The caller has closed the connection."""


# The event stream.


def event_header(name, value):
    name, value = name.encode(), value.encode()
    return struct.pack(">B", len(name)) + name + struct.pack(">BH", 7, len(value)) + value


def message(headers, payload, damage=None):
    block = b"".join(event_header(name, value) for name, value in headers.items())
    prelude = struct.pack(">II", 16 + len(block) + len(payload), len(block))
    checksum = zlib.crc32(prelude) ^ (1 if damage == "prelude" else 0)
    text = prelude + struct.pack(">I", checksum) + block + payload
    checksum = zlib.crc32(text) ^ (1 if damage == "message" else 0)
    return text + struct.pack(">I", checksum)


def payload_chunk(payload, damage=None):
    return message(
        {
            ":event-type": "PayloadChunk",
            ":content-type": "application/octet-stream",
            ":message-type": "event",
        },
        payload,
        damage,
    )


def invoke_complete(document):
    return message(
        {":event-type": "InvokeComplete", ":content-type": "application/json", ":message-type": "event"},
        json.dumps(document).encode(),
    )


def bulk(count, seed):
    """`count` bytes that are the same each time, made quickly: a hash chain by counter."""
    block = hashlib.shake_128(f"sluice {seed}".encode()).digest(1 << 16)
    whole, rest = divmod(count, len(block))
    return block, whole, rest


# SigV4, as the specification has it.


def secret_of(key):
    """Keys that a fake of the other services has lent carry what is needed to check them: their end is in their id."""
    return SECRET_KEY if key == ACCESS_KEY else f"secret-of-{key}" if key.startswith("ASIA") else None


def lent_key_fault(key, token):
    if not key.startswith("ASIA"):
        return None
    if token != f"token-of-{key}":
        return "UnrecognizedClientException"
    _, _, end = key.partition("E")
    return "ExpiredTokenException" if end.isdigit() and time.time() > int(end) else None


def signature_fault(method, target, headers, body, expected_service="lambda", now=None):
    fields = {}
    for name, value in headers:
        fields.setdefault(name.lower(), []).append(" ".join(value.split()))
    authorization = fields.get("authorization", [""])[0]
    if not authorization.startswith("AWS4-HMAC-SHA256 "):
        return "no signature"
    parts = dict(part.strip().split("=", 1) for part in authorization.split(" ", 1)[1].split(","))
    key, date, region, service, terminator = parts["Credential"].split("/")
    secret = secret_of(key)
    if not secret or service != expected_service or terminator != "aws4_request":
        return f"signed with {parts['Credential']}"
    lent = lent_key_fault(key, fields.get("x-amz-security-token", [""])[0])
    if lent:
        return lent
    moment = fields.get("x-amz-date", [""])[0]
    if not moment.startswith(date):
        return f"dates {moment} and {date}"
    age = (now or time.time() + clock_offset) - calendar_seconds(moment)
    if abs(age) > 300:
        return f"signed {age} s ago"
    signed = parts["SignedHeaders"].split(";")
    if signed != sorted(signed) or "host" not in signed or "x-amz-date" not in signed:
        return f"signed headers {signed}"
    missing = [n for n in fields if (n.startswith("x-amz-") or n == "content-type") and n not in signed]
    if missing:
        return f"unsigned {missing}"
    path, _, query = target.partition("?")
    pairs = sorted(
        (urllib.parse.quote(urllib.parse.unquote(n), safe="-_.~"), urllib.parse.quote(urllib.parse.unquote(v), safe="-_.~"))
        for n, _, v in (pair.partition("=") for pair in query.split("&") if pair)
    )
    canonical = "\n".join(
        [
            method,
            urllib.parse.quote(path, safe="/-_.~"),
            "&".join(f"{n}={v}" for n, v in pairs),
            *[f"{name}:{','.join(fields[name])}" for name in signed],
            "",
            ";".join(signed),
            hashlib.sha256(body).hexdigest(),
        ]
    )
    to_sign = "\n".join(
        ["AWS4-HMAC-SHA256", moment, f"{date}/{region}/{service}/aws4_request", hashlib.sha256(canonical.encode()).hexdigest()]
    )
    signing_key = ("AWS4" + secret).encode()
    for part in (date, region, service, "aws4_request"):
        signing_key = hmac.new(signing_key, part.encode(), hashlib.sha256).digest()
    expected = hmac.new(signing_key, to_sign.encode(), hashlib.sha256).hexdigest()
    return None if hmac.compare_digest(expected, parts["Signature"]) else "signature does not match"


def calendar_seconds(moment):
    import calendar

    return calendar.timegm(time.strptime(moment, "%Y%m%dT%H%M%SZ"))


# The wire.


def is_ready(sock, events, seconds):
    """Whether one of the events comes in time. Not by select(), which knows no descriptors beyond 1023."""
    poll = select.poll()
    poll.register(sock, events)
    return bool(poll.poll(seconds * 1000))


class Connection:
    number = 0

    def __init__(self, sock):
        self.sock = sock
        self.buffer = b""
        self.has_head = False
        with lock:
            Connection.number += 1
            self.number = Connection.number

    def read_request(self):
        """The next request, or None at the end."""
        while b"\r\n\r\n" not in self.buffer:
            data = self.sock.recv(65536)
            if not data:
                return None
            self.buffer += data
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        method, target, version = lines[0].split(" ")
        headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:]]
        length = [int(value) for name, value in headers if name.lower() == "content-length"]
        body = bytearray(self.buffer)
        while length and len(body) < length[0]:
            data = self.sock.recv(1 << 20)
            if not data:
                return None
            body += data
        count = length[0] if length else 0
        self.buffer = bytes(body[count:])
        if any(name.lower() == "transfer-encoding" for name, _ in headers):
            return method, target, version, headers, self.read_chunks(), head.decode("latin-1")
        return method, target, version, headers, bytes(body[:count]), head.decode("latin-1")

    def read_chunks(self):
        body = b""
        while True:
            size = int(self.read_until(b"\r\n"), 16)
            while len(self.buffer) < size + 2:
                self.buffer += self.sock.recv(1 << 20) or self.fail()
            body += self.buffer[:size]
            assert self.buffer[size : size + 2] == b"\r\n"
            self.buffer = self.buffer[size + 2 :]
            if size == 0:
                return body

    def read_until(self, mark):
        while mark not in self.buffer:
            self.buffer += self.sock.recv(65536) or self.fail()
        line, _, self.buffer = self.buffer.partition(mark)
        return line

    def fail(self):
        raise ConnectionResetError()

    def wait(self, seconds):
        return is_ready(self.sock, select.POLLIN, seconds)

    def has_gone(self):
        if not is_ready(self.sock, select.POLLIN, 0):
            return False
        try:
            return not self.sock.recv(1, socket.MSG_PEEK)
        except OSError:
            return True

    def send(self, data, call):
        """Sends all of it, and counts what the caller's side took."""
        view = memoryview(data)
        self.sock.setblocking(False)
        try:
            while view:
                try:
                    count = self.sock.send(view)
                    view = view[count:]
                    call["written"] += count
                    continue
                except BlockingIOError:
                    pass
                with lock:
                    call["blocked"] += 1
                    lock.notify_all()
                if not is_ready(self.sock, select.POLLIN | select.POLLOUT, 30) or self.has_gone():
                    raise Gone()
        except (BrokenPipeError, ConnectionResetError):
            raise Gone()
        finally:
            self.sock.setblocking(True)

    def send_chunk(self, data, call):
        self.send(b"%x\r\n%s\r\n" % (len(data), data), call)

    def close(self, resets=False):
        if resets:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


def serve(sock):
    connection = Connection(sock)
    try:
        while True:
            request = connection.read_request()
            if request is None:
                break
            if not handle(connection, *request):
                return
    except (ConnectionResetError, OSError, ValueError):
        pass
    finally:
        connection.close()


def handle(connection, method, target, version, headers, body, head):
    """Answers one request. Says whether the connection is used again."""
    path = target.partition("?")[0]
    name = ""
    if path.startswith((STREAMING_PATH, BUFFERED_PATH)):
        name = urllib.parse.unquote(path[len(STREAMING_PATH) :].split("/")[0]).split(":")[-1]
    is_api = bool(name)
    if not is_api:
        name = path.split("/")[1]
    with lock:
        function = functions.get(name)
        if function is None:
            call = {"written": 0, "blocked": 0}
            script = [["answer", 404, {"x-amzn-errortype": "ResourceNotFoundException"}, '{"Message":"no such function"}']]
        else:
            call = {
                "number": len(function.calls) + 1,
                "connection": connection.number,
                "method": method,
                "target": target,
                "head": head,
                "headers": headers,
                "body": body.decode("utf-8", "replace"),
                "signature": signature_fault(method, target, headers, body),
                "at": time.monotonic(),
                "written": 0,
                "blocked": 0,
                "end": None,
            }
            function.calls.append(call)
            script = function.scripts[min(len(function.calls), len(function.scripts)) - 1]
            # Function URLs look at the signature too, where there is one.
            is_signed = any(
                name.lower() == "authorization" and value.startswith("AWS4-") for name, value in headers
            )
            if call["signature"] and (is_api or is_signed):
                kind = call["signature"] if call["signature"].endswith("Exception") else "InvalidSignatureException"
                fields = {"x-amzn-errortype": kind, "content-type": "application/json"}
                script = [["answer", 403, fields, json.dumps({"message": call["signature"]})]]
            lock.notify_all()
    end, keeps = "finished", True
    try:
        keeps = play(connection, function, call, script)
    except Gone:
        end, keeps = "gone", False
    except OSError as error:
        end, keeps = f"error {error}", False
    with lock:
        call["end"] = end
        call["ended_at"] = time.monotonic()
        if function is not None and keeps:
            function.idle.append(connection)
        lock.notify_all()
    return keeps


def play(connection, function, call, script):
    has_head = False
    rest = b""
    for step in script:
        kind, arguments = step[0], step[1:]
        if kind in ("payload", "cut", "rest", "message", "damaged", "raw", "complete", "bulk", "head") and not has_head:
            has_head = True
            connection.send(
                (
                    "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nX-Amz-Executed-Version: $LATEST\r\n"
                    "x-amzn-RequestId: 11111111-2222-3333-4444-555555555555\r\nTransfer-Encoding: chunked\r\n\r\n" % STREAM_TYPE
                ).encode(),
                call,
            )
        if kind == "answer":
            status, fields, text = arguments
            lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
            data = text.encode()
            date = email.utils.formatdate(time.time() + clock_offset, usegmt=True)
            whole = f"HTTP/1.1 {status} X\r\nDate: {date}\r\n{lines}Content-Length: {len(data)}\r\n\r\n".encode()
            connection.send(whole if call.get("method") == "HEAD" else whole + data, call)
        elif kind == "plain":
            status, fields = arguments
            has_head = True
            lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
            if "Content-Length" not in fields:
                lines += "Transfer-Encoding: chunked\r\n"
            connection.send(f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode(), call)
        elif kind == "head":
            pass
        elif kind == "payload":
            connection.send_chunk(payload_chunk(base64.b64decode(arguments[0])), call)
        elif kind == "cut":
            payload = base64.b64decode(arguments[0])
            whole = payload_chunk(payload)
            position = len(whole) - 4 - len(payload) + arguments[1]
            connection.send_chunk(whole[:position], call)
            rest = whole[position:]
        elif kind == "rest":
            connection.send_chunk(rest, call)
        elif kind == "message":
            connection.send_chunk(message(arguments[0], base64.b64decode(arguments[1])), call)
        elif kind == "damaged":
            connection.send_chunk(payload_chunk(base64.b64decode(arguments[1]), damage=arguments[0]), call)
        elif kind == "raw":
            connection.send_chunk(base64.b64decode(arguments[0]), call)
        elif kind == "complete":
            connection.send_chunk(invoke_complete(arguments[0]), call)
        elif kind == "end":
            connection.send(b"0\r\n\r\n", call)
        elif kind == "bulk":
            send_bulk(connection, call, *arguments)
        elif kind == "gate":
            wait_at_gate(connection, function)
        elif kind == "pause":
            time.sleep(arguments[0])
        elif kind == "forever":
            wait_for_leaving(connection)
        elif kind == "close":
            return False
        elif kind == "reset":
            connection.close(resets=True)
            return False
        elif kind == "refuse":
            connection.refuse()
            return False
        elif kind == "require_http1":
            if hasattr(connection, "require_http1"):
                connection.require_http1()
                return False
        elif kind == "goaway":
            connection.go_away(*arguments)
        else:
            raise ValueError(f"no step {kind}")
    return True


def send_bulk(connection, call, count, seed, piece):
    block, whole, rest = bulk(count, seed)
    block = memoryview(block)
    digest = hashlib.sha256()
    sent = 0
    cache = {}
    while sent < count:
        start = sent % len(block)
        size = min(piece, count - sent, len(block) - start)
        part = cache.get((start, size))
        if part is None:
            part = payload_chunk(bytes(block[start : start + size]))
            part = b"%x\r\n%s\r\n" % (len(part), part)
            if len(cache) < 4096:
                cache[(start, size)] = part
        digest.update(block[start : start + size])
        connection.send(part, call)
        sent += size
        call["payload"] = sent
    call["sha256"] = digest.hexdigest()


def wait_at_gate(connection, function):
    with lock:
        function.gated += 1
        turn = function.gated
        lock.notify_all()
        while function.released < turn:
            lock.wait(0.02)
            if connection.has_gone():
                raise Gone()


def wait_for_leaving(connection):
    while True:
        if connection.wait(60) and connection.has_gone():
            raise Gone()


# The tests' side.


def control(sock):
    stream = sock.makefile("rwb")
    for line in stream:
        try:
            answer = perform(json.loads(line))
        except Exception as error:  # told to the test, which fails with it
            answer = {"error": repr(error)}
        stream.write(json.dumps(answer).encode() + b"\n")
        stream.flush()


def perform(request):
    kind = request["do"]
    if kind == "silent":
        return {"port": silent_port()}
    if kind == "late":
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        late[listener.getsockname()[1]] = listener
        return {"port": listener.getsockname()[1]}
    if kind == "tls":
        return {"port": tls_port(request["certificate"], request["key"], request.get("alpn", []), request.get("streams"))}
    if kind == "http2":
        return {"port": port_of(lambda sock: serve_http2(sock, request.get("streams")))}
    if kind == "listen":
        late[request["port"]].listen(1024)
        threading.Thread(target=accept_forever, args=(late[request["port"]], serve), daemon=True).start()
        return {}
    with lock:
        if kind == "script":
            functions[request["function"]] = Function(request["calls"])
            return {}
        function = functions[request["function"]]
        if kind == "release":
            function.released += request["count"]
            lock.notify_all()
            return {}
        if kind == "calls":
            return {"calls": function.calls}
        if kind == "close_idle":
            for connection in function.idle:
                connection.sock.shutdown(socket.SHUT_RDWR)
            count, function.idle = len(function.idle), []
            return {"count": count}
        if kind == "wait":
            until = time.monotonic() + request["timeout"]
            while not is_reached(function, request):
                left = until - time.monotonic()
                if left <= 0:
                    return {"reached": False, "calls": function.calls}
                lock.wait(left)
            return {"reached": True, "calls": function.calls}
    raise ValueError(f"cannot do {kind}")


def is_reached(function, request):
    wanted = request["count"]
    if request["for"] == "calls":
        return len(function.calls) >= wanted
    if request["for"] == "ended":
        return sum(1 for call in function.calls if call["end"]) >= wanted
    if request["for"] == "gated":
        return function.gated >= wanted
    return sum(call["blocked"] for call in function.calls) >= wanted


silent = []
late = {}


def silent_port():
    """A port that takes no connection: its queue is full, so that connecting gets no answer."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    silent.append(listener)
    for _ in range(4):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
        silent.append(filler)
    return listener.getsockname()[1]


def serve_http2(sock, streams):
    # Only where it is needed: not every interpreter has python-h2.
    import fake_http2

    with lock:
        Connection.number += 1
        number = Connection.number
    fake_http2.Session(sock, number, streams, handle, Gone, lock).serve()


def tls_port(certificate, key, protocols, streams):
    """A port behind which the same API is reached over TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    if protocols:
        context.set_alpn_protocols(protocols)

    def serve_secured(sock):
        try:
            secured = context.wrap_socket(sock, server_side=True)
        except (ssl.SSLError, OSError):
            sock.close()
            return
        if secured.selected_alpn_protocol() == "h2":
            serve_http2(secured, streams)
        else:
            serve(secured)

    return port_of(serve_secured)


def port_of(target):
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(1024)
    threading.Thread(target=accept_forever, args=(listener, target), daemon=True).start()
    return listener.getsockname()[1]


def accept_forever(listener, target):
    while True:
        sock, _ = listener.accept()
        if target is serve:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=target, args=(sock,), daemon=True).start()


def main():
    listeners = []
    for _ in range(2):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen(1024)
        listeners.append(listener)
    threading.stack_size(256 * 1024)
    threading.Thread(target=accept_forever, args=(listeners[0], serve), daemon=True).start()
    threading.Thread(target=accept_forever, args=(listeners[1], control), daemon=True).start()
    print(listeners[0].getsockname()[1], listeners[1].getsockname()[1], flush=True)
    # Ends with the tests, which hold the other end.
    sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
