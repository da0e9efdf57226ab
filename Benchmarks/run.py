#!/usr/bin/env python3
"""Measures Sluice, with the real Lambda protocol, beside nginx, relaying the same bytes raw. See Benchmarks/README.md.

The proxy has one CPU to itself; the upstream and the load share the others. Rounds alternate between the two proxies,
because absolute times drift: what counts is the ratio within a round, and the median of those.
"""

import argparse
import datetime
import fcntl
import json
import os
import pathlib
import platform
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

from rig import h2load
from rig.callgrind import Profile
from rig.proxies import RELEASE, ROOT, Answering, Nginx, Sluice, pinned, wait_for_port

BENCH = str(RELEASE / "sluice-bench")
HERE = pathlib.Path(__file__).resolve().parent
UPSTREAM_PORTS = {"lambda": 9100, "raw": 9101}
PROXY_PORTS = {"nginx": 8081, "sluice": 8082}
ANSWERING_PORT = 9102
TLS_PORTS = {"nginx": 8441, "sluice": 8442}
ALLOCATORS = ("malloc", "calloc", "realloc", "aligned_alloc", "memalign", "posix_memalign")
ISOLATED = "SLUICE_BENCH_ISOLATED"


def isolate():
    """Goes into a network namespace of its own: no port is taken, and the congestion control is the common one."""
    if os.environ.get(ISOLATED):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            siocsifflags, up_and_running = 0x8914, 0x41
            fcntl.ioctl(probe, siocsifflags, struct.pack("16sH14x", b"lo", up_and_running))
        # A namespace may choose only what its host lets everybody choose; `reno` is always among that.
        for name in ("cubic", "reno"):
            try:
                pathlib.Path("/proc/sys/net/ipv4/tcp_congestion_control").write_text(name)
                break
            except OSError:
                continue
        return
    flags = ["-n"] if os.getuid() == 0 else ["-r", "-n"]
    command = ["unshare", *flags, sys.executable, *sys.argv]
    if subprocess.run(["unshare", *flags, "true"], capture_output=True).returncode == 0:
        os.execvpe(command[0], command, {**os.environ, ISOLATED: "1"})
    print("No network namespace of one's own here; the host's settings apply.", file=sys.stderr)


def congestion_control():
    return pathlib.Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip()


class Rig:
    def __init__(self, options):
        self.options = options
        cpus = sorted(os.sched_getaffinity(0))
        if len(cpus) < 2:
            raise SystemExit("two CPUs are needed: one for the proxy, one for the load")
        self.proxy_cpus = str(cpus[0])
        self.load_cpus = ",".join(str(cpu) for cpu in cpus[1:])
        self.folder = tempfile.TemporaryDirectory(prefix="sluice-bench-")
        self.certificate = h2load.make_certificate(self.folder.name)
        self.upstreams = []
        for framing, port in UPSTREAM_PORTS.items():
            command = [BENCH, "upstream", "--port", str(port), "--framing", framing]
            self.upstreams.append(subprocess.Popen(pinned(self.load_cpus, command)))
            wait_for_port(port, self.upstreams[-1])
        self.answering = Answering(ANSWERING_PORT, 0, self.certificate, 0, self.load_cpus)

    def close(self):
        self.answering.stop()
        for upstream in self.upstreams:
            upstream.kill()
            upstream.wait()
        self.folder.cleanup()

    def start(self, kind, wrapper=()):
        ports = PROXY_PORTS[kind.name], TLS_PORTS[kind.name]
        return kind(*ports, self.certificate, UPSTREAM_PORTS[kind.framing], self.proxy_cpus, wrapper)

    def load(self, command, port, accounts="", **numbers):
        words = [BENCH, command, "--port", str(port), "--accounts", accounts]
        for name, value in numbers.items():
            words += [f"--{name}", str(value)]
        done = subprocess.run(pinned(self.load_cpus, words), capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(words)}: {done.stdout}{done.stderr}")
        result = json.loads(done.stdout)
        if result["failures"]:
            raise SystemExit(f"{' '.join(words)}: {int(result['failures'])} answers were not 200")
        return result


    def start_tls(self, *arguments):
        """Begins a load over TLS."""
        words = h2load.command(*arguments)
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen(pinned(self.load_cpus, words), **pipes)

    def finish_tls(self, load):
        """Waits for it, and gives what it printed."""
        done = load.communicate()[0]
        h2load.check(load.args[3:], done)
        return done


# Each measurement takes a running proxy and returns one number, and the smaller it is the better.


def request(rig, proxy):
    done = rig.load("requests", proxy.port, proxy.accounts(), connections=64, seconds=rig.options.seconds)
    return done["cpu_seconds"] / done["requests"] * 1e6


def chunk(streams, rate):
    def measure(rig, proxy):
        numbers = {"streams": streams, "rate": rate, "seconds": rig.options.seconds}
        done = rig.load("streams", proxy.port, proxy.accounts(), **numbers)
        if done["chunks"] < 0.98 * rate * done["seconds"]:
            print(f"  {proxy.name}: only {done['chunks'] / done['seconds']:.0f} of {rate} chunks/s", file=sys.stderr)
        return done["cpu_seconds"] / done["chunks"] * 1e6

    return measure


def request_over(protocol, connections, streams, path="/small"):
    """As `request`, over TLS. The handshakes of the few connections are in it, one in a thousand requests."""

    def measure(rig, proxy):
        def load(count):
            rig.finish_tls(
                rig.start_tls(proxy.tls_port, protocol, connections, streams, path, "-n", str(count)))

        load(1000)
        count = 10_000 * rig.options.seconds
        before = proxy.cpu_seconds()
        load(count)
        return (proxy.cpu_seconds() - before) / count * 1e6

    return measure


def forwarded(upstream):
    """A request that goes on as it is, so that the rows differ in what is spoken to the upstream alone."""
    return request_over("h2", 8, 8, f"/{upstream}")


def chunk_over(protocol, connections, streams, rate):
    """As `chunk`, over TLS, with as many streams on each of the connections."""

    def measure(rig, proxy):
        warm, seconds = 2, rig.options.seconds + 1
        arguments = [proxy.tls_port, protocol, connections, streams, f"/stream?rate={rate}"]
        load = rig.start_tls(*arguments, "-D", str(seconds), f"--warm-up-time={warm}")
        # Once the streams are open, and while the load counts.
        time.sleep(warm + 0.5)
        start, before = time.monotonic(), proxy.cpu_seconds()
        time.sleep(rig.options.seconds)
        used, passed = proxy.cpu_seconds() - before, time.monotonic() - start
        # h2load counts the bytes of all its time, and some of that goes into opening the streams.
        read = h2load.body_bytes(rig.finish_tls(load)) / 100 / (warm + seconds)
        if read < 0.95 * rate:
            print(f"  {proxy.name}: only {read:.0f} of {rate} chunks/s", file=sys.stderr)
        return used / (rate * passed) * 1e6

    return measure


def bulk(rig, proxy):
    done = rig.load("bulk", proxy.port, proxy.accounts(), streams=2, bytes=rig.options.bulk * 1_000_000_000)
    return done["cpu_seconds"] / done["bytes"] * 1e9


def delay(rig, proxy):
    numbers = {"streams": 100, "rate": 500, "seconds": rig.options.seconds}
    direct = rig.load("streams", UPSTREAM_PORTS["raw"], **numbers)
    through = rig.load("streams", proxy.port, **numbers)
    return through["age_us_p50"] - direct["age_us_p50"]


def held(rig, proxy):
    """In a proxy that has served little else, as memory once taken is seldom given back."""
    rig.load("requests", proxy.port, connections=1, requests=100)
    before = proxy.memory()
    streams = 2000
    words = [BENCH, "hold", "--port", str(proxy.port), "--streams", str(streams)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(pinned(rig.load_cpus, words), **pipes) as load:
        line = load.stdout.readline()
        if line != "ready\n":
            raise SystemExit(f"{proxy.name}: {line}")
        weight = proxy.memory() - before
        load.stdin.close()
    return weight / streams / 1024


def held_over(protocol, connections, streams):
    """As `held`, over TLS, with as many streams on each of the connections, which are opened one after the other."""

    def measure(rig, proxy):
        rig.finish_tls(rig.start_tls(proxy.tls_port, protocol, 1, 1, "/small", "-n", "100"))
        before, count, seconds = proxy.memory(), connections * streams, 5
        pace = ["-r", "1", f"--rate-period={1000 * seconds // connections}ms"]
        load = rig.start_tls(proxy.tls_port, protocol, connections, streams, "/idle", "-n", str(count), *pace)
        time.sleep(2 * seconds)
        weight = proxy.memory() - before
        load.kill()
        load.communicate()
        return weight / count / 1024

    return measure


def cold_start(rig, proxy):
    """From the start of the program to the end of its first answer, which comes from the upstream."""
    with socket.create_connection(("127.0.0.1", proxy.port)) as client:
        client.sendall(b"GET /small HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: client.recv(4096), b""))
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise SystemExit(f"{proxy.name}: {answer}")
    return (time.monotonic() - proxy.started) * 1000


MEASUREMENTS = [
    # name, what it is, goal for Sluice ÷ nginx, or the words of one in absolute terms, function, does it need a fresh proxy
    ("request", "CPU per small request, µs", 0.85, request, False),
    ("chunk_5k", "CPU per chunk, 500 streams, 5,000/s, µs", 0.95, chunk(500, 5000), False),
    ("chunk_25k", "CPU per chunk, 1,000 streams, 25,000/s, µs", 0.95, chunk(1000, 25_000), False),
    ("request_tls", "CPU per small request, HTTP/1.1 over TLS, µs", 0.75, request_over("http/1.1", 64, 1), False),
    ("request_h2", "CPU per small request, HTTP/2 over TLS, µs", 0.75, request_over("h2", 8, 8), False),
    ("chunk_tls", "CPU per chunk, 500 streams, 5,000/s, HTTP/1.1 over TLS, µs", 0.9, chunk_over("http/1.1", 500, 1, 5000), False),
    ("chunk_h2", "CPU per chunk, 500 streams, 5,000/s, HTTP/2 over TLS, µs", 0.9, chunk_over("h2", 5, 100, 5000), False),
    ("forward_http1", "CPU per small request, HTTP/2 over TLS, to an upstream of HTTP/1.1, µs", None, forwarded("http1"), False),
    ("forward_http2", "CPU per small request, HTTP/2 over TLS, to an upstream of HTTP/2, µs", None, forwarded("http2"), False),
    ("bulk", "CPU per GB, s", 1.0, bulk, False),
    ("delay", "time added to a chunk, median, 500/s, µs", 1.0, delay, False),
    ("held", "user memory per open stream, KiB", "4 KiB", held, True),
    ("held_tls", "user memory per open stream, HTTP/1.1 over TLS, KiB", "16 KiB", held_over("http/1.1", 1000, 1), True),
    ("held_h2", "user memory per open stream, HTTP/2 over TLS, KiB", "3 KiB", held_over("h2", 20, 100), True),
    ("cold_start", "from the start to the first answer, ms", "50 ms", cold_start, True),
]


# Of one proxy beside itself: nginx is compared where both do the same.
OWN = {"forward_http1", "forward_http2"}


def measure(rig, kinds):
    values = {name: {kind.name: [] for kind in kinds} for name, *_ in MEASUREMENTS}
    for round_number in range(rig.options.rounds):
        order = kinds if round_number % 2 == 0 else kinds[::-1]
        proxies = [rig.start(kind) for kind in order]
        try:
            for name, title, _, function, fresh in MEASUREMENTS:
                if rig.options.only and name not in rig.options.only:
                    continue
                for index, proxy in enumerate(proxies):
                    if name in OWN and proxy.name != Sluice.name:
                        continue
                    if fresh:
                        proxy.stop()
                        proxy = proxies[index] = rig.start(type(proxy))
                    values[name][proxy.name].append(function(rig, proxy))
                    print(f"round {round_number + 1}  {title:45} {proxy.name:7} {values[name][proxy.name][-1]:8.2f}")
        finally:
            for proxy in proxies:
                proxy.stop()
    return values


def count_instructions(rig, kinds):
    """Runs each proxy under callgrind with two counts of the same thing; the difference leaves start and end out."""

    def profile(kind, command, numbers):
        with tempfile.TemporaryDirectory() as folder:
            output = f"{folder}/callgrind.out"
            wrapper = ["setarch", "-R", "valgrind", "--tool=callgrind", f"--callgrind-out-file={output}"]
            proxy = rig.start(kind, wrapper)
            try:
                # The first answer pays for what is made once.
                rig.load("requests", proxy.port, connections=1, requests=10)
                rig.load(command, proxy.port, upstream=UPSTREAM_PORTS[kind.framing], **numbers)
            finally:
                proxy.stop()
            return Profile(output)

    results = {}
    plans = {
        "request": ("requests", "requests", 500, 2500, {"connections": 1}),
        "chunk": ("count", "chunks", 500, 2500, {}),
    }
    for kind in kinds:
        for name, (command, number, few, many, others) in plans.items():
            first = profile(kind, command, {number: few, **others})
            second = profile(kind, command, {number: many, **others})

            def per_one(value):
                return (value(second) - value(first)) / (many - few)

            results.setdefault(name, {})[kind.name] = {
                # valgrind hides the processor's SHA instructions, so libcrypto's share is not what it is in truth.
                "instructions": per_one(lambda profile: profile.total - profile.instructions_in("libcrypto")),
                "libcrypto": per_one(lambda profile: profile.instructions_in("libcrypto")),
                "allocations": per_one(lambda profile: profile.calls_of(*ALLOCATORS)),
                "retains": per_one(lambda profile: profile.calls_of("swift_retain", "swift_bridgeObjectRetain")),
                "releases": per_one(lambda profile: profile.calls_of("swift_release", "swift_bridgeObjectRelease")),
            }
            print(f"callgrind  {name:8} {kind.name:7} {json.dumps(results[name][kind.name])}")
            if rig.options.profile and kind is Sluice:
                print_difference(first, second, many - few)
    return results


def print_difference(first, second, count):
    """Where the instructions of one request or chunk go: by function alone, and by function with what it calls."""
    for title, before, after in [
        ("alone", first.by_function, second.by_function),
        ("with what it calls", first.inclusive, second.inclusive),
    ]:
        costs = {name: (cost - before[name]) / count for name, cost in after.items()}
        lines = [f"  {title}:"]
        for name in sorted(costs, key=costs.get, reverse=True)[:60]:
            calls = (second.calls[name] - first.calls[name]) / count
            lines.append(f"  {costs[name]:10.1f} in {calls:8.2f} calls of {name}")
        demangle = ["swift", "demangle", "--simplified"]
        demangled = subprocess.run(demangle, input="\n".join(lines), capture_output=True, text=True)
        for line in demangled.stdout.splitlines():
            print(line[:160])


def summarise(values, kinds):
    rows = []
    for name, title, goal, *_ in MEASUREMENTS:
        numbers = values[name]
        kinds_of_row = [kind for kind in kinds if numbers[kind.name]]
        if not kinds_of_row or name not in OWN and len(kinds_of_row) < len(kinds):
            continue
        row = {"name": name, "title": title, "goal": goal}
        row.update({kind.name: statistics.median(numbers[kind.name]) for kind in kinds_of_row})
        if len(kinds_of_row) == 2:
            pairs = zip(numbers["sluice"], numbers["nginx"])
            row["ratio"] = statistics.median(ours / theirs for ours, theirs in pairs)
        rows.append(row)
    return rows


def table(rows, instructions):
    lines = ["| | nginx | Sluice | ratio | goal |", "|---|---|---|---|---|"]
    for row in rows:
        goal = "–" if row["goal"] is None else row["goal"] if isinstance(row["goal"], str) else f"{row['goal']:.2f}"
        cells = [f"{row[kind]:.2f}" if kind in row else "–" for kind in ("nginx", "sluice", "ratio")]
        lines.append(f"| {row['title']} | {' | '.join(cells)} | {goal} |")
    goals = {"instructions": {"request": "–", "chunk": "3,000"}, "allocations": {"request": "–", "chunk": "0"}}
    for name, kinds in instructions.items():
        for count, by_name in goals.items():
            cells = [f"{kinds[kind][count]:,.1f}" if kind in kinds else "–" for kind in ("nginx", "sluice")]
            ratio = "–"
            if count == "instructions" and len(kinds) == 2:
                ratio = f"{kinds['sluice'][count] / kinds['nginx'][count]:.2f}"
            title = f"user instructions per {name}, libcrypto aside" if count == "instructions" else f"{count} per {name}"
            lines.append(f"| {title} | {' | '.join(cells)} | {ratio} | {by_name[name]} |")
    return "\n".join(lines)


def write_results(results, text):
    (HERE / "results.json").write_text(json.dumps(results, indent=2) + "\n")
    readme = HERE / "README.md"
    begin, end = "<!-- results -->\n", "<!-- end of results -->"
    before, _, rest = readme.read_text().partition(begin)
    _, _, after = rest.partition(end)
    readme.write_text(f"{before}{begin}\n{results['conditions']}\n\n{text}\n\n{end}{after}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=4, help="an even number: who comes second in a round pays more")
    parser.add_argument("--seconds", type=int, default=5, help="of each measurement")
    parser.add_argument("--bulk", type=int, default=2, help="gigabytes of a bulk measurement")
    parser.add_argument("--only", nargs="*", help="names of measurements: " + " ".join(name for name, *_ in MEASUREMENTS))
    parser.add_argument("--no-instructions", action="store_true", help="leave callgrind out")
    parser.add_argument("--profile", action="store_true", help="print where Sluice's instructions go")
    parser.add_argument("--peer-only", action="store_true", help="measure nginx alone, to try the rig")
    parser.add_argument("--sluice-only", action="store_true", help="measure Sluice alone, between two changes")
    parser.add_argument("--write", action="store_true", help="write results.json and the table of README.md")
    options = parser.parse_args()
    isolate()

    kinds = [Nginx] if options.peer_only else [Sluice] if options.sluice_only else [Nginx, Sluice]
    for kind in kinds:
        if not kind.binary():
            raise SystemExit(f"{kind.name} is not there; `make bench` builds or installs what is needed")
    rig = Rig(options)
    try:
        values = measure(rig, kinds)
        instructions = {} if options.no_instructions or not shutil.which("valgrind") else count_instructions(rig, kinds)
    finally:
        rig.close()
    rows = summarise(values, kinds)
    text = table(rows, instructions)
    print(f"\n{text}")
    if options.write:
        conditions = (
            f"{datetime.date.today().isoformat()}, Linux {'.'.join(platform.release().split('.')[:2])}, {len(os.sched_getaffinity(0))} CPUs, "
            f"{congestion_control()}, medians of {options.rounds} rounds."
        )
        write_results({"conditions": conditions, "rows": rows, "rounds": values, "instructions": instructions}, text)


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
