"""Which commits of an event are named, because they touch what it was measured with."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from tbp.history.events import Event, SeriesChange, Touching
from tbp.history.ranges import CommitOrder
from tbp.history.touching import MOST_COMMITS, to_ask, with_touching
from tbp.model.changes import Change, ChangeEvidence, ChangeKind, History, State
from tbp.model.series import Better, Commit, SeriesKey

COMMITS = tuple(Commit(f"c{place}", datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=place)) for place in range(5))
IN_ORDER = CommitOrder([commit.hash for commit in COMMITS], COMMITS)


def event(benchmark: str = "suites.attention.Quick.time_step", start: int = 1, end: int = 3) -> Event:
    key = SeriesKey(benchmark, (), "m", "e")
    history = History(key, "seconds", Better.LOWER, (), State.REGRESSION)
    change = SeriesChange(history, ChangeEvidence(Change(1, 1.0, 2.0, 0.001, True)))
    return Event(IN_ORDER.range(start, end), ChangeKind.CODE, "", (change,), ())


def named(path: str, benchmark_dir: str = "benchmarks", **fields: object) -> tuple[Touching, ...]:
    (found,) = with_touching([event(**fields)], IN_ORDER, {"c2": (path, "src/code.py")}, benchmark_dir)  # type: ignore[arg-type]
    return found.touching


@pytest.mark.parametrize(
    "path",
    [
        "asv.conf.json", "perf/asv.conf.jsonc", "pyproject.toml", "setup.cfg", "requirements.txt",
        "ci/requirements-dev.txt", "requirements/test.in", "constraints.txt", "environment.yml", "uv.lock",
        "Pipfile.lock", "conda-lock.yml", "benchmarks/suites/attention.py", "perf/benchmarks/suites/__init__.py",
        "benchmarks/suites/attention/Quick.py",  # a module may have a class's name
        "benchmarks/suites/workloads/attention.py",
    ],
)  # fmt: skip
def test_a_commit_that_touches_requirements_or_the_benchmark_is_named(path: str):
    assert named(path) == (Touching("c2", (path,)),)


@pytest.mark.parametrize(
    "path",
    [
        "src/attention.py", "mybenchmarks/suites/attention.py", "docs/requirements.md", "src/lock.py",
        "pyproject.toml.orig",
        # Of another benchmark.
        "benchmarks/attention.py", "benchmarks/suites/feed_forward.py", "benchmarks/suites/workloads/feed_forward.py",
    ],
)  # fmt: skip
def test_other_files_are_the_code(path: str):
    assert named(path) == ()


def test_benchmarks_are_where_asv_looks_for_them():
    assert named("perf/suites/attention.py", "./perf/") == (Touching("c2", ("perf/suites/attention.py",)),)


def test_only_the_commits_of_the_range_are_asked_for_and_named():
    files = dict.fromkeys(IN_ORDER.hashes, ("uv.lock",))
    (found,) = with_touching([event()], IN_ORDER, files, "benchmarks")
    assert [one.commit for one in found.touching] == ["c1", "c2", "c3"] == to_ask([found], IN_ORDER)


def test_what_is_no_verdict_and_what_is_too_wide_is_not_to_ask():
    other = replace(event(), kind=ChangeKind.DEPENDENCY)
    suspect = replace(event(), changes=(), suspects=event().changes)
    wide = replace(event(), range=replace(event().range, end=MOST_COMMITS + 1))
    assert to_ask([other, suspect, wide], IN_ORDER) == []
    files = dict.fromkeys(IN_ORDER.hashes, ("uv.lock",))
    assert with_touching([other, suspect, wide], IN_ORDER, files, "benchmarks") == (other, suspect, wide)
