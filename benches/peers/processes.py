"""Running a command, and what it took."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

LAUNCH = Path(__file__).resolve().parent / "launch.py"


class Skip(Exception):
    """A contender that cannot be had, with the reason."""


def say(words):
    print(words, file=sys.stderr, flush=True)


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
    with (
        tempfile.TemporaryFile("w+") as out,
        tempfile.TemporaryFile("w+") as err,
        tempfile.NamedTemporaryFile("r") as taken,
    ):
        launcher = [sys.executable, "-I", "-S", LAUNCH, taken.name]
        child = subprocess.Popen(
            [str(part) for part in [*launcher, *command]],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            cwd=cwd,
            env=environment,
            # A group of its own, so that a time-out ends this command and its children and nothing else.
            start_new_session=True,
        )
        try:
            child.wait(seconds)
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            raise
        out.seek(0), err.seek(0)
        out, err, figures = out.read(), err.read(), taken.read().split()
    words = (err or out).strip()[:2000]
    if len(figures) != 4:
        raise RuntimeError(f"{' '.join(map(str, command))[:200]} could not be run: {words}")
    wall, cpu, peak, code = map(float, figures)
    # Linux counts in kilobytes, macOS in bytes.
    unit = 1024 if sys.platform != "darwin" else 1024 * 1024
    if code not in accept:
        raise RuntimeError(f"{' '.join(map(str, command))[:200]} ended with {code:.0f}: {words}")
    return Ran(wall, cpu, peak / unit, int(code), out, err)
