"""Literal histories for the report's tests."""

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from msgspec.structs import replace

from tbp.asv.sessions import Session
from tbp.model.changes import Break, Change, ChangeEvidence, ChangeKind, History, State
from tbp.model.runs import Machine
from tbp.model.series import Better, Commit, Outcome, Point, SeriesKey
from tbp.report.base.render import Frame
from tbp.report.base.report_data import ReportData
from tbp.report.pages.benchmark.files import jobs
from tbp.report.pages.benchmark.page import BenchmarkPage, benchmark_page
from tbp.traces.operators.operators import OperatorTable

FIRST_DAY = datetime(2026, 5, 1, 12, tzinfo=UTC)


def commit(ordinal: int, subject: str = "") -> Commit:
    return Commit(f"{ordinal:02d}" + "c0ffee" * 6 + "00", FIRST_DAY + timedelta(days=ordinal), subject)


def numbered(place: int) -> Commit:
    """A commit whose hash is its place, in forty digits."""
    return Commit(f"{place:040d}", FIRST_DAY + timedelta(days=place))


def points(values: Iterable[float], sessions: int = 0) -> list[Point]:
    """A run for each value, NaN for one that failed, each of so many sessions that agree."""
    return [
        Point(
            numbered(place), Outcome.FAILED if math.isnan(value) else Outcome.MEASURED, value,
            sessions=(value,) * sessions,
        )
        for place, value in enumerate(values)
    ]  # fmt: skip


def session(key: SeriesKey, commit: str, name: str = "s", wall_s: tuple[float, ...] = (1.0,), **fields: Any) -> Session:
    """One process that timed a cell, and says nothing else but ``fields``."""
    facts: dict[str, Any] = {"run": "1", "started": FIRST_DAY, "threads": 1, "device": "cpu", "trace": None}
    facts |= {"trace_note": "", **fields}
    return Session(key=key, commit=commit, session=name, wall_s=wall_s, **facts)


def commit_order(histories: Sequence[History]) -> tuple[Commit, ...]:
    """Every commit of ``histories`` once, the oldest first."""
    commits = {point.commit for history in histories for point in history.points}
    return tuple(sorted(commits, key=lambda commit: (commit.date, commit.hash)))


def history(
    values: Sequence[float] = (1e-3, 1e-3, 1e-3, 1.2e-3, 1.2e-3),
    state: State = State.REGRESSION,
    *,
    benchmark: str = "attention.Quick.torchtime_step",
    parameters: tuple[tuple[str, str], ...] = (("variant", "sdpa"),),
    machine: str = "bench-1",
    environment: str = "py3.13",
    unit: str = "seconds",
    better: Better = Better.LOWER,
    changes: tuple[ChangeEvidence, ...] | None = None,
    reason: str = "",
    operators: OperatorTable | None = None,
) -> History:
    """A series of one value per commit; NaN is a run that failed, or was skipped where ``state`` says so."""
    outcome = Outcome.SKIPPED if state is State.SKIPPED else Outcome.FAILED
    points = tuple(
        Point(commit(ordinal), outcome, reason=reason)
        if math.isnan(value)
        else Point(commit(ordinal), Outcome.MEASURED, value, value * 0.99, value * 1.01, (value, value))
        for ordinal, value in enumerate(values)
    )
    if changes is None:
        changed = state in (State.REGRESSION, State.IMPROVEMENT)
        changes = (change(3, values[0], values[-1]),) if changed else ()
    return History(
        key=SeriesKey(benchmark, parameters, machine, environment),
        unit=unit,
        better=better,
        points=points,
        state=state,
        changes=changes,
        noise_within=0.01,
        noise_between=0.021,
        operators=operators,
        operators_commit=points[-1].commit if operators else None,
    )


HOSTILE = ("<script>alert(1)</script>", '=HYPERLINK("http://x")', "]]>&amp;<!--", "\x00\x0b\ufffe\udc80\u202e",
           'a"b,c\r\nd')  # fmt: skip
"""Names that mean something to a browser, a spreadsheet, XML, a terminal and CSV."""


def change(
    index: int, before: float, after: float, p_value: float = 0.0004, confirmed: bool = True, *, note: str = "",
    **fields: Any,
) -> ChangeEvidence:  # fmt: skip
    """A change between two levels, confirmed unless it is said not to be; ``fields`` are those of Change."""
    return ChangeEvidence(Change(index, before, after, p_value, confirmed, **fields), note=note)


def changes(*steps: tuple[int, float, float]) -> tuple[ChangeEvidence, ...]:
    """Confirmed changes of (index, before, after)."""
    return tuple(change(*step) for step in steps)


def of_two_versions() -> History:
    """Two runs of one version of the benchmark, and two of the next one."""
    plain = history((9.0, 9.0, 1.0, 1.0), State.NO_CHANGE)
    version = Break(2, ChangeKind.HARNESS, "benchmark version a → b", comparable=False)
    runs = tuple(replace(point, comparable=index > 1) for index, point in enumerate(plain.points))
    return replace(plain, points=runs, breaks=(version,))


def operator_table(
    names: Sequence[str] = ("aten::mm", "aten::softmax"), device_us: float = 0.0, self_us: Sequence[float] = (),
    calls: Sequence[float] = (),
) -> OperatorTable:  # fmt: skip
    """Operators with 100, 50, 33, … µs of self time, unless it is given."""
    rows = len(names)
    self_us = self_us or [100.0 / (place + 1) for place in range(rows)]
    frame = pd.DataFrame(
        {
            "operator": pd.Series(list(names), dtype=object),
            "calls": calls or [4.0] * rows,
            "self_us": self_us,
            "total_us": self_us,
            "self_device_us": [device_us] * rows,
            "total_device_us": [device_us] * rows,
            "shapes": pd.Series(["[[8, 64], [64, 64]]"] * rows, dtype=object),
        }
    )
    return OperatorTable(frame, steps=20)


def report(*histories: History, **fields: object) -> ReportData:
    values: dict[str, object] = {
        "project": "example",
        "histories": histories,
        "machines": (Machine("bench-1", (("processor", "Example CPU"), ("cores", "2"), ("system", "Linux"))),),
        "commit_url": "https://example.org/commit/",
        "commits": commit_order(histories),
        **fields,
    }
    return ReportData(**values)  # type: ignore[arg-type]


@pytest.fixture
def make_history() -> Callable[..., History]:
    return history


@pytest.fixture
def make_change() -> Callable[..., ChangeEvidence]:
    return change


@pytest.fixture
def make_operators() -> Callable[..., OperatorTable]:
    return operator_table


@pytest.fixture
def make_report() -> Callable[..., ReportData]:
    return report


def page_of(benchmark: str, data: ReportData) -> BenchmarkPage:
    """The page of a benchmark, with all that a site gives it."""
    (job,) = (job for job in jobs(data, Frame("example", "", "1")) if job.benchmark == benchmark)
    return benchmark_page(benchmark, job.data, job.places, job.rates, job.at_once, job.events, job.facets)
