"""Children that must not outlive their parent, however it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tbp.system.children import MARK, kill_session, marking, temporary_folder

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


# Leaves a daemon behind, as a benchmark or a build may: in a session of its own, whose leader has ended.
DAEMON = [
    sys.executable,
    "-c",
    """
import os, time
if os.fork() == 0:
    os.setsid()
    print(os.getpid(), flush=True)
    os.close(1)
    time.sleep(60)
""",
]
MARKING = f"""
import subprocess, time
from tbp.system.children import marking, temporary_folder
with marking(), temporary_folder("kept-") as folder:
    (folder / "file").touch()
    print(subprocess.check_output({DAEMON!r}, start_new_session=True, text=True).strip(), folder, flush=True)
    time.sleep(60)
"""


def test_a_daemon_that_left_its_session_ends_with_the_block():
    with marking() as mark:
        assert os.environ[MARK] == mark
        daemon = int(subprocess.check_output(DAEMON, start_new_session=True))
        assert is_running(daemon)
    assert MARK not in os.environ
    assert all_end([daemon], within_s=20)


def test_what_shares_the_session_of_this_process_is_not_killed_by_its_mark():
    with marking():
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    assert is_running(child.pid)
    child.kill()
    child.wait()


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_daemon_and_a_temporary_folder_end_with_the_process(end: signal.Signals):
    parent = subprocess.Popen(
        [sys.executable, "-c", MARKING], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert parent.stdout is not None
    with parent.stdout:
        daemon, folder = parent.stdout.readline().split()
    assert Path(folder, "file").exists()
    os.killpg(parent.pid, end)
    parent.wait()
    assert all_end([int(daemon)], within_s=20)
    assert vanishes(Path(folder), within_s=20)


def test_a_temporary_folder_that_was_removed_already_is_no_error():
    with temporary_folder() as folder:
        folder.rmdir()


def vanishes(path: Path, within_s: float) -> bool:
    end_s = time.monotonic() + within_s
    while path.exists() and time.monotonic() < end_s:
        time.sleep(0.01)
    return not path.exists()
