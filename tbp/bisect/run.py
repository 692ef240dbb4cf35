"""``tbp bisect`` from two commits to a ``Bisection``: trials until the search has ended, each pair stored.

A budget ends all waiting: what is known then is the result, and so it is after an interrupt. The same question asked
again goes on from there.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Sequence
from math import expm1, isfinite

from msgspec.structs import replace

from tbp.asv.runner import interruptible
from tbp.bisect.answer import answer
from tbp.bisect.bisection import Bisection, Ending
from tbp.bisect.search import LineSearch
from tbp.bisect.stored import Question, StoredSearch, digest_of_suites
from tbp.bisect.trials import Role, Ruling, Trial, effect_of
from tbp.bisect.turns import BisectRequest, CannotMeasure, Turns
from tbp.bisect.weights import weights
from tbp.errors import NothingMeasured, TbpError
from tbp.model.comparison import ComparedCommit
from tbp.model.series import short_hash
from tbp.project.asv_config import AsvConfig
from tbp.project.first_parents import LineCommit, first_parents, merged_line
from tbp.project.touched_files import touched
from tbp.system.children import marking
from tbp.system.progress import Progress
from tbp.turns.measuring import contention_notes
from tbp.turns.run import ENDING_SHARE, INTERRUPTED
from tbp.turns.worker_process import Deadline, OutOfTime
from tbp.wording import words
from tbp.wording.words import one_line

MOST_SUBJECT = 50  # characters in a line of progress


def bisect(config: AsvConfig, good: ComparedCommit, bad: ComparedCommit, request: BisectRequest) -> Bisection:
    """Search the line between two commits for the one that changed a series.

    An interrupt, or a SIGTERM like one, ends it: what was known by then is given, and kept for the next try.

    Raises:
        RunFailed: asv failed through no fault of a commit.
        NothingMeasured: an end of the line cannot be measured, or the series is not in both.
        UsageError: no line leads from one commit to the other, or the pattern finds several series.
        KeyboardInterrupt: it was interrupted before there was anything to measure.
    """
    deadline = Deadline(time.monotonic() + request.budget_s * (1 - ENDING_SHARE))
    with interruptible(), marking(), Progress() as progress:
        return _searched(config, good, bad, request, Turns(config, request, deadline, progress), progress)


def _searched(
    config: AsvConfig,
    good: ComparedCommit,
    bad: ComparedCommit,
    request: BisectRequest,
    turns: Turns,
    progress: Progress,
) -> Bisection:
    start_s = time.monotonic()
    line = first_parents(config.local_repository, good, bad)
    bisecting = _Bisecting(config, line, request, turns, progress)
    ended = bisecting.to_the_end()
    if bisecting.series is None:
        raise NothingMeasured(f"{ended} before the benchmark was found; the next try goes on from what is installed")
    notes = list(contention_notes([pair.contaminated for trial in bisecting.search.trials for pair in trial.pairs]))
    if line[0].commit != good.commit:
        departed = f"{good.revision} is not on the first-parent line of {bad.revision}: the search began where it left"
        notes.append(departed)
        good = ComparedCommit(f"where {good.revision} left {bad.revision}", line[0].commit, line[0].subject)
    result = replace(
        answer(bisecting.search, line, bisecting.series, ended, request.bench),
        project=config.project, good=good, bad=bad, machine=request.machine or platform.node(),
        environment=turns.environment, seconds=time.monotonic() - start_s, notes=tuple(notes),
    )  # fmt: skip
    return _with_inside(config, result, request, turns, progress)


def _with_inside(
    config: AsvConfig, result: Bisection, request: BisectRequest, turns: Turns, progress: Progress
) -> Bisection:
    """``result``, and where its culprit is a merge, the search inside of it, if that is wanted."""
    if not request.into_merges or result.culprit is None or result.ending is not Ending.COMMIT:
        return result
    both = merged_line(config.local_repository, result.culprit.commit)
    if both is None:
        return result
    progress.line(f"tbp: {short_hash(result.culprit.commit.commit)} is a merge: searching the commits that it brought")
    try:
        return replace(result, inside=_searched(config, *both, request, turns, progress))
    except (TbpError, KeyboardInterrupt) as problem:
        why = str(problem) or INTERRUPTED
        return replace(result, notes=(*result.notes, f"the inside of the merge was not searched: {why}"))


class _Bisecting:
    """One line while it is searched."""

    def __init__(
        self, config: AsvConfig, line: Sequence[LineCommit], request: BisectRequest, turns: Turns, progress: Progress
    ) -> None:
        self._line, self._request, self._turns, self._progress = line, request, turns, progress
        repository, suites = config.local_repository, config.path.parent / config.benchmark_dir
        commits = [commit.commit for commit in line[1:]]
        top = config.benchmark_dir.removeprefix("./")
        self.search = LineSearch(weights(commits, touched(repository, commits), top), request.limits)
        question = Question(
            request.bench, tuple(commit.commit for commit in line), request.environment, request.threads,
            platform.node(), digest_of_suites(suites), request.limits.relevant,
        )  # fmt: skip
        self._stored = StoredSearch(config.env_dir, question)
        if request.restart:
            self._stored.forget()
        self.series = self._stored.read_into(self.search)

    def to_the_end(self) -> str:
        """Measure until nothing more is to be measured; why it ended before, else empty."""
        try:
            self._resume()
            while (trial := self.search.next()) is not None:
                self._measure(trial)
            self._name_known_step()
            self._explain()
        except OutOfTime:
            return f"the budget of {self._request.budget_s / 60:g} min ended"
        except KeyboardInterrupt:
            if self.series is None:
                raise
            return INTERRUPTED
        return ""

    def _resume(self) -> None:
        ends = self._line[0].commit, self._line[-1].commit
        if self.series is None:
            try:
                self.series = self._turns.resolved(*ends)
            except CannotMeasure as reason:
                raise NothingMeasured(f"GOOD (base) and BAD (head) cannot both be measured: {reason}") from None
            between = words.count(len(self._line) - 1, "commit")
            self._progress.line(f"tbp: {one_line(self.series[0])}: {between} after GOOD, up to BAD")
        elif any(trial.pairs for trial in self.search.trials):
            pairs = words.count(sum(len(trial.pairs) for trial in self.search.trials), "pair")
            self._progress.line(f"tbp: going on with {pairs} of an earlier try; --restart forgets them")

    def _measure(self, trial: Trial) -> None:
        """Pairs of one trial until it is decided; or leave out the commit that cannot be measured."""
        assert self.series is not None
        base, head = (self._line[index] for index in (trial.base, trial.head))
        self._progress.restart(self._most_trials())
        self._progress.at(len(self.search.trials) - 1, self._most_trials())
        try:
            with self._turns.of(base.commit, head.commit, self.series) as pairs:
                while trial.ruling is Ruling.OPEN:
                    self._progress.say(f"{_question(trial, head)}: pair {len(trial.pairs) + 1}")
                    trial.pairs.append(pairs.next(len(trial.pairs)))
                    trial.rule(self.search.limits, self.search.bracket().levels)
                    self._store()
        except CannotMeasure as reason:
            self._leave_out(trial, head, str(reason))
            return
        self._progress.line(f"tbp: {self._ruled(trial, head)}")

    def _leave_out(self, trial: Trial, head: LineCommit, reason: str) -> None:
        if trial.role is Role.ENDS:
            raise NothingMeasured(f"GOOD (base) and BAD (head) cannot both be measured: {reason}")
        if not self.search.skip(trial, reason):
            raise NothingMeasured(
                f"{short_hash(head.commit)} could be measured before, and no more: {reason}; try it again"
            )
        self._store()
        index = next(reversed(self.search.skipped))
        self._progress.line(f"tbp: {short_hash(self._line[index].commit)} cannot be measured and is left out: {reason}")

    def _name_known_step(self) -> None:
        """A line of progress for the step that other trials' pairs confirm: no pair of it shows one."""
        for step in self.search.steps[:1]:
            if step.indirect is not None and step.operators is None:
                self._progress.line(f"tbp: {self._ruled(step, self._line[step.head])}")

    def _explain(self) -> None:
        """Operators of the step that is the answer; a verdict without them is a verdict still."""
        ends = self.search.ends
        is_alone = self.search.last == 1 and ends is not None and ends.ruling is Ruling.BAD
        trials = [*self.search.steps[:1], *([ends] if is_alone and ends is not None else [])]
        for trial in trials:
            if trial.operators is None and self.series is not None:
                base, head = (self._line[index].commit for index in (trial.base, trial.head))
                judgement = trial.judged(self.search.limits, self.series)
                try:
                    trial.operators = self._turns.explained(base, head, self.series, judgement)
                except CannotMeasure as reason:
                    trial.operators = (f"no trace explains it: {reason}",)
                self._store()

    def _store(self) -> None:
        assert self.series is not None
        self._stored.write(self.series, self.search)

    def _most_trials(self) -> int:
        """The ends, a probe for each halving, and two steps."""
        return max(3 + (self.search.last - 1).bit_length(), len(self.search.trials))

    def _ruled(self, trial: Trial, head: LineCommit) -> str:
        effect = effect_of(trial, self.search.limits)
        moved = words.signed_percent(expm1(effect)) if isfinite(effect) else "no effect known"
        named = f"{short_hash(head.commit)} {words.shortened(one_line(head.subject), MOST_SUBJECT)}"
        left = self.search.suspects
        return (
            f"{'BAD' if trial.role is Role.ENDS else named}: {RULED[trial.role, trial.ruling]}, {moved} in "
            f"{words.count(trial.count, 'pair')}; {words.count(len(left), 'commit')} left"
        )


RULED = {
    (Role.ENDS, Ruling.GOOD): "like GOOD",
    (Role.ENDS, Ruling.BAD): "differs from GOOD",
    (Role.ENDS, Ruling.UNDECIDED): "cannot be told from GOOD",
    (Role.PROBE, Ruling.GOOD): "like GOOD",
    (Role.PROBE, Ruling.BAD): "like BAD",
    (Role.PROBE, Ruling.UNDECIDED): "undecided",
    (Role.STEP, Ruling.STEP): "differs from the commit before it",
    (Role.STEP, Ruling.NO_STEP): "like the commit before it",
}
"""Words for a ruling, behind the commit that it is about."""


def _question(trial: Trial, head: LineCommit) -> str:
    against = {Role.ENDS: "BAD against GOOD", Role.PROBE: f"{short_hash(head.commit)} against GOOD"}
    return against.get(trial.role, f"{short_hash(head.commit)} against the commit before it")
