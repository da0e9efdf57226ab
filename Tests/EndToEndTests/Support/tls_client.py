"""Clients over TLS that curl and openssl are not: python tls_client.py SCENARIO PORT CA_FILE [ARGUMENTS]"""

import hashlib
import os
import socket
import ssl
import sys
import threading
import time

HOST = "127.0.0.1"


def context(ca_file, version=None):
    made = ssl.create_default_context(cafile=ca_file)
    if version:
        made.minimum_version = made.maximum_version = version
    return made


def connect(port, made, name="localhost", session=None, receive_buffer=None):
    raw = socket.socket()
    if receive_buffer:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    raw.settimeout(30)
    raw.connect((HOST, port))
    return made.wrap_socket(raw, server_hostname=name, session=session, suppress_ragged_eofs=False)


def request(path="/", close=False):
    end = "connection: close\r\n" if close else ""
    return f"GET {path} HTTP/1.1\r\nhost: localhost\r\n{end}\r\n".encode()


def read_answer(stream):
    """The body of an answer with a content-length."""
    return read_message(stream)[1]


def read_message(stream):
    """The head and the body of an answer with a content-length."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = stream.recv(65536)
        if not more:
            raise EOFError(f"the end after {data!r}")
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    while len(body) < length:
        more = stream.recv(65536)
        if not more:
            raise EOFError("the end in the middle of a body")
        body += more
    if not head.startswith(b"HTTP/1.1 200"):
        raise ValueError(head)
    return head, body


def resume(port, ca_file, count):
    """Resumes a session again and again, on connections that different loops take."""
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        made = context(ca_file, version)
        session = None
        resumed = []
        for _ in range(int(count)):
            stream = connect(port, made, session=session)
            stream.sendall(request())
            read_answer(stream)
            resumed.append(stream.session_reused)
            session = stream.session
            stream.close()
        print(version.name, "whole" if not resumed[0] else "?", sum(resumed[1:]), flush=True)


def slow_reader(port, ca_file, go_file):
    """Reads nothing until a file is there, then everything; prints how much it was and its digest."""
    stream = connect(port, context(ca_file), receive_buffer=16384)
    stream.sendall(request(close=True))
    while not os.path.exists(go_file):
        time.sleep(0.02)
    digest, size, body = hashlib.sha256(), 0, b""
    while True:
        more = stream.recv(65536)
        if not more:
            break
        body += more
    head, _, rest = body.partition(b"\r\n\r\n")
    assert b"transfer-encoding: chunked" in head.lower(), head
    ended = False
    while rest:
        line, _, rest = rest.partition(b"\r\n")
        count = int(line, 16)
        if count == 0:
            ended = True
            break
        digest.update(rest[:count])
        size += count
        rest = rest[count + 2 :]
    print(size, digest.hexdigest(), "whole" if ended else "cut", flush=True)


def raw_end(port, ca_file):
    """Reads an HTTP/1.0 answer to the connection's end, and tells how that came."""
    stream = connect(port, context(ca_file))
    stream.sendall(b"GET / HTTP/1.0\r\nhost: localhost\r\n\r\n")
    data = b""
    try:
        while True:
            more = stream.recv(65536)
            if not more:
                print("clean", data.partition(b"\r\n\r\n")[2].decode(), flush=True)
                return
            data += more
    except (ssl.SSLError, OSError) as error:
        print("error", type(error).__name__, data.partition(b"\r\n\r\n")[2].decode(), flush=True)


def slow_handshakes(port, ca_file, count):
    """Opens connections that never finish their handshakes, and measures normal requests meanwhile."""
    made = context(ca_file)
    idle = []
    for index in range(int(count)):
        raw = socket.create_connection((HOST, port))
        if index % 2:
            # The beginning of a hello.
            raw.sendall(b"\x16\x03\x01\x02\x00\x01")
        idle.append(raw)
    slowest = 0.0
    for _ in range(20):
        start = time.monotonic()
        stream = connect(port, made)
        stream.sendall(request())
        read_answer(stream)
        stream.close()
        slowest = max(slowest, time.monotonic() - start)
    print("answered", flush=True)
    closed = 0
    for raw in idle:
        raw.settimeout(20)
        try:
            while raw.recv(4096):
                pass
            closed += 1
        except ConnectionResetError:
            closed += 1
    print("closed", closed, flush=True)


def steady(port, ca_file, stop_file):
    """Requests without pause, on kept and on new connections, until a file is there; prints certificates and failures."""
    failures, serials, counts = [], [], [0]
    lock = threading.Lock()

    def run(keeps):
        made = context(ca_file)
        stream = None
        while not os.path.exists(stop_file):
            try:
                if stream is None:
                    stream = connect(port, made)
                    serial = stream.getpeercert()["subject"][0][0][1]
                    with lock:
                        if not serials or serials[-1] != serial:
                            serials.append(serial)
                            print("certificate", serial, flush=True)
                stream.sendall(request())
                head, _ = read_message(stream)
                with lock:
                    counts[0] += 1
                # Who is fast brings as many requests as a connection may.
                if not keeps or b"connection: close" in head.lower():
                    stream.close()
                    stream = None
            except Exception as error:  # whatever it is, it is told
                with lock:
                    failures.append(repr(error))
                stream = None

    threads = [threading.Thread(target=run, args=(index % 2 == 0,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("done", counts[0], len(failures), failures[:3], flush=True)


def garbage(port, ca_file):
    """Speaks TLS, and then garbage in the middle of it; tells how it ends."""
    stream = connect(port, context(ca_file))
    stream.sendall(request())
    read_answer(stream)
    raw = socket.socket(fileno=os.dup(stream.fileno()))
    raw.settimeout(10)
    raw.sendall(b"\x17\x03\x03\x00\x20" + os.urandom(32))
    try:
        stream.recv(1)
        print("clean", flush=True)
    except ssl.SSLError as error:
        print("alert", error.reason, flush=True)
    except OSError as error:
        print("closed", error, flush=True)


def idle_end(port, ca_file):
    """Waits on an idle connection for its end."""
    stream = connect(port, context(ca_file))
    stream.sendall(request())
    read_answer(stream)
    try:
        print("close_notify" if stream.recv(1) == b"" else "bytes", flush=True)
    except ssl.SSLError as error:
        print("truncated", error.reason, flush=True)


def proxied(port, ca_file, version):
    """A header of the PROXY protocol, then TLS."""
    raw = socket.create_connection((HOST, port))
    raw.settimeout(20)
    if version == "1":
        raw.sendall(b"PROXY TCP4 192.0.2.7 198.51.100.2 56324 8443\r\n")
    else:
        block = bytes([192, 0, 2, 7, 198, 51, 100, 2]) + (56324).to_bytes(2, "big") + (8443).to_bytes(2, "big")
        header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + len(block).to_bytes(2, "big") + block
        for index in range(len(header)):
            raw.sendall(header[index : index + 1])
    stream = context(ca_file).wrap_socket(raw, server_hostname="localhost")
    stream.sendall(request())
    print(read_answer(stream).decode(), flush=True)


SCENARIOS = {
    made.__name__: made
    for made in (resume, slow_reader, raw_end, slow_handshakes, steady, garbage, idle_end, proxied)
}

if __name__ == "__main__":
    SCENARIOS[sys.argv[1]](int(sys.argv[2]), sys.argv[3], *sys.argv[4:])
