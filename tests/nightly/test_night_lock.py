"""One night at a time, and no child of a killed one beside it."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tbp.errors import RunFailed
from tbp.nightly.night_lock import NAME, only_night
from tbp.system.children import MARK

# A night with a child in a session of its own, which inherits the mark; the minder is not asked.
NIGHT = """
import subprocess, sys, time
from pathlib import Path
from tbp.nightly.night_lock import only_night
with only_night(Path(sys.argv[1])):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    print(child.pid, flush=True)
    time.sleep(60)
"""


def night(results: Path) -> tuple[subprocess.Popen[bytes], int]:
    process = subprocess.Popen([sys.executable, "-c", NIGHT, str(results)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout:
        return process, int(process.stdout.readline())


def is_gone(pid: int) -> bool:
    """True for a process that has ended, waited for or not."""
    try:
        return " Z " in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True


def test_a_second_night_is_refused_and_names_the_first(tmp_path: Path):
    process, child = night(tmp_path)
    first = rf"another night measures into .*: process {process.pid}, since 20"
    with pytest.raises(RunFailed, match=first), only_night(tmp_path):
        pass
    process.kill()
    process.wait()
    os.kill(child, 0)  # it is there
    with only_night(tmp_path):
        end_s = time.monotonic() + 10  # what the kernel takes to let go of it
        while not is_gone(child) and time.monotonic() < end_s:
            time.sleep(0.01)
        assert is_gone(child)


def test_a_night_that_ended_leaves_nothing_to_end(tmp_path: Path):
    with only_night(tmp_path / "new" / "results"):
        content = json.loads((tmp_path / "new" / "results" / NAME).read_text())
        assert (content["pid"], os.environ[MARK]) == (os.getpid(), content["mark"])
    assert MARK not in os.environ
    assert (tmp_path / "new" / "results" / NAME).read_bytes() == b""


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 4000, b'{"pid": "x", "mark": 7}', b"\xff", b'{"pid": 1}'])
def test_whatever_stands_in_the_file_a_night_begins(tmp_path: Path, content: bytes):
    (tmp_path / NAME).write_bytes(content)
    with only_night(tmp_path):
        pass


def test_a_number_that_another_process_has_by_now_is_not_ended(tmp_path: Path):
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as innocent:
        (tmp_path / NAME).write_text(json.dumps({"pid": innocent.pid, "started": "1", "since": "", "mark": "abc"}))
        with only_night(tmp_path):
            assert innocent.poll() is None
        innocent.kill()


def test_an_interrupted_night_lets_the_next_one_begin(tmp_path: Path):
    with pytest.raises(KeyboardInterrupt), only_night(tmp_path):
        raise KeyboardInterrupt
    with only_night(tmp_path):
        pass
