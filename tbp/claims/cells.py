"""The cells of a practice: where the benchmarks measured it beside what it is held against, and what they say of it.

Takes a practice and all series, gives a ``PracticeCell`` for each series of the variant. How many times better it is
there is computed in ``factors``.
"""

from __future__ import annotations

import math
import re

from msgspec.structs import replace

from tbp.claims.factors import counted, exact, in_turns, over_runs, repeated
from tbp.claims.practice_cell import Basis, ClaimVerdict, PracticeCell
from tbp.claims.series_index import SeriesIndex, plain
from tbp.model import relevance
from tbp.model.cells import CellCounted
from tbp.model.changes import History
from tbp.model.series import Better, Outcome, SeriesKey
from tbp.project.claims_file import TIME, Practice
from tbp.wording.words import first_line

SIMPLY_BETTER = 1 + relevance.TWO_COMMITS
"""The factor that a practice without ``at_least`` needs: variants that differ by less are the same to all of tbp."""

KINDS = {"time": TIME, "timeraw": TIME, "torchtime": TIME}  # of asv's and the ruler's methods → the measure
_NUMBER = re.compile(r"\d{1,15}(\.\d{1,15})?")
_KIND = re.compile(r"^(time|timeraw|torchtime|mem|peakmem|track)_")
_NOISY = re.compile(r"^(seconds|s|ms|us|µs|ns)$|/|\bper\b", re.IGNORECASE)  # units of times and rates


def cells_of(practice: Practice, index: SeriesIndex) -> tuple[PracticeCell, ...]:
    """A cell for each series that measures the practice, by benchmark and size."""
    series = [(history, named_at) for history, named_at in index.of(practice) if _is_where(history.key, practice)]
    measured = [(history, named_at) for history, named_at in series if _measures(history, practice.measure)]
    if not measured and practice.measure in CellCounted.__struct_fields__:  # of the sessions of a timing
        measured = [(history, named_at) for history, named_at in series if _measures(history, TIME)]
    cells = [_cell(practice, history, named_at, index) for history, named_at in measured]
    if practice.over:
        cells = [_ruled(practice, cell) for cell in repeated(cells, practice.over)]
    return tuple(sorted(cells, key=_by_size))


def _by_size(cell: PracticeCell) -> tuple[object, ...]:
    """The order of cells: by benchmark and parameters, where 128 stands before 1024."""
    sizes = [(float(value), value) if _NUMBER.fullmatch(value) else (math.inf, value) for _, value in cell.given]
    return cell.key.benchmark, sizes, cell.key


def _cell(practice: Practice, history: History, named_at: int | None, index: SeriesIndex) -> PracticeCell:
    given = tuple(parameter for at, parameter in enumerate(history.key.parameters) if at != named_at)
    against = index.beside(history.key, named_at, practice.against)
    empty = PracticeCell(
        history.key, against.key if against is not None else None, given, ClaimVerdict.NOT_MEASURED,
        unit=history.unit, better=history.better,
    )  # fmt: skip
    if why := _missing(history):
        return replace(empty, reason=f"{practice.variant}: {why}")
    is_count = not _measures(history, practice.measure)
    compared = None if is_count else in_turns(empty, history, against, practice)
    if compared is not None:
        return _ruled(practice, compared)
    if against is None:
        return replace(empty, reason=f"{practice.against} is not measured there")
    if why := _missing(against):
        return replace(empty, reason=f"{practice.against}: {why}")
    if history.better is Better.UNKNOWN:
        reason = "nothing says whether less or more is better: set [tool.tbp.better] in pyproject.toml"
        return replace(empty, verdict=ClaimVerdict.UNDECIDED, reason=reason)
    if is_count:
        return _ruled(practice, counted(empty, history, against, practice.measure))
    is_noisy = bool(_NOISY.search(history.unit)) or history.key.benchmark.rpartition(".")[2].startswith("peakmem_")
    return _ruled(practice, (over_runs if is_noisy else exact)(empty, history, against))


def _ruled(practice: Practice, cell: PracticeCell) -> PracticeCell:
    """The cell with its verdict."""
    if cell.reason:
        return cell
    if practice.within is not None:
        if cell.basis is not Basis.EXACT:
            reason = "within is for numbers without noise; use at_least for a time"
            return replace(cell, verdict=ClaimVerdict.UNDECIDED, reason=reason)
        worse_by = cell.better.worse * (cell.value - cell.against_value)
        return replace(cell, verdict=ClaimVerdict.HOLDS if worse_by <= practice.within else ClaimVerdict.FAILS)
    least = threshold(practice)
    if cell.low >= least:
        return replace(cell, verdict=ClaimVerdict.HOLDS)
    if cell.high < least:
        return replace(cell, verdict=ClaimVerdict.FAILS)
    return replace(cell, verdict=ClaimVerdict.UNDECIDED, reason=_why_undecided(cell))


def threshold(practice: Practice) -> float:
    """The factor from which on a practice holds."""
    return practice.at_least if practice.at_least is not None else SIMPLY_BETTER


def _why_undecided(cell: PracticeCell) -> str:
    if math.isfinite(cell.low):
        return "the interval reaches over what is claimed"
    unit = {Basis.RUNS: "run", Basis.REPEATED: "repetition"}.get(cell.basis, "process")
    return f"one {unit} does not tell how far another one would be from it"


def _missing(history: History) -> str:
    """Why the newest run of a series has no value; empty where it has one."""
    newest = history.points[-1] if history.points else None
    if newest is None:
        return "no run"
    if newest.outcome is Outcome.MEASURED and newest.has_level:
        return ""
    reason = first_line(newest.reason)
    return f"{newest.outcome.value}{f', {reason}' if reason else ''}"


def _is_where(key: SeriesKey, practice: Practice) -> bool:
    known = dict(key.parameters)
    return all(plain(known.get(name, "")) == str(value) for name, value in practice.where.items())


def _measures(history: History, measure: str) -> bool:
    """True where the benchmark's method is of that kind or name."""
    method = history.key.benchmark.rpartition(".")[2]
    kind = _KIND.match(method)
    if kind is None:
        return method == measure
    return measure in (KINDS.get(kind[1], kind[1]), method[kind.end() :])
