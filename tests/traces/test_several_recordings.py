"""Many traces at once: a broken one fails alone, and of hundreds of ranks most keep no callers."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tbp.asv.stored_traces import StoredTraces, chosen
from tbp.errors import UnreadableTrace
from tbp.traces import several_recordings as several
from tbp.traces.operators.one_run import one_a_run
from tbp.traces.read_recording import read_recording
from tbp.traces.several_recordings import several_recordings

from ..trace_events import event


def rank_files(write: Callable[..., Path], count: int) -> list[Path]:
    events = [event("ProfilerStep#0", 0, 100, {"cat": "user_annotation"}), event("aten::mm", 10, 50)]
    return [
        write({"traceEvents": events, "distributedInfo": {"rank": rank, "world_size": count}}, f"rank{rank}.json")
        for rank in range(count)
    ]


def test_a_broken_rank_fails_alone(write: Callable[..., Path]) -> None:
    paths = rank_files(write, 3)
    paths[1].write_bytes(b"no trace")
    first, broken, last = several_recordings(paths, read_recording)
    assert isinstance(broken, UnreadableTrace)
    assert [each.rank.rank for each in (first, last) if not isinstance(each, UnreadableTrace) and each.rank] == [0, 2]
    (source,) = chosen(str(paths[0].parent), StoredTraces())
    assert len(source.recordings) == 2
    assert "left out" in source.notes[0]


def test_most_of_many_ranks_keep_no_callers(write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(several, "MOST_WHOLE", 2)
    paths = rank_files(write, 5)
    sessions = [each.session for each in several_recordings(paths, read_recording) if not isinstance(each, Exception)]
    assert [session.is_bare for session in sessions] == [False, True, False, True, True]
    (run,) = one_a_run(sessions)
    assert run.table.frame.set_index("operator").loc["aten::mm", "self_us"] == 50
    assert run.frames is not None
    assert run.detail is not None
    (source,) = chosen(str(paths[0].parent), StoredTraces())
    assert source.notes == ("callers, shapes and flame graphs are of 2 ranks",)


def test_repetitions_of_one_process_all_keep_theirs(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(several, "MOST_WHOLE", 1)
    events = [event("aten::mm", 10, 50)]
    paths = [write({"traceEvents": events}, f"{number}.json") for number in range(3)]
    assert all(not each.session.is_bare for each in several_recordings(paths, read_recording))  # type: ignore[union-attr]


def test_ranks_may_have_a_folder_each(write: Callable[..., Path], tmp_path: Path) -> None:
    for path in rank_files(write, 2):
        folder = tmp_path / "run" / path.stem
        folder.mkdir(parents=True)
        path.rename(folder / "trace.json")
    (source,) = chosen(str(tmp_path / "run"), StoredTraces())
    assert [rank.rank for rank in source.ranks] == [0, 1]
