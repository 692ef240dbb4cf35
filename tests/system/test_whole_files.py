"""Files that appear whole, and what killed processes leave of them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tbp.system.locks import alone_in
from tbp.system.whole_files import UNFINISHED, remove_unfinished, write_whole

HOLDS = "import fcntl, sys, time; file = open(sys.argv[1]); fcntl.flock(file, 2); print(flush=True); time.sleep(60)"


@pytest.mark.parametrize("mode", [0o600, 0o664, 0o444])
def test_a_file_keeps_its_mode(tmp_path: Path, mode: int):
    path = tmp_path / "x"
    path.write_text("old")
    path.chmod(mode)
    write_whole(path, b"new")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", mode)
    write_whole(tmp_path / "y", b"")
    assert (tmp_path / "y").stat().st_mode & 0o777 == 0o644


def test_what_a_killed_process_left_is_removed_and_what_is_being_written_stays(tmp_path: Path):
    left, busy = tmp_path / f"{UNFINISHED}left", tmp_path / f"{UNFINISHED}busy"
    left.write_text("half")
    busy.write_text("half")
    (tmp_path / f"{UNFINISHED}link").symlink_to("elsewhere")
    os.mkfifo(tmp_path / f"{UNFINISHED}pipe")
    with subprocess.Popen([sys.executable, "-c", HOLDS, str(busy)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert remove_unfinished(tmp_path) == 2  # the pipe too
        process.kill()
    assert (left.exists(), busy.exists()) == (False, True)
    assert remove_unfinished(tmp_path) == 1


def test_writing_removes_what_was_left_in_the_folder(tmp_path: Path):
    (tmp_path / f"{UNFINISHED}left").write_text("half")
    write_whole(tmp_path / "x", b"whole")
    assert os.listdir(tmp_path) == ["x"]  # noqa: PTH208


def test_one_process_at_a_time_is_in_a_folder(tmp_path: Path):
    waited = []
    code = HOLDS.replace("open(sys.argv[1])", "__import__('os').open(sys.argv[1], 0)")
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()

        def end_it() -> None:
            waited.append(True)
            process.kill()

        with alone_in(tmp_path, end_it):
            assert waited == [True]
    with alone_in(tmp_path, lambda: waited.append(False)):
        assert waited == [True]


def test_another_process_in_a_folder_is_waited_for_so_long_and_no_longer(tmp_path: Path):
    code = HOLDS.replace("open(sys.argv[1])", "__import__('os').open(sys.argv[1], 0)")
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(TimeoutError, match="another process works in"), alone_in(tmp_path, timeout_s=0.1):
            pass
        process.kill()
