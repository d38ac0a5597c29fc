#!/usr/bin/env python3
"""Runs entitle and its peers on the same licence orders and prints a table. See README.md beside this file.

    benches/peers/run.py                    1,000 and 10,000 orders
    benches/peers/run.py --quick            200 orders, two runs each
    benches/peers/run.py --objects 100000   only entitle and the asyncio script

Everything goes over loopback and into a temporary directory. Progress is on stderr, the table on stdout.
"""

import argparse
import contextlib
import datetime
import os
import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

# Nothing is compiled into the tree.
sys.dont_write_bytecode = True

from account import LAYOUTS, Sandbox, Work, write_manifests
from contenders import Curl, Entitle, Scripts, Terraform
from processes import Skip, say

ROOT = Path(__file__).resolve().parent.parent.parent
TERRAFORM_MOST = 1000
FEW_MOST = 10_000


@dataclass
class Row:
    contender: str
    work: str
    objects: int
    runs: list = field(default_factory=list)
    requests: set = field(default_factory=set)
    note: str = ""


def measure(row, work, once, runs, writes):
    say(f"  {row.objects:>7,}  {row.contender}: {row.work}")
    try:
        for _ in range(runs):
            if writes:
                work.sandbox.fresh(work.page)
            work.sandbox.forget()
            result = once()
            ran, count = result if isinstance(result, tuple) else (result, work.sandbox.requests())
            row.runs.append(ran)
            row.requests.add(count)
    except Skip as skip:
        row.note = str(skip)
    except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
        say(f"           failed: {error}")
        row.note = f"failed: {' '.join(str(error).split())[:160]}"
    if writes:
        work.sandbox.fresh(work.page)
    return row


def contest(work, contenders, runs):
    """All rows of one account."""
    few = work.objects <= FEW_MOST
    entitle, scripts, curl, terraform = contenders
    rows = []

    def row(who, contender, words, act, layout, *, when=True, writes=False, most=runs):
        if not when:
            return
        made = Row(who, words, work.objects)
        if isinstance(contender, Skip):
            made.note = str(contender)
        else:
            measure(made, work, lambda: act(contender)(work, layout), most, writes)
        rows.append(made)

    row("entitle", entitle, "plan, in sync, one file each", lambda it: it.plan, "files")
    row("entitle", entitle, "plan, in sync, one file", lambda it: it.plan, "one")
    row("entitle", entitle, "plan, 1 % differ", lambda it: it.plan, "drift")
    row("entitle", entitle, "apply, 1 % differ", lambda it: it.apply, "drift", writes=True)
    row("asyncio script", scripts, "plan, in sync, one file each", lambda it: it.asyncio, "files")
    row("asyncio script", scripts, "plan, in sync, one file", lambda it: it.asyncio, "one")
    row("asyncio script", scripts, "plan, 1 % differ", lambda it: it.asyncio, "drift")
    row("octoDNS", scripts, "plan, in sync, one file each", lambda it: it.octodns, "files", when=few)
    row("octoDNS", scripts, "plan, 1 % differ", lambda it: it.octodns, "drift", when=few)
    row("curl", curl, "fetch all by pages, compare nothing", lambda it: it.pages, "one", when=few)
    row("curl", curl, "fetch each by its key, compare nothing", lambda it: it.singles, "one", when=few)
    small = work.objects <= TERRAFORM_MOST
    row("Terraform", terraform, "plan, in sync", lambda it: it.plan, "one", when=small)
    row("Terraform", terraform, "plan, 1 % differ", lambda it: it.plan, "drift one", when=small)
    return rows


def seconds(value):
    return f"{value:.3f}" if value < 1 else f"{value:.2f}"


def table(rows):
    lines = [
        "| orders | who | work | wall s | CPU s | peak MB | requests |",
        "| ---: | --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        start = f"| {row.objects:,} | {row.contender} | {row.work} |"
        if row.note or not row.runs:
            lines.append(f"{start} {row.note or 'not run'} | | | |")
            continue
        median = lambda of: statistics.median(of(ran) for ran in row.runs)
        requests = " to ".join(f"{count:,}" for count in sorted({min(row.requests), max(row.requests)}))
        wall, cpu = median(lambda ran: ran.wall), median(lambda ran: ran.cpu)
        peak = median(lambda ran: ran.peak_mb)
        lines.append(f"{start} {seconds(wall)} | {seconds(cpu)} | {peak:.0f} | {requests} |")
    return "\n".join(lines)


def machine():
    model, memory = platform.processor() or platform.machine(), ""
    with contextlib.suppress(OSError):
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.M)
        model = found[1] if found else model
        kilobytes = int(re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())[1])
        memory = f", {kilobytes / 1024 / 1024:.0f} GB"
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return f"{os.cpu_count()} cores of {model}{memory}, {platform.system()} {platform.release()}; load {load}"


def versions(contenders):
    entitle, scripts, curl, terraform = contenders
    named = [entitle.version, f"Python {platform.python_version()}"]
    if not isinstance(scripts, Skip):
        named += [f"{name} {scripts.versions.get(name, '?')}" for name in ("aiohttp", "PyYAML", "octodns", "tf")]
    named += [one.version for one in (curl, terraform) if not isinstance(one, Skip)]
    return ", ".join(named)


def had(make):
    try:
        return make()
    except Skip as skip:
        return skip


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entitle", type=Path, help="the binary [default: target/dist/entitle]")
    parser.add_argument("--objects", type=int, action="append", help="orders in the account; may be repeated")
    parser.add_argument("--runs", type=int, default=3, help="runs of each, of which the median counts")
    parser.add_argument("--page", type=int, default=500, help="orders on a page of the list")
    parser.add_argument("--quick", action="store_true", help="200 orders, two runs each")
    parser.add_argument("--skip", action="append", default=[], choices=["scripts", "curl", "terraform"])
    parser.add_argument("--terraform", help="the terraform binary [default: the one on PATH]")
    given = parser.parse_args()
    given.entitle = (given.entitle or ROOT / "target" / "dist" / "entitle").resolve()
    if not given.entitle.is_file():
        parser.error(f"{given.entitle} is not there: run cargo build --profile dist --features dist, or name a binary with --entitle")
    if given.quick:
        given.objects, given.runs = given.objects or [200], 2
    given.objects = given.objects or [1000, 10_000]
    if min(given.objects) < 1 or given.runs < 1 or given.page < 1:
        parser.error("counts are from 1")
    return given


def main():
    given = arguments()
    started = time.monotonic()
    # An interrupted run cleans up as a finished one does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    rows = []
    with tempfile.TemporaryDirectory(prefix="entitle-peers-") as temporary:
        folder = Path(temporary)
        skipped = lambda name, make: had(make) if name not in given.skip else Skip("left out by --skip")
        entitle = Entitle(given.entitle)
        scripts = skipped("scripts", lambda: Scripts(folder))
        curl = skipped("curl", Curl)
        terraform = skipped("terraform", lambda: Terraform(folder, scripts, given.terraform))
        contenders = (entitle, scripts, curl, terraform)
        for objects in given.objects:
            say(f"writing manifests of {objects:,} orders")
            work = Work(objects, folder / str(objects), given.page)
            (work.folder / "home").mkdir(parents=True)
            write_manifests(given.entitle, work, LAYOUTS)
            with Sandbox(given.entitle, objects) as sandbox:
                work.sandbox = sandbox
                work.lead_here()
                sandbox.fresh(given.page)
                rows += contest(work, contenders, given.runs)
            shutil.rmtree(work.folder)
        print(table(rows))
        print()
        taken = time.monotonic() - started
        print(f"Median of {given.runs} runs, pages of {given.page} orders. {datetime.date.today()}, {machine()}.")
        print(f"{versions(contenders)}. The whole took {taken:.0f} s.")
    return 1 if any(row.note.startswith("failed") for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
