"""The proxies under measurement: how each is started, accounted for, weighed and ended."""

import glob
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

RIG = pathlib.Path(__file__).resolve().parent
ROOT = RIG.parent.parent
RELEASE = ROOT / ".build" / "release"


def wait_for_port(port, process, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise SystemExit(f"{' '.join(process.args)} ended with {process.returncode} before it listened")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.001)
    raise SystemExit(f"nothing listens on port {port}")


def pinned(cpus, command):
    return ["taskset", "-c", cpus, *command]


class Proxy:
    """One running proxy. `wrapper` is put in front of its command (callgrind)."""

    def __init__(self, port, tls_port, certificate, upstream_port, cpus, wrapper=()):
        self.port = port
        self.tls_port = tls_port
        self.folder = tempfile.mkdtemp(prefix="sluice-bench-")
        configuration = (RIG / self.template).read_text()
        names = {"FOLDER": self.folder, "UPSTREAM_PORT": upstream_port, "PROXY_PORT": port, "TLS_PORT": tls_port}
        names["CERTIFICATE"], names["PRIVATE_KEY"] = certificate
        for name, value in names.items():
            configuration = configuration.replace(name, str(value))
        path = pathlib.Path(self.folder) / self.template
        path.write_text(configuration)
        environment = {
            **os.environ,
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            "SWIFT_DETERMINISTIC_HASHING": "1",
        }
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            pinned(cpus, [*wrapper, *self.command(path, bool(wrapper))]),
            env=environment,
            stdout=open(f"{self.folder}/stdout", "w"),
            stderr=open(f"{self.folder}/stderr", "w"),
        )
        try:
            wait_for_port(port, self.process)
        except SystemExit:
            print(pathlib.Path(f"{self.folder}/stderr").read_text())
            raise

    def accounts(self):
        return ",".join(glob.glob(f"/proc/{self.process.pid}/task/*/schedstat"))

    def cpu_seconds(self):
        """What the scheduler has given to its threads so far."""
        return sum(int(pathlib.Path(path).read_text().split()[0]) for path in self.accounts().split(",")) / 1e9

    def memory(self):
        """Memory of its own in bytes, that of files aside: how much of a library counts hangs on who else has it."""
        for line in open(f"/proc/{self.process.pid}/smaps_rollup"):
            if line.startswith("Pss_Anon:"):
                return int(line.split()[1]) * 1024
        raise SystemExit("no Pss_Anon in smaps_rollup: Linux 5.9 or later is needed")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise SystemExit(f"{self.name} did not end within 30 s of SIGTERM")
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)


class Nginx(Proxy):
    name = "nginx"
    framing = "raw"
    template = "nginx.conf"

    @staticmethod
    def binary():
        return shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin")

    def command(self, configuration, stripped):
        return [self.binary(), "-p", self.folder, "-c", str(configuration), "-e", f"{self.folder}/error.log"]


class Sluice(Proxy):
    name = "sluice"
    framing = "lambda"
    template = "sluice.yaml"

    @staticmethod
    def binary():
        path = RELEASE / "sluice"
        return str(path) if path.exists() else None

    def command(self, configuration, stripped):
        binary = self.binary()
        if stripped:
            # valgrind cannot read Swift's debug information.
            copy = f"{self.folder}/sluice"
            subprocess.run(["strip", "-g", "-o", copy, binary], check=True)
            binary = copy
        return [binary, "run", "--config", str(configuration)]


class Answering(Sluice):
    """An upstream that speaks HTTP/1.1 and HTTP/2 on one port, and answers by itself."""

    name = "answering"
    template = "answering.yaml"
