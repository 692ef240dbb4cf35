"""Claims and histories → the verdict on each practice, and what was measured of each defect.

A practice holds where every cell that is decided says so. One that holds in some cells only depends on where.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from tbp.claims.cells import cells_of, threshold
from tbp.claims.practice_cell import ClaimVerdict, PracticeCell
from tbp.claims.reach import dependence, dimensions, spot_text
from tbp.claims.series_index import SeriesIndex
from tbp.model.changes import History
from tbp.model.points import last_with_level
from tbp.model.series import Commit, SeriesKey, Setup
from tbp.project.claims_file import Claim, ClaimsFile, KnownDefect, Practice
from tbp.wording import words

NAIVE, RIGHT = "track_naive", "track_right"
"""The methods of the benchmarks that record what a defect's snippets give; their parameter names the defect."""

DEFECT = "defect"
MOST_REASONS = 2


class JudgedPractice(Struct, frozen=True):
    """A practice with all its cells."""

    practice: Practice
    verdict: ClaimVerdict
    cells: tuple[PracticeCell, ...]
    remark: str = ""  # on what it depends, where it is undecided, why it is not measured; a phrase

    @property
    def measured(self) -> tuple[PracticeCell, ...]:
        """The cells with a factor."""
        return tuple(cell for cell in self.cells if not math.isnan(cell.factor))

    @property
    def is_unknown(self) -> bool:
        """True where no benchmark of the results is of both variants, so that measuring more would help."""
        is_alone = any(cell.against_key is None for cell in self.cells)
        return self.verdict is ClaimVerdict.NOT_MEASURED and (not self.cells or is_alone)


class JudgedClaim(Struct, frozen=True):
    """A claim with its practices, in the order of the file."""

    claim: Claim
    practices: tuple[JudgedPractice, ...]

    @property
    def counts(self) -> Counter[ClaimVerdict]:
        """How many practices have each verdict; those that nobody claims are left out."""
        return Counter(judged.verdict for judged in self.practices if judged.practice.is_claimed)


class JudgedDefect(Struct, frozen=True):
    """A defect, and the numbers of its snippets where the benchmarks recorded them; NaN where they did not."""

    defect: KnownDefect
    naive: float = math.nan
    right: float = math.nan
    commit: Commit | None = None
    key: SeriesKey | None = None  # of the naive snippet's series


class JudgedClaims(Struct, frozen=True):
    """All that a claims file says, with what is measured of it."""

    claims: tuple[JudgedClaim, ...] = ()
    defects: tuple[JudgedDefect, ...] = ()

    @property
    def counts(self) -> Counter[ClaimVerdict]:
        """How many practices of all claims have each verdict."""
        return sum((claim.counts for claim in self.claims), Counter())

    @property
    def sentence(self) -> str:
        """``12 of 20 measured practices hold, 5 depend on where, 3 do not hold here; 4 are not measured``."""
        return counts_sentence(self.counts)


def counts_sentence(counts: Mapping[ClaimVerdict, int]) -> str:
    """The counts of practices in words."""
    missing = counts.get(ClaimVerdict.NOT_MEASURED, 0)
    measured = sum(counts.values()) - missing
    if not measured:
        return "no practice is measured yet" if missing else "no practice is claimed"
    holding = counts.get(ClaimVerdict.HOLDS, 0)
    verb = "holds" if holding == 1 else "hold"
    parts = [f"{holding} of {words.count(measured, 'measured practice')} {verb}"]
    for verdict, singular, plural in (
        (ClaimVerdict.DEPENDS, "depends on where", "depend on where"),
        (ClaimVerdict.FAILS, "does not hold here", "do not hold here"),
        (ClaimVerdict.UNDECIDED, "is undecided", "are undecided"),
    ):
        if number := counts.get(verdict, 0):
            parts.append(f"{number} {singular if number == 1 else plural}")
    rest = f"; {missing} {'is' if missing == 1 else 'are'} not measured" if missing else ""
    return ", ".join(parts) + rest


def judged_claims(
    file: ClaimsFile, histories: Sequence[History], faces: Mapping[str, str] | None = None
) -> JudgedClaims:
    """The verdicts on all claims; ``faces`` have the names of machines, by identifier."""
    index = SeriesIndex(histories)
    claims = tuple(
        JudgedClaim(claim, tuple(_judged(practice, index, faces) for practice in claim.practices))
        for claim in file.claims
    )
    return JudgedClaims(claims, tuple(_defects(file.defects, histories)))


def _judged(practice: Practice, index: SeriesIndex, faces: Mapping[str, str] | None = None) -> JudgedPractice:
    cells = cells_of(practice, index)
    if not cells:
        return JudgedPractice(practice, ClaimVerdict.NOT_MEASURED, cells, index.lack(practice))
    counts = Counter(cell.verdict for cell in cells)
    if counts[ClaimVerdict.HOLDS] and counts[ClaimVerdict.FAILS]:
        return JudgedPractice(practice, ClaimVerdict.DEPENDS, cells, dependence(cells, threshold(practice), faces))
    for verdict in (ClaimVerdict.HOLDS, ClaimVerdict.FAILS):
        if counts[verdict]:
            return JudgedPractice(practice, verdict, cells, _but_undecided(cells, faces))
    verdict = ClaimVerdict.UNDECIDED if counts[ClaimVerdict.UNDECIDED] else ClaimVerdict.NOT_MEASURED
    return JudgedPractice(practice, verdict, cells, _reasons(cell for cell in cells if cell.verdict is verdict))


def _but_undecided(cells: Sequence[PracticeCell], faces: Mapping[str, str] | None) -> str:
    """``undecided at sequence_length=64``; empty where every measured cell is decided."""
    undecided = [cell for cell in cells if cell.verdict is ClaimVerdict.UNDECIDED]
    among = dimensions([cell for cell in cells if cell.verdict is not ClaimVerdict.NOT_MEASURED], faces)
    places = dict.fromkeys(spot_text(cell, among) for cell in undecided)
    return f"undecided at {words.named(list(places), MOST_REASONS)}" if undecided else ""


def _reasons(cells: Iterable[PracticeCell]) -> str:
    reasons = list(dict.fromkeys(cell.reason for cell in cells))
    return "; ".join(reasons[:MOST_REASONS])


def _defects(defects: Iterable[KnownDefect], histories: Iterable[History]) -> Iterable[JudgedDefect]:
    """Each defect with the newest numbers of its two snippets, of the machine that was last measured."""
    naive_ones: dict[str, list[History]] = {}
    right_ones: dict[tuple[str, Setup], list[History]] = {}
    for history in histories:
        method, name = history.key.benchmark.rpartition(".")[2], dict(history.key.parameters).get(DEFECT, "")
        if method == NAIVE and name:
            naive_ones.setdefault(name, []).append(history)
        elif method == RIGHT and name:
            right_ones.setdefault((name, history.key.setup), []).append(history)
    for defect in defects:
        pairs = [
            (naive, right)
            for naive in naive_ones.get(defect.name, ())
            for right in right_ones.get((defect.name, naive.key.setup), ())
        ]
        numbers = [_numbers(defect, naive, right) for naive, right in pairs]
        known = [judged for judged in numbers if judged.commit is not None]
        yield max(known, key=_age, default=JudgedDefect(defect))


def _numbers(defect: KnownDefect, naive: History, right: History) -> JudgedDefect:
    points = [last_with_level(history.points) for history in (naive, right)]
    newest = next((point for point in points if point is not None), None)
    if newest is None:
        return JudgedDefect(defect)
    values = (point.value if point is not None else math.nan for point in points)
    return JudgedDefect(defect, next(values), next(values), newest.commit, naive.key)


def _age(judged: JudgedDefect) -> tuple[float, str]:
    assert judged.commit is not None
    return judged.commit.date.timestamp(), judged.commit.hash
