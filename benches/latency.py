#!/usr/bin/env python3
"""What a plan takes when the vendor is not next door, over real HTTP, beside what it has to take.

    benches/latency.py                20 ms before every answer, Cryptlex's window, 20 calls a second
    benches/latency.py --runs 5

Starts `entitle sandbox` for each row, checks that the plan is right and that no call was refused, and prints a
Markdown table. The same rows are held without a network, on a stopped clock, by src/reconcile/pace_tests.rs.
"""

import argparse
import collections
import datetime
import http.client
import json
import os
import platform
import re
import statistics
import sys
import tempfile
import time
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

# Nothing is compiled into the tree.
sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent / "peers"))

from account import Sandbox
from processes import run, say

ROOT = Path(__file__).resolve().parent.parent
# Ten calls at once is what every vendor is given where it documents nothing.
AT_ONCE = 10


@dataclass
class Row:
    what: str
    vendor: str
    objects: int
    # What it may take, of the number of requests and of the seconds that an answer takes.
    allowed: object
    latency: str = "20ms"
    drift: int = 0
    command: str = "plan"
    switches: dict = None
    limits: str = ""


ROWS = [
    Row("three round trips deep", "cryptlex", 1_000, lambda calls, latency: 0.1),
    Row("three round trips deep, and a login", "lac", 1_000, lambda calls, latency: 0.1),
    Row("three round trips deep", "licensespring", 1_000, lambda calls, latency: 0.1),
    Row("calls × latency ÷ concurrency", "informatica", 1_000, lambda calls, latency: 1.1 * calls * latency / AT_ONCE),
    Row("calls × latency ÷ concurrency", "alinea", 1_000, lambda calls, latency: 1.1 * calls * latency / AT_ONCE),
    Row("50 calls in 5 s", "cryptlex", 2_000, lambda calls, latency: 1.1 * calls / 10, switches={"rate_limit": True}),
    Row("50 calls in 5 s", "cryptlex", 20_000, lambda calls, latency: 1.1 * calls / 10, switches={"rate_limit": True}),
]

# Twenty calls a second: the estimate of the plan is what the apply is held to.
TWENTY = "  limits: {rates: [{requests: 20, per: 1s}]}\n"
ESTIMATES = [
    Row("20 calls a second", vendor, 1_000, None, drift=100, command="apply", limits=TWENTY, latency="50ms")
    for vendor in ("cryptlex", "lac")
]


def environment(folder):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ENTITLE_")}
    variables = (folder / "manifests" / "sandbox.env").read_text()
    kept.update(re.findall(r"^export (\w+)=(.*)$", variables, re.M))
    kept.update(XDG_STATE_HOME=str(folder / "state"), HOME=str(folder), NO_COLOR="1")
    return kept


def answers_in(sandbox, vendor):
    """Seconds of an answer, on a connection that is open: timers go by whole milliseconds, and late."""
    host = urllib.parse.urlsplit(sandbox.address).netloc
    connection = http.client.HTTPConnection(host, timeout=10)
    took = []
    for _ in range(21):
        began = time.perf_counter()
        connection.request("GET", f"/{vendor}/nothing")
        connection.getresponse().read()
        took.append(time.perf_counter() - began)
    connection.close()
    return statistics.median(took[1:])


def measure(entitle, row, runs):
    """Wall seconds of each run, the requests of one, the estimate of an apply, and the seconds of an answer."""
    say(f"  {row.objects:>7,}  {row.vendor}: {row.what}")
    with tempfile.TemporaryDirectory(prefix="entitle-latency-") as temporary:
        folder = Path(temporary)
        manifests = folder / "manifests"
        arguments = ["--latency", row.latency, "--drift", row.drift]
        arguments += ["--write-manifests", manifests, "--layout", "one"]
        with Sandbox(entitle, row.objects, arguments, row.vendor) as sandbox:
            connections = manifests / "connections.yaml"
            connections.write_text(connections.read_text() + row.limits)
            if row.switches:
                sandbox.control("POST", f"switches/{row.vendor}", row.switches)
            latency = answers_in(sandbox, row.vendor)
            walls, counts = [], []
            for _ in range(runs):
                if row.switches:
                    # The vendor's window of what came before is over, and the next is a fresh one.
                    sandbox.control("POST", "clock", {"advance_seconds": 60})
                sandbox.forget()
                ran, estimated = once(entitle, row, manifests, environment(folder))
                walls.append(ran.wall)
                seen = sandbox.control("GET", "requests")
                statuses = collections.Counter(one["status"] for one in seen)
                if set(statuses) != {200}:
                    raise SystemExit(f"{row.vendor}: not every call was answered well: {dict(statuses)}")
                counts.append(len(seen))
            if len(set(counts)) > 1:
                raise SystemExit(f"{row.vendor}: the number of requests is not the same in each run: {counts}")
    return walls, counts[0], estimated, latency


def once(entitle, row, manifests, variables):
    command = [entitle, row.command, manifests, "--format", "json"]
    estimated = None
    if row.command == "apply":
        plan = run([entitle, "plan", manifests, "--format", "json"], environment=variables)
        estimated = json.loads(plan.out)["summary"]["estimated_seconds"]
        command += ["--auto-approve", "--allow", "strand", "--timeout", "10m"]
    ran = run(command, environment=variables)
    summary = json.loads(ran.out)["summary"]
    wanted = ("converged", row.objects) if row.command == "apply" else ("in_sync", row.objects)
    if summary.get(wanted[0]) != wanted[1]:
        raise SystemExit(f"{row.vendor}: {wanted[1]} {wanted[0]} were expected: {summary}")
    return ran, estimated


def machine():
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return f"{os.cpu_count()} cores, {platform.system()} {platform.release()}; load {load}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entitle", type=Path, default=ROOT / "target" / "dist" / "entitle")
    parser.add_argument("--runs", type=int, default=3, help="runs of each plan, of which the median counts")
    parser.add_argument("--no-apply", action="store_true", help="leave out the estimates, which take minutes")
    given = parser.parse_args()
    entitle = given.entitle.resolve()
    if not entitle.is_file():
        parser.error(f"{entitle} is not there: run cargo build --profile dist --features dist, or name a binary with --entitle")
    print("| objects | vendor | what it has to take | an answer ms | allowed s | wall s | requests |")
    print("| ---: | --- | --- | ---: | ---: | ---: | ---: |")
    missed = False
    for row in ROWS:
        walls, requests, _, latency = measure(entitle, row, given.runs)
        wall, allowed = statistics.median(walls), row.allowed(requests, latency)
        missed |= wall > allowed
        cells = [f"{row.objects:,}", row.vendor, row.what, f"{latency * 1000:.1f}", f"{allowed:.2f}", f"{wall:.2f}"]
        print(f"| {' | '.join(cells)} | {requests:,} |", flush=True)
    for row in [] if given.no_apply else ESTIMATES:
        # The account is as the manifests say afterwards, so one run is all there is.
        walls, requests, estimated, latency = measure(entitle, row, 1)
        words = f"apply all, {row.what}: estimated {estimated} s"
        cells = [f"{row.objects:,}", row.vendor, words, f"{latency * 1000:.1f}", "", f"{walls[0]:.2f}"]
        print(f"| {' | '.join(cells)} | {requests:,} |", flush=True)
    print(f"\nMedian of {given.runs} runs. {datetime.date.today()}, {machine()}.")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
