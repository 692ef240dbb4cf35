"""Children that must not outlive their parent, however it ends."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tbp.system.children import kill_session

from ..processes import all_end, is_running

# Starts a session whose members would live for a minute: one ignores what can be ignored, one has a group of its own.
STUBBORN = """
import os, signal, sys, time
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
if os.fork() == 0:
    os.setpgid(0, 0)
os.write(1, b"%d\\n" % os.getpid())
time.sleep(60)
"""
PARENT = f"""
import subprocess, sys, time
from tbp.system.children import forget, mind
child = subprocess.Popen([sys.executable, "-c", {STUBBORN!r}], stdout=subprocess.PIPE, start_new_session=True)
mind(child.pid)
if "forget" in sys.argv:
    forget(child.pid)
print(*(int(child.stdout.readline()) for _ in range(2)), flush=True)
time.sleep(0 if "end" in sys.argv else 60)
"""


def started(*arguments: str) -> tuple[subprocess.Popen[bytes], list[int]]:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, *arguments], stdout=subprocess.PIPE, start_new_session=True
    )
    assert parent.stdout is not None
    with parent.stdout:
        return parent, [int(pid) for pid in parent.stdout.readline().split()]


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_what_is_minded_ends_with_its_parent(end: signal.Signals):
    parent, pids = started()
    os.killpg(parent.pid, end)
    parent.wait()
    assert all_end(pids, within_s=20)


def test_what_is_forgotten_stays():
    parent, pids = started("forget", "end")
    parent.wait()
    time.sleep(0.2)  # which only makes the test find more
    assert all(map(is_running, pids))
    kill_session(min(pids))
    assert all_end(pids, within_s=20)


def test_a_session_is_killed_with_all_its_groups():
    parent, pids = started()
    kill_session(parent.pid)
    parent.wait()
    assert all_end(pids, within_s=20)
