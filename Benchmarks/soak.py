#!/usr/bin/env python3
"""Loads one Sluice with everything at once for a long time, and holds it against what may not happen: an answer that is
not 200, a stream that breaks, memory or descriptors that only grow, an end by TERM that is not clean. Run by `make soak`.

Each round runs small requests, paced streams, downloads and clients that open streams and leave, all together. After
each round the proxy is idle, and is weighed.
"""

import argparse
import json
import os
import subprocess
import sys
import time

from rig.proxies import ROOT, Sluice, pinned
from run import BENCH, Rig, isolate


def start(rig, command, port, **numbers):
    words = [BENCH, command, "--port", str(port)]
    for name, value in numbers.items():
        words += [f"--{name}", str(value)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen(pinned(rig.load_cpus, words), **pipes)


def finish(load):
    output = load.communicate()[0]
    if load.returncode != 0:
        raise SystemExit(f"{' '.join(load.args[3:])}: {output}")
    if output.startswith("{"):
        result = json.loads(output)
        if result["failures"]:
            raise SystemExit(f"{' '.join(load.args[3:])}: {int(result['failures'])} answers were not 200")
        return result
    return {}


def leave_streams(rig, port, until):
    """Opens streams and leaves them all at once, over and over."""
    left = 0
    while time.monotonic() < until:
        holder = start(rig, "hold", port, streams=200)
        if holder.stdout.readline() != "ready\n":
            raise SystemExit("streams could not be opened")
        holder.kill()
        holder.communicate()
        left += 200
    return left


def descriptors(proxy):
    return len(os.listdir(f"/proc/{proxy.process.pid}/fd"))


def settle(proxy, most):
    """Waits until what the clients have left is closed, pooled connections aside."""
    end = time.monotonic() + 15
    while descriptors(proxy) > most and time.monotonic() < end:
        time.sleep(0.2)
    return descriptors(proxy)


def play(rig, proxy, seconds):
    until = time.monotonic() + seconds
    loads = [
        start(rig, "requests", proxy.port, connections=100, seconds=seconds, warm=0),
        start(rig, "streams", proxy.port, streams=300, rate=3000, seconds=seconds, warm=0),
    ]
    left = leave_streams(rig, proxy.port, until)
    moved = 0
    while time.monotonic() < until + 1:
        moved += finish(start(rig, "bulk", proxy.port, streams=4, bytes=400_000_000))["bytes"]
    requests, streams = (finish(load) for load in loads)
    return f"{requests['requests']:.0f} requests, {streams['chunks']:.0f} chunks, {moved / 1e9:.1f} GB, {left} streams left"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=900, help="in all")
    parser.add_argument("--round", type=int, default=30, help="seconds of a round")
    options = parser.parse_args()
    isolate()
    rig = Rig(options)
    try:
        proxy = rig.start(Sluice)
        end = time.monotonic() + options.seconds
        weights, counts = [], []
        while time.monotonic() < end or len(weights) < 3:
            line = play(rig, proxy, options.round)
            counts.append(settle(proxy, counts[0] if counts else 600))
            weights.append(proxy.memory())
            print(f"{line}; {weights[-1] / 1048576:.1f} MiB, {counts[-1]} descriptors", flush=True)
        proxy.stop()
        if proxy.process.returncode != 0:
            raise SystemExit(f"Sluice ended with {proxy.process.returncode} after TERM")
    finally:
        rig.close()
    # The first rounds fill pools and allocator; from then on nothing may add up.
    half = len(weights) // 2
    if min(weights[half:]) > 1.1 * max(weights[:half]) + 4 * 1048576:
        raise SystemExit("memory grows from round to round")
    if counts[-1] > 1.5 * max(counts[:half]) + 50:
        raise SystemExit("descriptors grow from round to round")
    print("nothing grew, nothing broke")


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
