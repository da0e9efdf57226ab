"""Clients that ask without a pause, until standard input ends; then says what became of their requests, as JSON.

Each client asks one path in one manner:

    fresh:PATH    a connection for each request
    kept:PATH     many requests on one connection; one that the gateway closed before it answered anything is asked again
                  on another, as RFC 9112 section 9.3.1 has it, and counted as `again`
"""

import hashlib
import json
import socket
import sys
import threading
import time

address, clients = sys.argv[1], sys.argv[2:]
stopping = threading.Event()
lock = threading.Lock()
counts = {"answers": 0, "again": 0, "broken": 0, "faults": [], "digests": {}}


def connect():
    if address.startswith("unix:"):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(30)
        sock.connect(address[5:])
    else:
        host, _, port = address.rpartition(":")
        sock = socket.create_connection((host, int(port)), 30)
    return sock


class Closed(Exception):
    """The connection ended before anything of an answer came."""


def answer(sock):
    """Reads one answer: its status, its digest, and whether the connection is used again."""
    stream = sock.makefile("rb")
    try:
        line = stream.readline()
    except ConnectionResetError:
        raise Closed()
    if not line:
        raise Closed()
    status = int(line.split()[1])
    fields = {}
    while (line := stream.readline().strip()):
        name, _, value = line.partition(b":")
        fields[name.strip().lower()] = value.strip().lower()
    digest, size = hashlib.sha256(), 0

    def take(count):
        data = stream.read(count)
        if len(data) != count:
            raise ValueError(f"cut after {size + len(data)} bytes")
        return data

    if b"content-length" in fields:
        data = take(int(fields[b"content-length"]))
        digest.update(data)
    else:
        while True:
            line = stream.readline()
            if not line.endswith(b"\r\n"):
                raise ValueError(f"cut after {size} bytes")
            count = int(line, 16)
            if count == 0:
                if stream.readline() != b"\r\n":
                    raise ValueError("cut at the end")
                break
            digest.update(take(count))
            size += count
            take(2)
    return status, digest.hexdigest(), fields.get(b"connection") != b"close"


def ask(sock, path, closing):
    extra = "Connection: close\r\n" if closing else ""
    sock.sendall(f"GET {path} HTTP/1.1\r\nHost: example.com\r\n{extra}\r\n".encode())


def note(path, status, digest):
    with lock:
        counts["answers"] += 1
        if status != 200:
            counts["broken"] += 1
            counts["faults"].append(f"{path}: {status}")
        counts["digests"].setdefault(path, [])
        if digest not in counts["digests"][path]:
            counts["digests"][path].append(digest)


def fault(path, error):
    with lock:
        # Whatever it is, an answer had begun, unless connecting failed or nothing came at all.
        if not isinstance(error, (Closed, ConnectionRefusedError, ConnectionResetError, BrokenPipeError)):
            counts["broken"] += 1
        counts["faults"].append(f"{path}: {error!r}")
    time.sleep(0.001)


def fresh(path):
    while not stopping.is_set():
        try:
            with connect() as sock:
                ask(sock, path, True)
                status, digest, _ = answer(sock)
            note(path, status, digest)
        except Exception as error:  # told to the test
            fault(path, error)


def kept(path):
    sock = None
    while not stopping.is_set():
        was_used = sock is not None
        try:
            if sock is None:
                sock = connect()
            ask(sock, path, False)
            status, digest, is_kept = answer(sock)
            note(path, status, digest)
            if is_kept:
                continue
        except (Closed, BrokenPipeError, ConnectionResetError) as error:
            if was_used:
                with lock:
                    counts["again"] += 1
            else:
                fault(path, error)
        except Exception as error:  # told to the test
            fault(path, error)
        if sock is not None:
            sock.close()
        sock = None


threads = []
for client in clients:
    manner, _, path = client.partition(":")
    thread = threading.Thread(target={"fresh": fresh, "kept": kept}[manner], args=(path,))
    thread.start()
    threads.append(thread)
print("begun", flush=True)
sys.stdin.buffer.read()
stopping.set()
for thread in threads:
    thread.join()
counts["faultCount"] = len(counts["faults"])
counts["faults"] = [fault for fault in counts["faults"] if "Refused" not in fault][:10] or counts["faults"][:10]
print(json.dumps(counts), flush=True)
