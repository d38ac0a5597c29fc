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
import json
import os
import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import venv
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TOKEN = "sandbox-token"
TERRAFORM_MOST = 1000
FEW_MOST = 10_000


class Skip(Exception):
    """A contender that cannot be had, with the reason."""


def say(words):
    print(words, file=sys.stderr, flush=True)


# ---------------------------------------------------------------- processes


@dataclass
class Ran:
    wall: float
    cpu: float
    peak_mb: float
    code: int
    out: str
    err: str


def run(command, *, environment=None, cwd=None, seconds=600, accept=(0,)):
    """Runs a command to its end, with what it and the processes it waited for took."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        started = time.perf_counter()
        child = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            cwd=cwd,
            env=environment,
            # A group of its own, so that a time-out ends this command's children and nothing else.
            start_new_session=True,
        )
        late = threading.Timer(seconds, os.killpg, (child.pid, signal.SIGKILL))
        late.start()
        try:
            _, status, usage = os.wait4(child.pid, 0)
            wall = time.perf_counter() - started
        except BaseException:
            os.killpg(child.pid, signal.SIGKILL)
            raise
        finally:
            late.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0), err.seek(0)
        # Linux counts in kilobytes, macOS in bytes.
        unit = 1024 if sys.platform != "darwin" else 1024 * 1024
        ran = Ran(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit, child.returncode, out.read(), err.read())
    if ran.code not in accept:
        words = (ran.err or ran.out).strip()[:2000]
        raise RuntimeError(f"{' '.join(map(str, command))[:200]} ended with {ran.code}: {words}")
    return ran


# ---------------------------------------------------------------- the sandbox


class Sandbox:
    """A served account of so many orders. Leaving the context ends the process that was started, no other."""

    def __init__(self, entitle, objects, arguments=()):
        self.command = [entitle, "sandbox", "--listen", "127.0.0.1:0", "--populate", objects, "--vendor", "lac"]
        self.command = [str(part) for part in [*self.command, *arguments]]

    def __enter__(self):
        # Variables of the user's own must not change what is measured.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ENTITLE_")}
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, env=environment
        )
        late = threading.Timer(300, self.process.kill)
        late.start()
        said = []
        for line in self.process.stdout:
            said.append(line)
            if match := re.search(r"listen on (http://\S+)", line):
                self.address = match[1]
                break
        late.cancel()
        if not hasattr(self, "address"):
            self.process.wait()
            raise SystemExit(f"the sandbox did not start: {' '.join(self.command)}\n{''.join(said)}")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def control(self, method, path, body=None):
        sent = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.address}/_sandbox/{path}", data=sent, method=method)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=60) as reply:
            text = reply.read()
        return json.loads(text) if text else None

    def fresh(self, page):
        """The account as at the start; the size of its pages is the same for every contender."""
        self.control("POST", "reset")
        self.control("POST", "switches/lac", {"page_size": page})

    def forget(self):
        self.control("DELETE", "requests")

    def requests(self):
        return self.control("GET", "requests/count")["count"]

    def writes(self):
        seen = self.control("GET", "requests")
        return sorted(one["path"].rsplit("/", 1)[1] for one in seen if one["method"] == "PATCH")


# ---------------------------------------------------------------- the work


@dataclass
class Work:
    """One account, and the manifests that hold for it or differ from it, in the layouts that are measured."""

    objects: int
    folder: Path
    page: int
    sandbox: Sandbox = None
    paths: dict = field(default_factory=dict)
    changed: dict = field(default_factory=dict)

    @property
    def base(self):
        return f"{self.sandbox.address}/lac"

    def environment(self):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ENTITLE_")}
        variables = (self.folder / "files" / "sandbox.env").read_text()
        kept.update(re.findall(r"^export (\w+)=(.*)$", variables, re.M))
        kept.update(XDG_STATE_HOME=str(self.folder / "state"), HOME=str(self.folder / "home"), NO_COLOR="1")
        return kept

    def lead_here(self):
        """Lets the connections of all layouts lead to the sandbox that runs now."""
        for path in self.paths.values():
            file = path / "connections.yaml"
            text = re.sub(r"http://[\d.]+:\d+", self.sandbox.address, file.read_text())
            file.write_text(text)


LAYOUTS = {"files": ("files", 0), "one": ("one", 0), "drift": ("files", 1), "drift one": ("one", 1)}


def write_manifests(entitle, work, layouts):
    for name in layouts:
        layout, percent = LAYOUTS[name]
        work.paths[name] = work.folder / name.replace(" ", "-")
        arguments = ["--write-manifests", work.paths[name], "--layout", layout, "--drift", percent]
        with Sandbox(entitle, work.objects, arguments):
            pass
        # One in a hundred, spread evenly: the sandbox's own rule, counted here once more.
        share = round(work.objects * percent / 100)
        places = range(work.objects)
        differ = [at + 1 for at in places if (at + 1) * share // work.objects > at * share // work.objects]
        work.changed[name] = {f"order-{number}" for number in differ}


# ---------------------------------------------------------------- the contenders


def check(work, layout, changed, in_sync):
    expected = work.changed[layout]
    if set(changed) != expected or in_sync != work.objects - len(expected):
        raise RuntimeError(
            f"wrong answer: {len(changed)} changed and {in_sync} in sync, expected {len(expected)} and "
            f"{work.objects - len(expected)}"
        )


def reported(text):
    changed = re.findall(r"^changed (\S+)$", text, re.M)
    if re.search(r"^missing ", text, re.M):
        raise RuntimeError("wrong answer: orders are missing")
    return changed, int(re.search(r"^in sync (\d+)$", text, re.M)[1])


class Entitle:
    def __init__(self, binary):
        self.binary = binary
        self.version = run([binary, "--version"]).out.strip()

    def answer(self, ran):
        changed = re.findall(r"^~ LacLicenseOrder/(\S+)", ran.out, re.M)
        found = re.search(r"(\d+) in sync", ran.out)
        return changed, int(found[1]) if found else 0

    def plan(self, work, layout):
        ran = run([self.binary, "plan", work.paths[layout]], environment=work.environment())
        check(work, layout, *self.answer(ran))
        return ran

    def apply(self, work, layout):
        ran = run([self.binary, "apply", "--auto-approve", work.paths[layout]], environment=work.environment())
        count = work.sandbox.requests()
        if len(set(work.sandbox.writes())) != len(work.changed[layout]):
            raise RuntimeError("wrong answer: the writes are not those of the changed orders")
        again = run([self.binary, "plan", work.paths[layout]], environment=work.environment())
        changed, in_sync = self.answer(again)
        if changed or in_sync != work.objects:
            raise RuntimeError("wrong answer: apply did not converge")
        return ran, count


class Scripts:
    """What runs on Python packages, which are installed into a directory of their own."""

    def __init__(self, folder):
        self.python = folder / "venv" / "bin" / "python"
        say("installing the Python packages")
        try:
            venv.create(folder / "venv", with_pip=True)
            pip = [self.python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
            run([*pip, "-r", HERE / "requirements.txt"], seconds=900)
        except (RuntimeError, subprocess.CalledProcessError) as error:
            raise Skip(f"its packages cannot be installed: {str(error).splitlines()[-1][:120]}") from None
        frozen = run([self.python, "-m", "pip", "freeze", "--disable-pip-version-check"]).out
        self.versions = dict(line.split("==") for line in frozen.split() if "==" in line)
        self.environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(HERE)}
        # Compiled once and not in the tree, as an installed script would be.
        self.environment.pop("PYTHONDONTWRITEBYTECODE")
        self.environment["PYTHONPYCACHEPREFIX"] = str(folder / "pycache")

    def asyncio(self, work, layout):
        command = [self.python, HERE / "asyncio_list.py", work.base, TOKEN, work.page, work.paths[layout]]
        ran = run(command, environment=self.environment)
        check(work, layout, *reported(ran.out))
        return ran

    def octodns(self, work, layout):
        command = [self.python, HERE / "octodns_plan.py", work.base, TOKEN, work.paths[layout]]
        ran = run(command, environment=self.environment)
        check(work, layout, *reported(ran.out))
        return ran


class Curl:
    """The floor: curl fetches what has to be read, and compares nothing. What it fetched is checked afterwards."""

    def __init__(self):
        self.binary = shutil.which("curl")
        if not self.binary:
            raise Skip("curl is not installed")
        self.version = " ".join(run([self.binary, "--version"]).out.split()[:2])
        self.keys = {}

    def fetch(self, work, targets):
        folder = Path(tempfile.mkdtemp(dir=work.folder))
        lines = [f'header = "Authorization: Bearer {TOKEN}"', "silent", "fail"]
        for at, target in enumerate(targets):
            lines += [f'url = "{work.base}/license-orders?{target}"', f'output = "{folder}/{at}"']
        config = folder / "config"
        config.write_text("\n".join(lines))
        command = [self.binary, "--parallel", "--parallel-max", "16", "--config", config]
        ran = run(command)
        seen = set()
        for at in range(len(targets)):
            seen.update(order["activation_key"] for order in json.loads((folder / str(at)).read_text()))
        shutil.rmtree(folder)
        if not seen >= self.wanted(work):
            raise RuntimeError("wrong answer: orders were not fetched")
        return ran

    def wanted(self, work):
        if work.objects not in self.keys:
            text = (work.paths["one"] / "lac.yaml").read_text()
            self.keys[work.objects] = set(re.findall(r"^  activationKey: (\S+)$", text, re.M))
        return self.keys[work.objects]

    def pages(self, work, _):
        # The two orders that every sandbox has come first.
        return self.fetch(work, [f"offset={at}" for at in range(0, work.objects + 2, work.page)])

    def singles(self, work, _):
        return self.fetch(work, [f"activation_key={key}" for key in sorted(self.wanted(work))])


class Terraform:
    def __init__(self, folder, scripts, binary):
        self.binary = binary or shutil.which("terraform")
        if not self.binary:
            raise Skip("the terraform binary is not on PATH; it comes from its vendor, not from a registry")
        if isinstance(scripts, Skip):
            raise scripts
        self.python = scripts.python
        self.folder = folder / "terraform"
        (self.folder / "home").mkdir(parents=True)
        provider = self.folder / "terraform-provider-lac"
        quoted = lambda path: "'" + str(path).replace("'", "'\\''") + "'"
        script = f"#!/bin/sh\nexec {quoted(self.python)} {quoted(HERE / 'terraform_provider.py')} \"$@\"\n"
        provider.write_text(script)
        provider.chmod(0o755)
        settings = self.folder / "settings.tfrc"
        overrides = f'dev_overrides {{ "bench.local/entitle/lac" = "{self.folder}" }}'
        settings.write_text(f"provider_installation {{\n  {overrides}\n  direct {{}}\n}}\n")
        self.environment = {
            **scripts.environment,
            "TF_CLI_CONFIG_FILE": str(settings),
            "CHECKPOINT_DISABLE": "1",
            "TF_IN_AUTOMATION": "1",
            "HOME": str(self.folder / "home"),
        }
        self.version = run([self.binary, "version"], environment=self.environment).out.split("\n")[0]
        self.state = {}

    def configuration(self, work, layout):
        """The same orders as Terraform's JSON, made once and outside of the time that is measured."""
        folder = self.folder / f"{work.objects}-{layout.replace(' ', '-')}"
        folder.mkdir(exist_ok=True)
        make = [
            "import json, sys, orders",
            "resources = {}",
            "for name, key, wanted in orders.manifests(sys.argv[1]):",
            "    lists = {'hostids': wanted.pop('Hostids'), 'features': wanted.pop('Features')}",
            "    lists = {name: json.dumps(items, sort_keys=True) for name, items in lists.items()}",
            "    resources[name] = {'activation_key': key, **wanted, **lists}",
            "json.dump({'terraform': {'required_providers': {'lac': {'source': 'bench.local/entitle/lac'}}},",
            "    'provider': {'lac': {'base': sys.argv[2], 'token': sys.argv[3]}},",
            "    'resource': {'lac_order': resources}}, sys.stdout)",
        ]
        command = [self.python, "-c", "\n".join(make), work.paths[layout], work.base, TOKEN]
        ran = run(command, environment=self.environment)
        (folder / "main.tf.json").write_text(ran.out)
        return folder

    def terraform(self, folder, *arguments, accept=(0,)):
        command = [self.binary, f"-chdir={folder}", *arguments]
        return run(command, environment=self.environment, accept=accept)

    def adopted(self, work):
        """The state after the orders were adopted once: Terraform plans against it."""
        if work.objects not in self.state:
            folder = self.configuration(work, "one")
            self.terraform(folder, "apply", "-auto-approve", "-no-color", "-input=false")
            self.state[work.objects] = folder / "terraform.tfstate"
        return self.state[work.objects]

    def plan(self, work, layout):
        state = self.adopted(work)
        folder = self.configuration(work, layout)
        if state.parent != folder:
            shutil.copy(state, folder / "terraform.tfstate")
        work.sandbox.forget()
        options = ["-input=false", "-no-color", "-detailed-exitcode", "-out=saved"]
        ran = self.terraform(folder, "plan", *options, accept=(0, 2))
        count = work.sandbox.requests()
        shown = json.loads(self.terraform(folder, "show", "-json", "saved").out)
        actions = {one["name"]: one["change"]["actions"] for one in shown["resource_changes"]}
        changed = [name for name, action in actions.items() if action != ["no-op"]]
        check(work, layout, changed, len(actions) - len(changed))
        return ran, count


# ---------------------------------------------------------------- measuring


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
    except (RuntimeError, OSError) as error:
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
    parser.add_argument("--entitle", type=Path, help="the binary [default: target/release/entitle]")
    parser.add_argument("--objects", type=int, action="append", help="orders in the account; may be repeated")
    parser.add_argument("--runs", type=int, default=3, help="runs of each, of which the median counts")
    parser.add_argument("--page", type=int, default=500, help="orders on a page of the list")
    parser.add_argument("--quick", action="store_true", help="200 orders, two runs each")
    parser.add_argument("--skip", action="append", default=[], choices=["scripts", "curl", "terraform"])
    parser.add_argument("--terraform", help="the terraform binary [default: the one on PATH]")
    given = parser.parse_args()
    given.entitle = (given.entitle or ROOT / "target" / "release" / "entitle").resolve()
    if not given.entitle.is_file():
        parser.error(f"{given.entitle} is not there: run cargo build --release, or name a binary with --entitle")
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
