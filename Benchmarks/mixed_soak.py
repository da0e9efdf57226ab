#!/usr/bin/env python3
"""Holds 2,000 streams at the same time over HTTP/1.1 and HTTP/2, plain and over TLS, in front of a Lambda API whose every byte is
known, while clients leave, stand still and reset, and functions break off. Each answer is checked byte for byte; memory is
bounded and comes back to where it began, and so do the descriptors; the end by TERM is clean. Run by `make soak`; with
`SANITIZE=thread` or `SANITIZE=address` against a binary that was built so, whose first report ends the soak.
"""

import argparse
import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

from rig.proxies import RELEASE, RIG, ROOT, wait_for_port

CONFIGURATION = """\
aws: {{ region: us-east-1, endpoint: "http://127.0.0.1:{upstream}" }}
workers: 2
drain_timeout: 20s
listeners:
  - {{ address: "127.0.0.1:{plain}" }}
  - {{ address: "127.0.0.1:{tls}", tls: {{ certificates: [{{ certificate: certificate.pem, key: key.pem }}] }} }}
# Nothing here is to depend on how fast the machine is.
limits: {{ tls_handshake: 5m, request_head: 5m, client_stall: 10m }}
functions: {{ soak: {{ function: soak, retries: 0, timeouts: {{ connect: 5m, first_byte: 10m, idle: 15m }} }} }}
routes: [{{ path: /*, function: soak }}]
access_log: none
"""


class Weight(threading.Thread):
    """Looks at the memory of a process all the time."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.process, self.most = process, 0

    def now(self):
        for line in open(f"/proc/{self.process.pid}/status"):
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        return 0

    def run(self):
        while self.process.poll() is None:
            try:
                self.most = max(self.most, self.now())
            except OSError:
                return
            time.sleep(0.25)


class Soak:
    def __init__(self, options):
        self.options = options
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-soak-"))
        self.plain, self.tls, self.upstream_port = options.port, options.port + 1, options.port + 2
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9",
             "-subj", "/CN=soak", "-addext", "subjectAltName=IP:127.0.0.1", "-out", self.folder / "certificate.pem",
             "-keyout", self.folder / "key.pem"],
            check=True, stderr=subprocess.DEVNULL)
        names = {"plain": self.plain, "tls": self.tls, "upstream": self.upstream_port}
        (self.folder / "sluice.yaml").write_text(CONFIGURATION.format(**names))
        self.upstream = subprocess.Popen(
            [sys.executable, RIG / "soak_upstream.py", str(self.upstream_port)], stdout=subprocess.PIPE, text=True)
        self.upstream_connections = 0
        threading.Thread(target=self.listen, daemon=True).start()
        environment = {
            **os.environ, "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret",
            "TSAN_OPTIONS": f"halt_on_error=1 suppressions={ROOT}/Tests/thread-sanitizer.suppressions",
            "ASAN_OPTIONS": "detect_leaks=0 quarantine_size_mb=16", "SWIFT_BACKTRACE": "enable=no",
        }
        self.log = open(self.folder / "stderr", "w")
        self.sluice = subprocess.Popen(
            [options.binary, "run", "--config", self.folder / "sluice.yaml"], env=environment, stdout=subprocess.DEVNULL,
            stderr=self.log)
        wait_for_port(self.plain, self.sluice)
        self.await_answer()
        self.weight = Weight(self.sluice)
        self.weight.start()

    def await_answer(self):
        """The port is open before all loops are there; who is answered finds everything begun."""
        connection = http.client.HTTPConnection("127.0.0.1", self.plain, timeout=30)
        connection.request("OPTIONS", "*")
        connection.getresponse().read()
        connection.close()

    def listen(self):
        for line in self.upstream.stdout:
            self.upstream_connections = int(line)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.sluice.pid}/fd"))

    def fail(self, text):
        print((self.folder / "stderr").read_text()[-20_000:], file=sys.stderr)
        raise SystemExit(text)

    def play(self, seconds, seed):
        """A round. Answers what is left once everybody has gone: memory and descriptors."""
        output = subprocess.run(
            [sys.executable, RIG / "soak_clients.py", str(self.plain), str(self.tls), "--streams",
             str(self.options.streams), "--seconds", str(seconds), "--seed", str(seed)],
            stdout=subprocess.PIPE, text=True).stdout
        if self.sluice.poll() is not None:
            self.fail(f"Sluice ended with {self.sluice.returncode}")
        result = json.loads(output or '{"wrong": 1, "faults": ["the clients broke off"]}')
        if seed and result["most"] < self.options.streams:
            self.fail(f"no more than {result['most']} streams could be held open")
        if result["wrong"]:
            self.fail(f"{result['wrong']} streams went wrong:\n" + "\n".join(result["faults"]))
        self.settle()
        left = self.weight.now(), self.descriptors()
        print(
            f"{result['most']} streams at once, {result['bytes'] / 1e6:.0f} MB, {json.dumps(result['results'])}; "
            f"{left[0] / 1048576:.1f} MiB and {left[1]} descriptors left, {self.weight.most / 1048576:.1f} MiB at most",
            flush=True)
        return left

    def settle(self):
        """Has the upstream close what is idle, so that no pool holds a descriptor."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            self.upstream.send_signal(signal.SIGUSR1)
            time.sleep(1.2)
            if self.upstream_connections == 0 and self.descriptors() <= self.begun:
                break

    def run(self):
        self.begun = self.descriptors()
        # What is made once is made now.
        weight, _ = self.play(min(15, self.options.seconds), 0)
        end = time.monotonic() + self.options.seconds - 15
        left, seed = (weight, self.begun), 0
        while time.monotonic() < end or seed == 0:
            seed += 1
            left = self.play(max(10, min(self.options.round, end - time.monotonic())), seed)
            if left[1] > self.begun:
                self.fail(f"{left[1] - self.begun} descriptors were left open")
        slack = (64 << 20) if self.options.sanitize else (16 << 20)
        if left[0] > 1.25 * weight + slack:
            self.fail(f"memory grew from {weight >> 20} to {left[0] >> 20} MiB")
        # Each stream may hold a receive buffer; a sanitizer keeps its own account of every byte.
        bound = weight + (self.options.streams * 65_536 + (64 << 20)) * (8 if self.options.sanitize else 1)
        if self.weight.most > bound:
            self.fail(f"memory went up to {self.weight.most >> 20} MiB, beyond {bound >> 20} MiB")
        self.sluice.send_signal(signal.SIGTERM)
        if self.sluice.wait(60) != 0:
            self.fail(f"Sluice ended with {self.sluice.returncode} after TERM")
        report = (self.folder / "stderr").read_text()
        if "Sanitizer" in report:
            self.fail("a sanitizer has reported")
        print("every byte was right, nothing was left open, memory came back")

    def close(self):
        for process in (self.sluice, self.upstream):
            if process.poll() is None:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--round", type=int, default=60, help="seconds of a round")
    parser.add_argument("--streams", type=int, default=2000)
    parser.add_argument("--port", type=int, default=18500, help="of this and the next two")
    parser.add_argument("--binary", default=str(RELEASE / "sluice"))
    parser.add_argument("--sanitize", choices=["thread", "address"], help="how the binary was built")
    soak = Soak(parser.parse_args())
    try:
        soak.run()
    finally:
        soak.close()


if __name__ == "__main__":
    main()
