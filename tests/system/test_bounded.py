"""Files of others: nothing is waited for, and nothing is read or unpacked without end."""

import gzip
import os
import re
import threading
from pathlib import Path

import pytest

from tbp.system.bounded import OutOfBounds, TooSlow, in_bytes, limited_to, read_plain, unpacked


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


NO_FILES = [
    (Path.mkdir, "no plain file"),
    (_pipe, "no plain file"),
    (lambda path: path.symlink_to("/dev/zero"), "no plain file"),
    (lambda path: path.symlink_to("/dev/tty"), "no plain file"),
    (_loop, "Too many levels of symbolic links"),
    (lambda path: path.symlink_to("nowhere"), "No such file or directory"),
    (lambda path: path.write_bytes(b"12345"), "larger than the 4 bytes that are read"),
]


@pytest.mark.parametrize(("make", "reason"), NO_FILES)
def test_what_is_no_plain_file_of_the_size_is_refused_with_the_reason(tmp_path: Path, make, reason: str):
    make(tmp_path / "x")
    with pytest.raises(OSError, match=re.escape(reason)):
        read_plain(tmp_path / "x", 4)


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "x" * 300, "x/" * 5000])
def test_a_name_that_no_file_can_have_is_an_os_error(tmp_path: Path, name: str):
    with pytest.raises(OSError, match=r"none that a file can have|too long"):
        read_plain(tmp_path / name, 4)


def test_a_file_of_exactly_the_size_is_read_through_a_link(tmp_path: Path):
    (tmp_path / "x").write_bytes(b"1234")
    (tmp_path / "y").symlink_to("x")
    assert read_plain(tmp_path / "y", 4) == b"1234"


@pytest.mark.parametrize("members", [1, 3])
def test_unpacking_ends_at_the_bound_in_any_number_of_members(members: int):
    packed = gzip.compress(b"0" * 1000) * members
    assert unpacked(packed, 3000) == b"0" * (1000 * members)
    with pytest.raises(OutOfBounds, match="unpacked it is larger than the 999 bytes"):
        unpacked(packed, 999)


def test_sizes_are_named_in_round_units():
    assert [in_bytes(size) for size in (999, 4_000, 256_000_000, 1_500_000_000)] == [
        "999 bytes", "4 kB", "256 MB", "1.5 GB"
    ]  # fmt: skip


def test_work_of_the_main_thread_ends_when_its_time_is_up():
    with pytest.raises(TooSlow), limited_to(0.05):
        re.search("(a+)+$", "a" * 60 + "!")
    with limited_to(0.05):  # and what is quick enough is left alone
        assert re.search("(a+)+$", "a" * 10)


def test_work_of_another_thread_is_not_bounded():
    done = []

    def work() -> None:
        with limited_to(1e-6):
            done.append(sum(range(200_000)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [19_999_900_000]
