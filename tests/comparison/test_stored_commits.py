"""Which stored commits, machine and environment ``tbp compare`` takes."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tbp.asv.results import Results
from tbp.asv.sessions import Sessions
from tbp.comparison.stored_commits import CompareRequest, chosen_setup, compared, stored_series
from tbp.errors import NothingMeasured, UsageError
from tbp.model.changes import State
from tbp.model.series import SeriesKey, Setup
from tbp.project.commits import read_commits
from tbp.project.policy import Policy
from tbp.project.revisions import stored_commit

from ..histories import session
from ..repositories import commit, new_repository
from ..result_folders import write_result
from ..result_frames import frame_of

A, B = "aaaa" + "0" * 36, "bbbb" + "0" * 36


def row(benchmark: str, commit: str, machine: str = "m", environment: str = "e") -> dict[str, object]:
    return {"benchmark": benchmark, "machine": machine, "environment": environment, "commit": commit}


def measured(machine: str, environment: str, *benchmarks: str) -> list[dict[str, object]]:
    """Both commits have these benchmarks there."""
    return [row(name, commit, machine, environment) for name in benchmarks for commit in (A, B)]


def test_a_prefix_of_four_is_enough():
    assert stored_commit([B, A], None, "AAAA") == A
    with pytest.raises(UsageError, match="names no stored commit; stored are bbbb0000, aaaa0000"):
        stored_commit([B, A], None, "aaa")


def test_what_is_not_stored_names_the_nearest_that_is(tmp_path: Path):
    new_repository(tmp_path)
    hashes = [commit(tmp_path, subject) for subject in ("one", "two", "three")]
    assert stored_commit(hashes, tmp_path, "main~1") == hashes[1]
    with pytest.raises(UsageError, match=rf"run `asv run main\^!`, or take the nearest before it: {hashes[1][:8]}, "):
        stored_commit(hashes[:2], tmp_path, "main")


def test_the_setup_with_most_in_common_is_taken_and_the_others_named():
    rows = [*measured("m", "few", "x"), *measured("m", "most", "x", "y"), row("x", A, "other")]
    setup, notes = chosen_setup(frame_of(rows), (A, B), CompareRequest("A", "B"))
    assert setup == Setup("m", "most")
    assert notes == ("both were measured elsewhere too, with fewer benchmarks in common: m, few",)


def test_setups_with_as_many_in_common_must_be_chosen_from():
    rows = [*measured("m", "one", "x"), *measured("m", "two", "x")]
    with pytest.raises(UsageError, match=r"\(m, one; m, two\): say --machine or --environment"):
        chosen_setup(frame_of(rows), (A, B), CompareRequest("A", "B"))
    assert chosen_setup(frame_of(rows), (A, B), CompareRequest("A", "B", environment="two")) == (Setup("m", "two"), ())


def test_no_setup_with_both_says_where_each_is():
    rows = [row("x", A, "here"), row("x", B, "there")]
    with pytest.raises(NothingMeasured, match="A in here, e and B in there, e; run `asv run` for the missing one"):
        chosen_setup(frame_of(rows), (A, B), CompareRequest("A", "B"))
    with pytest.raises(NothingMeasured, match="A in none and B in there, e"):
        chosen_setup(frame_of(rows), (A, B), CompareRequest("A", "B", machine="there"))


def test_the_value_of_a_run_is_the_median_of_its_processes():
    when = datetime(2026, 1, 1, tzinfo=UTC)
    key = SeriesKey("x", (), "m", "e")
    sessions = [session(key, A, str(i), (value,)) for i, value in enumerate((1.0, 1.5, 9.0))]
    commits = read_commits({A: when, B: when})
    stored = Results(frame_of([row("x", A), row("x", B)]), {}, ())
    (found,) = stored_series(stored, commits.order, Sessions(tuple(sessions)), Policy())
    assert [point.value for point in found.points] == [1.5, 1.0]  # asv's own, where there are no sessions
    assert found.points[0].sessions == (1.0, 1.5, 9.0)
    assert (found.unit, found.is_counter) == ("seconds", False)


def results_of(folder: Path, runs: Mapping[str, Mapping[str, object]], number: Sequence[int] = (10,) * 20) -> Path:
    """Twenty runs of two benchmarks, the last ten 1.3 times as slow; ``runs``: what the first and last ten say."""
    for place in range(20):
        side = "before" if place < 10 else "after"
        value = (1.0, 1.01)[place % 2] * (1.3 if place >= 10 else 1.0)
        own = [[value], [], "1", None, 1.0, None, None, [value], [value], [number[place]], [10]]
        commit = f"{place + 1:08x}" + "0" * 32
        write_result(folder, commit, {"x.time_a": own, "x.time_b": own}, place, "m", "e", **runs[side])
    return folder


def test_another_driver_is_named_once_and_no_regression(tmp_path: Path):
    said = {side: {"params": {"driver": own, "gpu": "H200"}} for side, own in (("before", "550"), ("after", "570"))}
    found = compared(None, results_of(tmp_path, said), CompareRequest("0000000a", "0000000b"))
    assert [one.state for one in found.judgements] == [State.UNDECIDED] * 2
    assert {one.reason for one in found.judgements} == {"measured with driver 550 → 570: not the code's doing alone"}
    assert found.notes == (
        "the two were not measured alike: driver 550 → 570",
        "what is undecided can be measured: run `tbp gate --tip 0000000a 0000000b`",
    )


def test_another_number_is_one_where_the_samples_last_otherwise(tmp_path: Path):
    alike: dict[str, dict[str, object]] = {"before": {}, "after": {}}
    other = results_of(tmp_path / "other", alike, [97_915] * 10 + [1] * 10)
    found = compared(None, other, CompareRequest("0000000a", "0000000b"))
    assert found.judgements[0].reason == "measured with calls per sample 97,915 → 1: not the code's doing alone"
    assert found.notes[0] == "the two were not measured alike: calls per sample 97,915 → 1"
    like = results_of(tmp_path / "like", alike, [10] * 10 + [4] * 10)
    found = compared(None, like, CompareRequest("0000000a", "0000000b"))
    assert (found.judgements[0].state, found.notes) == (State.REGRESSION, ())


def test_a_requirement_is_named_and_keeps_the_verdict(tmp_path: Path):
    said = {
        "before": {"python": "3.11", "requirements": {"numpy": "1.26", "six": "1"}},
        "after": {"python": "3.12", "requirements": {"numpy": "2.0", "six": "1"}},
    }
    found = compared(None, results_of(tmp_path, said), CompareRequest("0000000a", "0000000b"))
    assert [one.state for one in found.judgements] == [State.REGRESSION] * 2
    assert found.notes == ("the two were not measured alike: numpy 1.26 → 2.0, python 3.11 → 3.12",)
