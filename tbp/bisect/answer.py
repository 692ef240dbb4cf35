"""A search → its answer: how it ended, the culprit, what it leaves unexplained, and what to do next.

Takes the trials and the commits of the line, gives a ``Bisection``; project, machine and time are the caller's.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from math import expm1, isnan, log1p, nan

from msgspec.structs import replace

from tbp.bisect.bisection import Bisection, Culprit, Ending, PairsAgainst, ProbeResult
from tbp.bisect.search import LineSearch
from tbp.bisect.trials import Ruling, SeriesName, Trial, effect_of
from tbp.errors import ExitCode
from tbp.model.changes import State
from tbp.model.comparison import ComparedCommit, Judgement
from tbp.model.series import short_hash
from tbp.project.first_parents import LineCommit
from tbp.turns.run import INTERRUPTED

# A culprit that makes up this much of the change leaves nothing worth another search, whatever the interval says.
WHOLE_SHARE = 0.8


def answer(search: LineSearch, line: Sequence[LineCommit], series: SeriesName, ended: str, bench: str) -> Bisection:
    """The answer as far as ``search`` is; ``ended`` is why it ended early, ``bench`` how the user named the series."""
    ends = search.ends
    judged = ends.judged(search.limits, series, ended) if ends is not None else Judgement(*series, State.UNDECIDED)
    steps = tuple(_culprit(trial, search, line, series) for trial in _steps(search))
    ending = _ending(search, steps, ended)
    result = Bisection(
        project="",
        benchmark=series[0],
        parameters=series[1],
        good=ComparedCommit("", line[0].commit, line[0].subject),
        bad=ComparedCommit("", line[-1].commit, line[-1].subject),
        ending=ending,
        commits=len(line) - 1,
        ends=judged,
        culprit=steps[0] if steps else None,
        suspects=tuple(line[index] for index in search.suspects),
        steps=steps[1:],
        probes=tuple(_probes(search, line)),
        reason=_reason(search, line, ending, ended, judged),
    )
    low, middle, high = _remaining(result)
    result = replace(result, remaining=middle, remaining_low=low, remaining_high=high)
    return replace(result, next=tuple(_next(result, bench, _sides_of_rest(search))))


def _sides_of_rest(search: LineSearch) -> tuple[bool, bool]:
    """True where the rest of the change may be before, or after the culprit: the probes show it, or tell neither."""
    ends, levels = search.ends, search.bracket().levels
    is_before = levels.good != 0
    is_after = ends is not None and levels.bad != effect_of(ends, search.limits)
    return is_before or not is_after, is_after or not is_before


def exit_code(result: Bisection) -> ExitCode:
    """REGRESSION where the commit or the range of a slowdown is known, UNDECIDED where nothing is sure."""
    if result.ending in (Ending.COMMIT, Ending.RANGE):
        return ExitCode.REGRESSION if result.ends.state is State.REGRESSION else ExitCode.OK
    return {
        Ending.NO_CHANGE: ExitCode.OK,
        Ending.UNDECIDED: ExitCode.UNDECIDED,
        Ending.INTERRUPTED: ExitCode.INTERRUPTED,
    }[result.ending]


def _steps(search: LineSearch) -> list[Trial]:
    """The confirmed steps; where nothing lies between the ends that can be measured, the ends are the step."""
    ends = search.ends
    if ends is None or ends.ruling is not Ruling.BAD:
        return []
    return search.steps or ([ends] if len(search.skipped) == search.last - 1 else [])


def _culprit(trial: Trial, search: LineSearch, line: Sequence[LineCommit], series: SeriesName) -> Culprit:
    judgement = replace(trial.judged(search.limits, series), operators=trial.operators or ())
    against = ((trial.base, trial.count),) if trial.indirect is None else trial.indirect.against
    rests_on = tuple(PairsAgainst(line[index].commit, count) for index, count in against)
    return Culprit(line[trial.head], line[trial.base].commit, judgement, rests_on)


def _ending(search: LineSearch, steps: Sequence[Culprit], ended: str) -> Ending:
    ends = search.ends
    if steps and (not ended or search.has_ended or not search.steps):
        return Ending.COMMIT if len(search.suspects) == 1 else Ending.RANGE
    if ended == INTERRUPTED:
        return Ending.INTERRUPTED
    return Ending.NO_CHANGE if ends is not None and ends.ruling is Ruling.GOOD else Ending.UNDECIDED


def _reason(search: LineSearch, line: Sequence[LineCommit], ending: Ending, ended: str, ends: Judgement) -> str:
    if ended or ending is not Ending.UNDECIDED:
        return ended
    if search.ends is not None and search.ends.ruling is Ruling.UNDECIDED:
        return ends.reason
    undecided = [trial for trial in search.trials if trial.ruling is Ruling.UNDECIDED]
    if undecided:
        return f"{undecided[-1].reason}: the machine is too noisy for a change of this size"
    if doubtful := [trial for trial in search.trials if trial.ruling is Ruling.NO_STEP and trial.reason]:
        likeliest = max(doubtful, key=lambda trial: abs(effect_of(trial, search.limits)))
        commit = short_hash(line[likeliest.head].commit)
        return f"{commit} is suspected, and fresh pairs do not confirm it: {likeliest.reason}"
    return "no commit of them shows the change against the one before it: it may have come in several small steps"


def _remaining(result: Bisection) -> tuple[float, float, float]:
    """The change of the ends without the culprit's: low, middle and high."""
    if result.culprit is None or result.culprit.judgement.evidence == 0:
        return nan, nan, nan
    whole, part = result.ends, result.culprit.judgement
    if whole == part or (whole.low, whole.high) == (part.low, part.high):
        return 0.0, 0.0, 0.0
    middle = log1p(whole.effect) - log1p(part.effect)
    reach = _half(whole) ** 2 + _half(part) ** 2
    low, high = middle - reach**0.5, middle + reach**0.5
    if part.effect / whole.effect >= WHOLE_SHARE:
        low, high = min(low, 0.0), max(high, 0.0)
    return expm1(low), expm1(middle), expm1(high)


def _half(judgement: Judgement) -> float:
    return (log1p(judgement.high) - log1p(judgement.low)) / 2


def _probes(search: LineSearch, line: Sequence[LineCommit]) -> Iterator[ProbeResult]:
    for trial in search.trials:
        if not trial.pairs:
            continue
        judgement = trial.judged(search.limits)
        commit, against = line[trial.head].commit, line[trial.base].commit
        effect = nan if isnan(judgement.effect) else judgement.effect
        yield ProbeResult(commit, against, trial.role.value, trial.ruling.value, len(trial.pairs), effect, trial.reason)
    for index, reason in search.skipped.items():
        yield ProbeResult(line[index].commit, line[0].commit, "skipped", "", reason=reason)


def _next(result: Bisection, bench: str, rest: tuple[bool, bool]) -> Iterator[str]:
    """Commands, each after what it is for. The user's pattern is quoted for a shell, hashes need it not."""
    series = shlex.quote(bench)
    if result.ending in (Ending.UNDECIDED, Ending.INTERRUPTED):
        if result.reason == INTERRUPTED or "budget" in result.reason:
            yield "go on: the same command again"
        else:
            yield "more pairs, on a quieter machine: the same command with --restart"
    if result.ending is Ending.NO_CHANGE:
        yield f"noise can hide where a change began, before GOOD or after BAD: tbp bisect {series} EARLIER LATER"
    if result.culprit is None or result.ending not in (Ending.COMMIT, Ending.RANGE):
        return
    commit, before = result.culprit.commit, short_hash(result.culprit.before)
    good, bad = short_hash(result.good.commit), short_hash(result.bad.commit)
    short = short_hash(commit.commit)
    yield f"the change: git show {short}" if result.ending is Ending.COMMIT else f"the range: git log {before}..{short}"
    if commit.is_merge and len(commit.parents) == 2:
        yield f"inside the merge: tbp bisect {series} {good} {bad} --into-merges"
    yield f"every benchmark of it: tbp gate {before} {short}"
    is_before, is_after = rest
    if result.has_remainder and is_before:
        yield f"the rest before it: tbp bisect {series} {good} {before}"
    if result.has_remainder and is_after:
        yield f"the rest after it: tbp bisect {series} {short} {bad}"
    if result.ends.state is State.REGRESSION:
        yield f"accept it: tbp ack {short} --reason …"
