"""``points.csv``: every stored value for other programs; docs/reference/data-files.md describes the columns.

Takes ``ReportData``, gives bytes in pieces: a large project has millions of points.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import repeat

import numpy as np
from msgspec import Struct

from tbp.model.points import OUTCOMES, columns, commits
from tbp.model.series import Commit, Point, SeriesKey
from tbp.report.base.report_data import ReportData
from tbp.system.arrays import Floats
from tbp.system.parallel import batched
from tbp.wording.csv_cells import csv_cell

MOST_PLAIN = 250_000
"""Points in a plain file: some 50 MB. Ten times as many compress to a tenth."""

BATCH_RUNS = 20_000  # written at a time, and packed as one piece: packing is no better for larger ones

COLUMNS = (
    "benchmark", "parameters", "machine", "environment", "commit", "date", "outcome", "value", "low", "high", "unit",
    "sessions", "comparable", "line",
)  # fmt: skip


class PointsJob(Struct, frozen=True):
    """A series whose points are to be written."""

    key: SeriesKey
    unit: str
    points: Sequence[Point]
    line: str = ""  # that they are on; empty of the branch


def points_file(data: ReportData) -> str:
    """The name of the file of all points: compressed where plain it would be too much for a page's folder."""
    number = sum(len(series.points) for series in data.histories) + sum(len(series.points) for series in data.beside)
    return "points.csv" if number <= MOST_PLAIN else "points.csv.gz"


def points(data: ReportData) -> list[Callable[[], bytes]]:
    """Functions that give the content of ``points_file``, piece by piece."""
    rows = packed_rows if points_file(data).endswith(".gz") else plain_rows
    jobs = [PointsJob(history.key, history.unit, history.points) for history in data.histories]
    jobs += [PointsJob(runs.key, runs.unit, runs.points, runs.line.name) for runs in data.beside]
    batches = batched(jobs, [len(job.points) for job in jobs], BATCH_RUNS)
    return [partial(rows, batch, number == 0) for number, batch in enumerate(batches or [[]])]


def packed_rows(jobs: Sequence[PointsJob], is_first: bool) -> bytes:
    """A piece of a gzip file, which may have any number of them. The same bytes give the same bytes."""
    return gzip.compress(plain_rows(jobs, is_first), compresslevel=1, mtime=0)


def plain_rows(jobs: Sequence[PointsJob], is_first: bool) -> bytes:
    """Every point of some series as lines of CSV (RFC 4180); above the first ones the names of the columns."""
    lines = [quoted(COLUMNS)] if is_first else []
    dates: dict[Commit, str] = {}
    for job in jobs:
        lines += _lines(job, dates)
    return "".join(f"{line}\r\n" for line in lines).encode()


def quoted(texts: Iterable[str]) -> str:
    """A line of CSV, or a part of one, without its end."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(texts)
    return text.getvalue()


def _lines(job: PointsJob, dates: dict[Commit, str]) -> Iterable[str]:
    """A line for each point. ``dates`` keeps the cells of each commit, and a series' own are quoted once.

    Quoting them for each point took four times as long as all the rest.
    """
    runs = columns(job.points)
    for commit in commits(job.points):
        if commit not in dates:
            dates[commit] = quoted((csv_cell(commit.hash), commit.date.isoformat()))
    sessions: Iterable[str] = repeat("0")
    if runs.sessions:
        sessions = [str(len(runs.sessions.get(index, ()))) for index in range(len(runs))]
    series = (job.key.benchmark, job.key.label, job.key.machine, job.key.environment)
    outcomes = [outcome.value for outcome in OUTCOMES]
    cells = zip(
        repeat(quoted(map(csv_cell, series))),
        [dates[commit] for commit in commits(job.points)],
        [outcomes[outcome] for outcome in runs.outcome.tolist()],
        *(_numbers(column) for column in (runs.value, runs.low, runs.high)),
        repeat(_one_cell(job.unit)),
        sessions,
        ["true" if is_comparable else "false" for is_comparable in runs.comparable.tolist()],
        repeat(_one_cell(job.line)),
    )
    return map(",".join, cells)


def _one_cell(text: str) -> str:
    """The cell within a line: csv quotes an empty one that stands alone."""
    return quoted((csv_cell(text),)) if text else ""


def _numbers(values: Floats) -> Iterable[str]:
    """Nine significant digits: a millionth of the noise of the calmest benchmark. Empty where there is no number."""
    known = np.isfinite(values).tolist()
    return [f"{value:.9g}" if is_known else "" for value, is_known in zip(values.tolist(), known, strict=True)]
