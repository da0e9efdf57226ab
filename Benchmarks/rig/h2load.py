"""Loads over TLS, with HTTP/1.1 or HTTP/2: h2load speaks what the harness does not."""

import re
import subprocess

# A name, and not an address, as only names are asked for by SNI.
HOST = "bench.example.com"
PROTOCOLS = {"http/1.1": ["--h1"], "h2": []}


def make_certificate(folder):
    """One certificate for all proxies, of the kind whose handshake costs least."""
    key, certificate = f"{folder}/key.pem", f"{folder}/certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-days", "2", "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key


def command(port, protocol, connections, streams, path, *others):
    words = ["h2load", *PROTOCOLS[protocol], f"--connect-to=127.0.0.1:{port}", "-t", "1"]
    words += ["-c", str(connections), "-m", str(streams), "-H", "accept: */*", "-H", "accept-language: en"]
    return [*words, *others, f"https://{HOST}{path}"]


def check(words, done):
    """Whether all that was answered was answered well."""
    failed = re.search(r"(\d+) failed, (\d+) errored, (\d+) timeout", done)
    codes = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", done)
    if not failed or not codes or any(int(count) for count in (*failed.groups(), *codes.groups()[1:])):
        raise SystemExit(f"{' '.join(words)}: {done}")


def body_bytes(done):
    """How many bytes of bodies came, all streams together."""
    return int(re.search(r"\((\d+)\) data", done)[1])
