"""A folder is read by several processes, after it was looked at, and is the same as read by one at once."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tbp.asv import result_folder
from tbp.asv.result_folder import Reading
from tbp.asv.results import Results, results_of
from tbp.report.site.unchanged import look
from tbp.system.worker_pool import Workers

Writer = Callable[..., Path]


def values(found: Results) -> list[str]:
    return [repr(value) for value in found.values()]


def test_several_processes_read_what_one_reads(result_file: Writer, monkeypatch: pytest.MonkeyPatch):
    # Each file brings grids of its own, in another order: places differ from process to process.
    for place, letter in enumerate("abcdefgh"):
        rows = {f"time_{name}": [[1.0 + place], [], f"v{place // 3}"] for name in letter + "xy"}
        path = result_file(letter, dict(reversed(rows.items())) if place % 2 else rows, day=place)
    path.write_bytes(path.read_bytes()[:-5])
    folder = path.parent.parent
    alone = results_of(Reading(folder))
    monkeypatch.setattr(result_folder, "FILE_S", 100.0)
    monkeypatch.setattr("threading.active_count", lambda: 1)  # other tests may have left some
    with Workers(3) as workers:
        several = results_of(Reading(folder, workers))
    assert len(alone.points) == 7 * 3
    assert values(several) == values(alone)
    assert (several.problems, several.left_out) == (alone.problems, alone.left_out) == (alone.problems, 1)
    assert "cannot be read as JSON" in alone.problems[0]


@pytest.mark.parametrize("spaces", [0, 1, 5_000], ids=["as seen", "a little longer", "twice as long and more"])
def test_a_file_that_grew_since_it_was_seen_is_read_whole(result_file: Writer, spaces: int):
    path = result_file("a", {"time_it": [[1.0], []]})
    seen = look(path.parent.parent)
    path.write_bytes(b" " * spaces + path.read_bytes())
    assert len(results_of(Reading(path.parent.parent, seen=seen)).points) == 1


def test_a_file_that_shrank_since_it_was_seen_is_read_as_it_is(result_file: Writer):
    path = result_file("a", {"time_it": [[1.0], []]})
    whole = path.read_bytes()
    path.write_bytes(whole + b" " * 100)
    seen = look(path.parent.parent)
    path.write_bytes(whole)
    assert len(results_of(Reading(path.parent.parent, seen=seen)).points) == 1


def test_only_files_of_a_machine_s_folder_are_results(result_file: Writer):
    path = result_file("a", {"time_it": [[1.0], []]})
    deeper = path.parent / "aaaaaaaa-env.traces"
    deeper.mkdir()
    (deeper / "bbbbbbbb-env.json").write_text("{")
    (path.parent.parent / "cccccccc-env.json").write_text("{")
    (path.parent / "dddddddd-env.json").mkdir()
    os.mkfifo(path.parent / "eeeeeeee-env.json")  # to be opened by nobody: it would wait for ever
    found = results_of(Reading(path.parent.parent, seen=look(path.parent.parent)))
    assert (len(found.points), found.problems) == (1, ())
