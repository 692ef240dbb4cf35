"""The comparison's page as data: the newest commit against the base or the one before it, judged as `tbp compare`.

Takes ``ReportData`` and the order of its commits, gives words and addresses. Any other pair is for the script, which
has the packed runs of ``grid`` and says what two values differ by, not whether the code changed.
"""

from __future__ import annotations

import math
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from tbp.asv.declarations import benchmark_from_name
from tbp.history.compare import StoredSeries, judgements
from tbp.history.points import columns as runs_of
from tbp.history.series import Commit, History, SeriesKey, State
from tbp.report import addresses, words
from tbp.report.grid import MOST_COMMITS, columns_of
from tbp.report.model import ReportData
from tbp.report.places import Places, series_href
from tbp.report.rows import CommitLink, commit_link
from tbp.report.strokes import BEYOND_NOISES
from tbp.report.summary import Tile, by_name, family_of, tile
from tbp.verdict import phrases
from tbp.verdict.judgement import Judged, Judgement

MOST_ROWS = 200
"""Of the precomputed pair, 700 bytes each."""


@dataclass(frozen=True)
class Pair:
    """Two commits in one place."""

    baseline: Commit
    contender: Commit
    machine: str
    environment: str


@dataclass(frozen=True)
class Row:
    benchmark: str
    parameters: str
    href: str
    state: State
    glyph: str
    verdict: str  # "undecided", or the effect with its direction
    interval: str
    before: str
    after: str
    reason: str


@dataclass(frozen=True)
class Mean:
    """Geometric mean of after ÷ before over the series of a suite that have one unit. It has no colour on the page:
    noise moves it too, and no rule says by how much.
    """

    suite: str
    what: str  # "time", "size", or the unit
    words: str
    series: int


@dataclass(frozen=True)
class ComparePage:
    """``before`` is None where no place has two commits."""

    verdict: str
    before: CommitLink | None
    after: CommitLink | None
    place: str
    default: str  # for the script: column of the baseline, of the contender, number of the place
    tallies: tuple[Tile, ...]
    means: tuple[Mean, ...]
    rows: tuple[Row, ...]
    left_out: str
    commands: tuple[str, ...]
    reach: float  # BEYOND_NOISES
    only_newest: str  # a sentence where not every commit can be chosen


def compare_page(data: ReportData, order: Sequence[Commit]) -> ComparePage:
    """The newest commit against the one before it, in the place with most series."""
    pair = default_pair(data.histories, order, data.base.commit.hash if data.base else "")
    columns = columns_of(order)
    older = len(order) - len(columns)
    only_newest = f"The {MOST_COMMITS} newest commits can be chosen here." if older > 0 else ""
    if pair is None:
        verdict = "Two commits are needed for a comparison."
        return ComparePage(verdict, None, None, "", "", (), (), (), "", (), BEYOND_NOISES, only_newest)
    own = {history.key: history for history in data.histories if _place(history) == (pair.machine, pair.environment)}
    found = _judgements(list(own.values()), pair)
    ranked = sorted(found, key=_rank)
    shown = [_row(judgement, own[_key(judgement, pair)]) for judgement in ranked[:MOST_ROWS]]
    spots = list(dict.fromkeys(_place(history) for history in by_name(data.histories)))
    place_of = {commit.hash: column for column, commit in enumerate(columns)}
    default = (
        place_of[pair.baseline.hash],
        place_of[pair.contender.hash],
        spots.index((pair.machine, pair.environment)),
    )
    return ComparePage(
        verdict=_verdict(found, pair),
        before=commit_link(pair.baseline, data.commit_url),
        after=commit_link(pair.contender, data.commit_url),
        place=" · ".join(filter(None, (pair.machine, pair.environment))),
        default=" ".join(map(str, default)),
        tallies=_tallies(found),
        means=_means(found),
        rows=tuple(shown),
        left_out=_left_out(ranked[MOST_ROWS:]),
        commands=_commands(pair, Places.of(data.histories)),
        reach=BEYOND_NOISES,
        only_newest=only_newest,
    )


def default_pair(histories: Sequence[History], order: Sequence[Commit], base: str = "") -> Pair | None:
    """The newest commit with values and the base, or else the newest before it, where most series have both.

    ``base`` is a hash; where nothing of the newest commit was measured at it, it is as if there were none.
    """
    position = {commit.hash: place for place, commit in enumerate(order)}
    found: Counter[tuple[int, int, tuple[str, str]]] = Counter()
    for history in histories:
        newest = _newest_before(history, len(history.points), position)
        if newest is None:
            continue
        before = _at(history, base, position) or _newest_before(history, newest[0], position)
        if before is not None and before[1] < newest[1]:
            found[(newest[1], before[1], _place(history))] += 1
    if not found:
        return None
    newest_at = max(contender for contender, _, _ in found)
    wanted = position.get(base, -1)
    candidates = [(key[1] == wanted, count, key) for key, count in found.items() if key[0] == newest_at]
    _, _, (contender, baseline, (machine, environment)) = max(candidates)
    return Pair(order[baseline], order[contender], machine, environment)


def _at(history: History, base: str, position: Mapping[str, int]) -> tuple[int, int] | None:
    """The same of the commit with the hash ``base``."""
    points = enumerate(history.points) if base else ()
    found = (index for index, point in points if point.commit.hash == base and point.has_level)
    return next(((index, position[base]) for index in found), None)


def _newest_before(history: History, end: int, position: Mapping[str, int]) -> tuple[int, int] | None:
    """Index and commit's place of the newest comparable value before index ``end``."""
    for index in range(end - 1, -1, -1):
        point = history.points[index]
        if point.has_level:
            return index, position[point.commit.hash]
    return None


def _place(history: History) -> tuple[str, str]:
    return history.key.machine, history.key.environment


def _key(judgement: Judgement, pair: Pair) -> SeriesKey:
    return SeriesKey(judgement.benchmark, judgement.parameters, pair.machine, pair.environment)


def _judgements(histories: Sequence[History], pair: Pair) -> tuple[Judgement, ...]:
    sides = [Judged(commit.short, commit.hash, commit.subject) for commit in (pair.baseline, pair.contender)]
    return judgements((_stored(history) for history in histories), sides[0], sides[1])


def _stored(history: History) -> StoredSeries:
    """The series as the comparison takes it. Runs of other benchmark versions compare with nothing."""
    kind = benchmark_from_name(history.key.benchmark).type
    return StoredSeries(
        key=history.key,
        unit=history.unit,
        better=history.better,
        is_counter=kind == "track" and history.unit != "seconds",
        points=history.points,
        versions=tuple(
            "present" if own else f"other {place}"
            for place, own in enumerate(runs_of(history.points).comparable.tolist())
        ),
    )


def _rank(judgement: Judgement) -> tuple[object, ...]:
    size = abs(judgement.effect)
    return phrases.ORDER.index(judgement.state), -size if math.isfinite(size) else 0.0, judgement.name


def _row(judgement: Judgement, history: History) -> Row:
    is_changed = judgement.state in phrases.CHANGED
    size = words.signed_percent(judgement.effect) if math.isfinite(judgement.effect) else ""
    effect = phrases.effect(judgement).removesuffix(phrases.interval(judgement)).strip()
    arrow = "▲" if judgement.after > judgement.before else "▼"
    state = words.PLURALS[judgement.state][0]
    return Row(
        benchmark=judgement.benchmark,
        parameters=judgement.label,
        href=series_href(history),
        state=judgement.state,
        glyph=words.GLYPHS[judgement.state],
        verdict=f"{arrow} {effect}" if is_changed else f"{state}, {size}" if size else state,
        interval=phrases.interval(judgement),
        before=words.quantity(judgement.before, judgement.unit),
        after=words.quantity(judgement.after, judgement.unit),
        reason=judgement.reason,
    )


def _tallies(found: Sequence[Judgement]) -> tuple[Tile, ...]:
    counts = Counter(judgement.state for judgement in found)
    return tuple(tile(state, counts[state]) for state in phrases.ORDER if counts[state])


def _verdict(found: Sequence[Judgement], pair: Pair) -> str:
    said = [f"{tally.number:,} {tally.word}" for tally in _tallies(found)]
    return f"{pair.contender.short} against {pair.baseline.short}: {', '.join(said)}."


def _left_out(rest: Sequence[Judgement]) -> str:
    said = [f"{tally.number:,} {tally.word}" for tally in _tallies(rest)]
    return f"Not listed: {', '.join(said)}." if said else ""


def _means(found: Sequence[Judgement]) -> tuple[Mean, ...]:
    """One per suite and unit, of the series that both commits have a positive value of."""
    both = [judgement for judgement in found if judgement.before > 0 and judgement.after > 0]
    both.sort(key=_mean_of)
    return tuple(_mean(list(own)) for _, own in groupby(both, key=_mean_of))


def _mean_of(judgement: Judgement) -> tuple[str, str, str]:
    return family_of(judgement.benchmark), judgement.unit, judgement.better


def _mean(own: Sequence[Judgement]) -> Mean:
    first = own[0]
    ratio = math.exp(math.fsum(math.log(one.after / one.before) for one in own) / len(own)) - 1
    said = words.signed_percent(ratio)
    is_none = abs(ratio) < 0.0005  # is shown as 0.0 %
    if not is_none:
        said = f"{'▲' if ratio > 0 else '▼'} {said} {words.direction(ratio > 0, first.unit, first.better)}"
    what = {"seconds": "time", "bytes": "size", "unit": "value"}.get(first.unit, first.unit)
    return Mean(family_of(first.benchmark), what, "no difference" if is_none else said, len(own))


def _commands(pair: Pair, places: Places) -> tuple[str, ...]:
    """To compare and to measure the two, where their hashes are hashes and nothing ends a shell's line."""
    hashes = [pair.baseline.short, pair.contender.short]
    if not all(addresses.HASH.fullmatch(own) for own in hashes):
        return ()
    named = [("--machine", pair.machine)] * places.machine + [("--environment", pair.environment)] * places.environment
    if not all(value.isprintable() for _, value in named):
        return ()
    options = [f"{option} {shlex.quote(value)}" for option, value in named]
    return " ".join(["tbp compare", *hashes, *options]), " ".join(["tbp gate", *hashes])
