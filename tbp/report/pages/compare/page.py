"""The comparison's page as data: a pair of commits that has something to say, judged as `tbp compare` judges.

Takes ``ReportData``, gives words and addresses. Any other pair is judged by the script
(``static/pages/judge.js``), by the same rules, from the packed runs of ``grid``.
"""

from __future__ import annotations

import math
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from tbp.comparison.judgements import judgements, series_of_points
from tbp.model.changes import History, State
from tbp.model.comparison import ComparedCommit, Judgement
from tbp.model.series import Commit, SeriesKey, Setup, Tag
from tbp.report.base.report_data import ReportData
from tbp.report.data.run_grid import MOST_COMMITS, columns_of
from tbp.report.pages.compare.means import Mean, difference_said, means
from tbp.report.pages.compare.pairs import CommitPair, pairs
from tbp.report.pages.compare.ranks import rank_notes
from tbp.report.parts import addresses
from tbp.report.parts.addresses import series_href
from tbp.report.parts.commit_links import CommitLink, commit_link
from tbp.report.parts.series_names import SetupNames
from tbp.report.parts.series_order import Tile, by_name
from tbp.wording import phrases, verdicts, words

MOST_ROWS = 200
"""Rows of the precomputed pair, 700 bytes each."""

MOST_UNFOLDED = 20
"""Rows without a change that stand open."""

MOST_TRIED = 1_000
"""Series judged to find a pair in which something changed; 1 to 2 ms each on two slow cores."""

TAG_LENGTH = 40
"""Characters of a tag's name."""


class CompareRow(Struct, frozen=True):
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


class ComparedSide(Struct, frozen=True):
    """One of the two commits."""

    name: str  # "Baseline" or "Contender"
    commit: CommitLink
    tags: str  # "v1.2, v1.2.1"
    why: str  # it was chosen, of the baseline: "the run before"


class FoldedRows(Struct, frozen=True):
    """Rows under one heading: what may matter, then what did not change, then what could not be compared."""

    folded: str  # the word on the fold: "no change"; empty where the rows stand open
    rows: tuple[CompareRow, ...]


class ComparePage(Struct, frozen=True):
    """``sides`` is empty where no place has two commits."""

    verdict: str
    sides: tuple[ComparedSide, ...] = ()
    setup_name: str = ""
    default: str = ""  # for the script: column of the baseline, of the contender, number of the place
    tallies: tuple[Tile, ...] = ()
    means: tuple[Mean, ...] = ()
    groups: tuple[FoldedRows, ...] = ()
    left_out: str = ""
    series: int = 0  # with those left out
    commands: tuple[str, ...] = ()
    only_newest: str = ""  # a sentence where not every commit can be chosen
    most_unfolded: int = MOST_UNFOLDED  # for the script
    rank_notes: tuple[str, ...] = ()  # sentences on ranks of distributed series that changed alone
    is_distributed: bool = False  # True where a series has ranks, of whatever pair


def compare_page(data: ReportData) -> ComparePage:
    """The first of ``pairs`` in which something changed, or how to come by one."""
    base = data.base.commit.hash if data.base else ""
    begun = _first_said(pairs(data.histories, data.commits, base, data.tags), data.by_setup)
    if begun is None:
        return ComparePage("Two commits are needed for a comparison.")
    pair, judged = begun
    by_key = {history.key: history for history in data.by_setup[pair.setup]}
    ranked = sorted(judged, key=_rank)
    rows = [_row(judgement, by_key[_key(judgement, pair)]) for judgement in ranked[:MOST_ROWS]]
    measured = list(dict.fromkeys(history.key.setup for history in by_name(data.histories)))
    columns = [commit.hash for commit in columns_of(data.commits)]
    ends = [columns.index(commit.hash) for commit in (pair.baseline, pair.contender)]
    return ComparePage(
        verdict=_verdict(judged, pair),
        sides=_sides(pair, data),
        setup_name=pair.setup.called(data.faces),
        default=" ".join(map(str, [*ends, measured.index(pair.setup)])),
        tallies=_tallies(judged),
        means=means(judged),
        groups=_groups(rows),
        series=len(judged),
        left_out=_left_out(ranked[MOST_ROWS:]),
        commands=_commands(pair, SetupNames.of(data.histories)),
        only_newest=_only_newest(data, len(data.commits) - len(columns), pair),
        rank_notes=rank_notes(judged, data.by_setup[pair.setup], pair.baseline, pair.contender),
        is_distributed=any(history.ranks for history in data.histories),
    )


def _first_said(
    tried: Iterable[CommitPair], by_setup: Mapping[Setup, Sequence[History]]
) -> tuple[CommitPair, tuple[Judgement, ...]] | None:
    """The first pair in which something changed, else the first one."""
    first, looked_at = None, 0
    for pair in tried:
        series = by_setup[pair.setup]
        looked_at += len(series)
        if first is not None and looked_at > MOST_TRIED:
            break
        judged = _judgements(series, pair)
        first = first or (pair, judged)
        if any(judgement.state in phrases.CHANGED for judgement in judged):
            return pair, judged
    return first


def _groups(rows: Sequence[CompareRow]) -> tuple[FoldedRows, ...]:
    """Few rows without a change stay beside the others: a page of ten needs no folding."""
    folds = [State.SKIPPED]
    if sum(row.state is State.NO_CHANGE for row in rows) > MOST_UNFOLDED:
        folds.insert(0, State.NO_CHANGE)
    groups = [FoldedRows("", tuple(row for row in rows if row.state not in folds))]
    groups += [FoldedRows(_word(state, 2), tuple(row for row in rows if row.state is state)) for state in folds]
    return tuple(group for group in groups if group.rows)


def _sides(pair: CommitPair, data: ReportData) -> tuple[ComparedSide, ...]:
    sides = (("Baseline", pair.baseline, pair.why), ("Contender", pair.contender, ""))
    return tuple(
        ComparedSide(name, commit_link(commit, data.commit_url), _tags(data.tags, commit), why)
        for name, commit, why in sides
    )


def _tags(tags: Sequence[Tag], commit: Commit) -> str:
    return ", ".join(words.cut(tag.name, TAG_LENGTH) for tag in tags if tag.commit == commit.hash)


def _only_newest(data: ReportData, older: int, pair: CommitPair) -> str:
    """That older commits cannot be chosen, the base among them where it is one."""
    if older <= 0:
        return ""
    sentence = f"The {MOST_COMMITS} newest commits can be chosen here."
    if data.base is not None and data.base.commit.hash not in (pair.baseline.hash, pair.contender.hash):
        sentence += (
            f" {words.cut(data.base.revision, TAG_LENGTH)} is not one of them, or has no values on this environment."
        )
    return sentence


def _key(judgement: Judgement, pair: CommitPair) -> SeriesKey:
    return SeriesKey(judgement.benchmark, judgement.parameters, pair.setup.machine, pair.setup.environment)


def _judgements(histories: Sequence[History], pair: CommitPair) -> tuple[Judgement, ...]:
    sides = [ComparedCommit(commit.short, commit.hash, commit.subject) for commit in (pair.baseline, pair.contender)]
    series = (series_of_points(history.key, history.unit, history.better, history.points) for history in histories)
    return judgements(series, sides[0], sides[1])


def _rank(judgement: Judgement) -> tuple[object, ...]:
    size = abs(judgement.effect)
    return phrases.ORDER.index(judgement.state), -size if math.isfinite(size) else 0.0, judgement.name


def _row(judgement: Judgement, history: History) -> CompareRow:
    is_changed = judgement.state in phrases.CHANGED
    state = _word(judgement.state, 1)
    interval = words.interval_of(judgement.low, judgement.high, judgement.before, judgement.unit)
    if is_changed:
        effect = phrases.effect(judgement).removesuffix(phrases.interval(judgement)).strip()
        state = f"{'▲' if judgement.after > judgement.before else '▼'} {effect}"
    elif math.isfinite(judgement.effect):
        size = words.signed_size(judgement.before, judgement.after, judgement.unit)
        state += difference_said(judgement.state, judgement.effect, size)
    return CompareRow(
        benchmark=judgement.benchmark,
        parameters=judgement.label,
        href=series_href(history),
        state=judgement.state,
        glyph=verdicts.GLYPHS[judgement.state],
        verdict=state,
        interval=f"({interval})" if interval else "",
        before=words.quantity(judgement.before, judgement.unit),
        after=words.quantity(judgement.after, judgement.unit),
        reason=judgement.reason,
    )


def _word(state: State, number: int) -> str:
    """A state in words. Series that could not be compared may have failed: they were not always skipped."""
    return "not comparable" if state is State.SKIPPED else verdicts.PLURALS[state][number != 1]


def states() -> list[list[str]]:
    """For the script, in the order in which they are listed: class, glyph, word for one and for several."""
    return [[state.name.lower(), verdicts.GLYPHS[state], _word(state, 1), _word(state, 2)] for state in phrases.ORDER]


def _tallies(judged: Sequence[Judgement]) -> tuple[Tile, ...]:
    counts = Counter(judgement.state for judgement in judged)
    present = [(state, counts[state]) for state in phrases.ORDER if counts[state]]
    return tuple(Tile(state, number, _word(state, number), verdicts.GLYPHS[state]) for state, number in present)


def _verdict(judged: Sequence[Judgement], pair: CommitPair) -> str:
    counts = [f"{tally.number:,} {tally.word}" for tally in _tallies(judged)]
    return f"{pair.contender.short} against {pair.baseline.short}: {', '.join(counts)}."


def _left_out(rest: Sequence[Judgement]) -> str:
    counts = [f"{tally.number:,} {tally.word}" for tally in _tallies(rest)]
    return f"Not listed: {', '.join(counts)}." if counts else ""


def _commands(pair: CommitPair, setup_names: SetupNames) -> tuple[str, ...]:
    """To compare and to measure the two, where their hashes are hashes and nothing ends a shell's line."""
    hashes = [pair.baseline.short, pair.contender.short]
    if not all(addresses.HASH.fullmatch(text) for text in hashes):
        return ()
    named = [("--machine", pair.setup.machine)] * setup_names.has_machines
    named += [("--environment", pair.setup.environment)] * setup_names.has_environments
    if not all(value.isprintable() for _, value in named):
        return ()
    options = [f"{option} {shlex.quote(value)}" for option, value in named]
    return " ".join(["tbp compare", *hashes, *options]), " ".join(["tbp gate --tip", *hashes])
