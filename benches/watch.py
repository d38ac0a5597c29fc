#!/usr/bin/env python3
"""How soon `entitle watch` acts, among many objects, over real HTTP.

    benches/watch.py                    10,000 licences, one file each
    benches/watch.py --objects 1000

Starts `entitle sandbox` and `entitle watch --mode sync`, then saves manifests, and edits licences behind the daemon's
back with a signed webhook afterwards. Each time counts from the save or the delivery to the PATCH at the sandbox,
which must be the only write, after a look at that object alone. Prints a Markdown table.
"""

import argparse
import base64
import datetime
import hashlib
import hmac
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

# Nothing is compiled into the tree.
sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent / "peers"))

from account import Sandbox
from processes import say

ROOT = Path(__file__).resolve().parent.parent
SECRET = "hook-word"
TIMES = 10


class Watch:
    """The daemon over a directory. Leaving the context ends the process that was started, no other."""

    def __init__(self, entitle, manifests, home):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ENTITLE_")}
        variables = (manifests / "sandbox.env").read_text()
        environment.update(re.findall(r"^export (\w+)=(.*)$", variables, re.M))
        environment.update(XDG_STATE_HOME=str(home), HOME=str(home), NO_COLOR="1", HOOK=SECRET)
        command = [entitle, "watch", manifests, "--mode", "sync", "--listen", "127.0.0.1:0"]
        self.log = (home / "log").open("w+")
        self.process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env=environment
        )

    def __enter__(self):
        self.address = until(lambda: re.search(r"address=(127\.0\.0\.1:\d+)", self.said()), "it listens")[1]
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)
        self.log.close()

    def said(self):
        return Path(self.log.name).read_text()

    def in_sync(self):
        with urllib.request.urlopen(f"http://{self.address}/status", timeout=10) as reply:
            objects = json.load(reply)["objects"]
        return sum(one["state"] == "in_sync" for one in objects)

    def memory(self):
        """Resident megabytes now, and at most so far."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return [int(re.search(rf"^{name}:\s+(\d+)", status, re.M)[1]) / 1024 for name in ("VmRSS", "VmHWM")]

    def processor(self):
        """Seconds of processor time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def tell(self, licence):
        body = json.dumps({"event": "organization.license.updated", "data": {"id": licence}}).encode()
        signature = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()
        request = urllib.request.Request(f"http://{self.address}/hooks/cryptlex/cryptlex", data=body, method="POST")
        request.add_header("Content-Type", "application/json")
        request.add_header("Webhook-Signature", signature)
        urllib.request.urlopen(request, timeout=10).read()


def until(found, what, seconds=120):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if it := found():
            return it
        time.sleep(0.002)
    raise SystemExit(f"waited in vain: {what}")


def one_write(sandbox, begun):
    """Milliseconds from `begun` to the first PATCH, which must be the only one, after few reads."""
    until(lambda: sandbox.requests() and any(seen["method"] == "PATCH" for seen in sandbox.control("GET", "requests")), "a PATCH")
    taken = time.monotonic() - begun
    time.sleep(0.1)
    methods = [seen["method"] for seen in sandbox.control("GET", "requests")]
    if methods.count("PATCH") != 1 or methods.count("GET") > 3:
        raise SystemExit(f"not one look and one write: {methods}")
    return taken * 1000


def patch(sandbox, file, groups):
    """Changes a licence as somebody else would, and returns its id."""
    organization, licence = re.findall(r"^  (?:organization|license)Id: (\S+)$", file.read_text(), re.M)
    url = f"{sandbox.address}/cryptlex/v3/organizations/{organization}/licenses/{licence}"
    body = json.dumps({"userGroupIds": groups}).encode()
    request = urllib.request.Request(url, data=body, method="PATCH")
    request.add_header("Content-Type", "application/json")
    request.add_header("Authorization", "Bearer sandbox-token")
    urllib.request.urlopen(request, timeout=10).read()
    return licence


def groups_of(file):
    return re.findall(r"^      - (\S+)$", file.read_text(), re.M)


def save(sandbox, file, every):
    """Adds a group to a manifest; files are replaced as editors do it."""
    more = sorted(every - set(groups_of(file)))[0]
    fresh = file.with_suffix(".new")
    fresh.write_text(file.read_text().rstrip("\n") + f"\n      - {more}\n")
    sandbox.forget()
    begun = time.monotonic()
    fresh.rename(file)
    return one_write(sandbox, begun)


def heal(sandbox, watch, file):
    licence = patch(sandbox, file, groups_of(file)[:1])
    sandbox.forget()
    begun = time.monotonic()
    watch.tell(licence)
    return one_write(sandbox, begun)


def measure(entitle, objects, folder):
    manifests, home = folder / "manifests", folder / "home"
    home.mkdir()
    with Sandbox(entitle, objects, ["--write-manifests", manifests], "cryptlex") as sandbox:
        file = manifests / "connections.yaml"
        text = re.sub(r"http://[\d.]+:\d+", sandbox.address, file.read_text())
        file.write_text(text.rstrip("\n") + "\n  webhookSecret: {env: HOOK}\n")
        files = sorted((manifests / "cryptlex").iterdir())
        several = [one for one in files if len(groups_of(one)) == 2]
        every = {group for one in files[:100] for group in groups_of(one)}
        # Files that were written just now are read again whatever they look like.
        time.sleep(3)
        begun = time.monotonic()
        with Watch(entitle, manifests, home) as watch:
            until(lambda: watch.in_sync() == objects, "everything in sync")
            rows = [("start to all in sync", f"{time.monotonic() - begun:.2f} s")]
            # The first look has filled Cryptlex's window of calls.
            time.sleep(6)
            step = max(1, len(several) // (2 * TIMES))
            chosen = several[::step][: 2 * TIMES]
            saves = [save(sandbox, file, every) for file in chosen[::2]]
            heals = [heal(sandbox, watch, file) for file in chosen[1::2]]
            for name, times in (("save to PATCH", saves), ("foreign edit, webhook to PATCH", heals)):
                rows.append((name, f"{statistics.median(times):.0f} ms, at most {max(times):.0f} ms"))
            before = watch.processor()
            time.sleep(10)
            rows.append(("processor time in 10 idle s", f"{watch.processor() - before:.2f} s"))
            now, most = watch.memory()
            rows.append(("memory", f"{now:.0f} MB, at most {most:.0f} MB"))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entitle", type=Path, default=ROOT / "target" / "dist" / "entitle", help="the binary")
    parser.add_argument("--objects", type=int, default=10_000)
    given = parser.parse_args()
    if not given.entitle.is_file():
        parser.error(f"{given.entitle} is not there: run cargo build --profile dist --features dist, or name a binary with --entitle")
    with tempfile.TemporaryDirectory(prefix="entitle-watch-") as temporary:
        say(f"watching {given.objects:,} licences")
        rows = measure(given.entitle.resolve(), given.objects, Path(temporary))
    print(f"| {given.objects:,} licences in as many files | |\n| --- | --- |")
    for name, figure in rows:
        print(f"| {name} | {figure} |")
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"\n{datetime.date.today()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}; load {load}.")


if __name__ == "__main__":
    main()
