"""Error rates of ``tbp compare``: how often it claims a change where there is none, and which changes it finds.

    python tools/compare_error_rates.py                       simulated runs
    python tools/compare_error_rates.py path/to/results       adjacent commits of real results, asv's rule beside

Simulated: comparisons of 20 benchmarks with 40 other runs, 3 processes a run with 2 % noise within, and noise between
runs as in the second column: ``normal``, or ``spikes``, with which one run in twenty takes 30 % longer.
Real: the truth is unknown, so a claim is called *lasting* where the runs 4 to 9 places further out on both sides still
show more than half of it.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise, product
from pathlib import Path
from statistics import median

import numpy as np

from tbp.asv.declarations import parameter_values
from tbp.asv.results import read_results
from tbp.asv.session_files import read_sessions
from tbp.comparison.judgements import StoredSeries, judgements
from tbp.comparison.stored_commits import stored_series
from tbp.model.changes import State
from tbp.model.comparison import ComparedCommit
from tbp.model.series import Better, Commit, Outcome, Point, SeriesKey
from tbp.project.commits import read_commits
from tbp.project.policy import Policy

CHANGED = (State.REGRESSION, State.IMPROVEMENT, State.CHANGED)
BENCHMARKS = 20
COMPARISONS = 100
OTHER_RUNS = 40
WITHIN = 0.02
SESSIONS = 3
SPIKE_SHARE, SPIKE = 0.05, 0.30


@dataclass(frozen=True)
class Setting:
    """One line of the simulation."""

    between: float
    effect: float = 0.0
    noise: str = "normal"
    other_runs: int = OTHER_RUNS
    is_newest: bool = False  # no run after the contender's
    changed: int = BENCHMARKS  # how many of the benchmarks have the effect


def simulated(setting: Setting, rng: np.random.Generator, count: int = COMPARISONS) -> Counter[tuple[bool, State]]:
    """The number of benchmarks by (really changed, state that it got)."""
    counts: Counter[tuple[bool, State]] = Counter()
    runs = setting.other_runs + 2
    second = runs - 1 if setting.is_newest else runs // 2
    commits = [
        Commit(f"{number:040d}", datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)) for number in range(runs)
    ]
    sides = ComparedCommit("A", commits[second - 1].hash), ComparedCommit("B", commits[second].hash)
    for _ in range(count):
        series = [_series(i, commits, second, setting, rng) for i in range(BENCHMARKS)]
        for judgement in judgements(series, *sides):
            counts[int(judgement.benchmark) < setting.changed and setting.effect > 0, judgement.state] += 1
    return counts


def _series(i: int, commits: Sequence[Commit], second: int, setting: Setting, rng: np.random.Generator) -> StoredSeries:
    level = rng.normal(0, setting.between, len(commits))
    if setting.noise == "spikes":
        level += SPIKE * (rng.random(len(commits)) < SPIKE_SHARE)
    if i < setting.changed:
        level[second:] += np.log1p(setting.effect)
    processes = np.exp(level[:, None] + rng.normal(0, WITHIN, (len(commits), SESSIONS)))
    points = [
        Point(commit, Outcome.MEASURED, float(np.median(medians)), sessions=tuple(medians.tolist()))
        for commit, medians in zip(commits, processes, strict=True)
    ]
    key = SeriesKey(f"{i:02d}", (), "machine", "environment")
    return StoredSeries(key, "seconds", Better.LOWER, False, tuple(points), ("1",) * len(points))


def print_simulation() -> None:
    print("noise   between  others  newest  effect   claimed of unchanged   found of changed   unchanged, of changed")
    for noise in ("normal", "spikes"):
        for between in (0.01, 0.03, 0.05, 0.10):
            for effect, other_runs, is_newest in (
                (0.0, 40, False), (0.0, 40, True), (0.0, 8, False), (0.0, 8, True),
                (0.1, 40, False), (0.3, 40, False), (0.3, 40, True), (1.0, 40, False),
            ):  # fmt: skip
                changed = BENCHMARKS // 4 if effect else BENCHMARKS
                setting = Setting(between, effect, noise, other_runs, is_newest, changed)
                counts = simulated(setting, np.random.default_rng(1))
                print(
                    f"{noise}  {between:6.0%}  {other_runs:6d}  {is_newest!s:6}  {effect:6.0%}"
                    f"  {_share(counts, False, CHANGED):>20}  {_share(counts, True, CHANGED):>17}"
                    f"  {_share(counts, True, (State.NO_CHANGE,)):>22}"
                )


def _share(counts: Counter[tuple[bool, State]], is_changed: bool, states: Sequence[State]) -> str:
    whole = sum(count for (changed, _), count in counts.items() if changed is is_changed)
    return f"{sum(counts[is_changed, state] for state in states) / whole:.2%}" if whole else "–"


# Real results


@dataclass(frozen=True)
class Claim:
    """A change that one rule claims of one benchmark in one pair of adjacent commits."""

    effect: float  # log
    is_lasting: bool | None  # None: too few runs further out


def print_real(results_dir: Path) -> None:
    results = read_results(results_dir)
    commits = read_commits(results.commits)
    all_series = stored_series(results, commits.order, read_sessions(results_dir), Policy())
    asv = AsvRule(results_dir)
    states: Counter[State] = Counter()
    claims: dict[str, list[Claim]] = {"tbp compare": [], "asv compare": [], "more than 10 %": []}
    pairs = 0
    for _, group in groupby(sorted(all_series, key=_setup), key=_setup):
        series = list(group)
        measured = {point.commit for single in series for point in single.points}
        order = sorted(measured, key=lambda commit: (commit.date, commit.hash))
        for old, new in pairwise(order):
            judged = judgements(series, ComparedCommit("A", old.hash), ComparedCommit("B", new.hash))
            by_name = {(single.key.benchmark, single.key.parameters): single for single in series}
            pairs += 1
            for judgement in judged:
                states[judgement.state] += 1
                if judgement.state in (State.SKIPPED, State.FAILED) or not judgement.before:
                    continue
                judged_series = by_name[judgement.benchmark, judgement.parameters]
                ratio = judgement.after / judgement.before
                claim = Claim(judgement.effect, _is_lasting(judged_series, old, new))
                if judgement.state in CHANGED:
                    claims["tbp compare"].append(claim)
                if asv.is_changed(judged_series.key, old.hash, new.hash):
                    claims["asv compare"].append(claim)
                if ratio > 1.1 or ratio < 1 / 1.1:
                    claims["more than 10 %"].append(claim)
    compared = sum(count for state, count in states.items() if state not in (State.SKIPPED, State.FAILED))
    print(f"{pairs:,} adjacent pairs, {compared:,} pairs × benchmarks measured on both sides")
    print(", ".join(f"{state}: {states[state]:,}" for state in State if states[state]))
    for rule, of_rule in claims.items():
        known = [claim.is_lasting for claim in of_rule if claim.is_lasting is not None]
        lasting = f"{sum(known):,} of {len(known):,} lasting"
        print(f"{rule:14}: {len(of_rule):5,} claimed changed ({len(of_rule) / compared:.2%}); {lasting}")


def _setup(series: StoredSeries) -> tuple[str, str]:
    return series.key.machine, series.key.environment


def _is_lasting(series: StoredSeries, old: Commit, new: Commit) -> bool | None:
    """True where runs that no rule looked at show the change too; None where they are too few."""
    measured = [point for point in series.points if point.outcome is Outcome.MEASURED]
    index_of = {point.commit.hash: index for index, point in enumerate(measured)}
    first, second = index_of[old.hash], index_of[new.hash]
    before = [point.value for point in measured[max(0, first - 9) : max(0, first - 3)]]
    after = [point.value for point in measured[second + 4 : second + 10]]
    if min(len(before), len(after)) < 3:
        return None
    step = measured[second].value - measured[first].value
    return bool(step) and (median(after) - median(before)) / step > 0.5


class AsvRule:
    """``asv compare`` with its own code and its default factor of 1.1."""

    def __init__(self, results_dir: Path) -> None:
        from asv.commands.compare import unroll_result
        from asv.results import iter_results

        self._cells: dict[tuple[object, ...], tuple[float, tuple[object, object]]] = {}
        for stored in iter_results(str(results_dir)):
            run = (stored.params["machine"], stored.env_name, stored.commit_hash)
            for name in stored.get_all_result_keys():
                params = stored.get_result_params(name)
                columns = [
                    get(name, params)
                    for get in (stored.get_result_value, stored.get_result_stats, stored.get_result_samples)
                ]
                cells = product(*parameter_values(params))
                for cell, (_, value, stats, samples) in zip(cells, unroll_result(name, params, *columns), strict=False):
                    self._cells[name, cell, *run] = (value, (stats, samples))

    def is_changed(self, key: SeriesKey, old: str, new: str) -> bool:
        from asv.commands.compare import _is_result_better

        cell = (key.benchmark, tuple(value for _, value in key.parameters), key.machine, key.environment)
        (before, before_stats), (after, after_stats) = self._cells[*cell, old], self._cells[*cell, new]
        return bool(
            _is_result_better(before, after, before_stats, after_stats, 1.1)
            or _is_result_better(after, before, after_stats, before_stats, 1.1)
        )


if __name__ == "__main__":
    print_real(Path(sys.argv[1])) if len(sys.argv) > 1 else print_simulation()
