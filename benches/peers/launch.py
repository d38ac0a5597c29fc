"""Runs a command and writes what it took into a file: wall and CPU seconds, peak kilobytes, exit status.

    python -I -S launch.py FILE COMMAND...

A process starts with the peak memory of the one that it was forked from, so this is a process of its own with as
few imports as can be: the driver's own tens of megabytes would otherwise be every contender's least.
"""

import os
import sys
import time

report, command = sys.argv[1], sys.argv[2:]
started = time.perf_counter()
child = os.posix_spawnp(command[0], command, os.environ)
_, status, usage = os.wait4(child, 0)
wall = time.perf_counter() - started
with open(report, "w") as file:
    code = os.waitstatus_to_exitcode(status)
    file.write(f"{wall} {usage.ru_utime + usage.ru_stime} {usage.ru_maxrss} {code}")
