"""The served account, and the manifests that hold for it or differ from it."""

import json
import os
import re
import subprocess
import threading
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path


class Sandbox:
    """A served account of so many orders. Leaving the context ends the process that was started, no other."""

    def __init__(self, entitle, objects, arguments=(), vendor="lac"):
        self.command = [entitle, "sandbox", "--listen", "127.0.0.1:0", "--populate", objects, "--vendor", vendor]
        self.command = [str(part) for part in [*self.command, *arguments]]

    def __enter__(self):
        # Variables of the user's own must not change what is measured.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ENTITLE_")}
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, env=environment
        )
        try:
            self.address = self.listening()
        except BaseException:
            self.stop()
            raise
        return self

    def listening(self):
        late = threading.Timer(300, self.process.kill)
        late.start()
        try:
            for line in self.process.stdout:
                if match := re.search(r"listen on (http://\S+)", line):
                    return match[1]
        finally:
            late.cancel()
        raise SystemExit(f"the sandbox did not start: {' '.join(self.command)}")

    def __exit__(self, *_):
        self.stop()

    def stop(self):
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
