"""The commits of a night, one after another: chosen, leased where runners share results, measured, stored.

Takes what is wanted of the night, gives what became of it. The local lock, and what runners share, are the caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial

from msgspec import Struct

from tbp.asv.runner import Ran
from tbp.errors import RunFailed
from tbp.model.series import short_hash
from tbp.nightly.budget import NightBudget, OutOfBudget
from tbp.nightly.leases import LEASE, Lease, PoolSetup, leased, now, released, runner_name, taken, unfinished
from tbp.nightly.new_commits import AsvMeasuring, Pending, branch_history, pending, prepared
from tbp.nightly.night_lock import NightLock
from tbp.nightly.sharing import Decide, Sharing
from tbp.project.asv_config import AsvConfig
from tbp.wording import words

Heard = Callable[[str], None]
MOST_NAMED = 3  # commits in a subject
MOST_PUT_OFF = 3  # commits without any result before the fault is the machine's


class Wish(Struct, frozen=True):
    """The commits that a night shall measure, and of which benchmarks."""

    machine: str  # asv's name for this one
    most: int
    bench: Sequence[str] = ()
    name: str = ""  # of the machine, by the project's rules; empty: as asv calls it


class NightWork(Struct, frozen=True):
    """The end of a night's measuring."""

    commits: tuple[str, ...]  # measured, oldest first
    left: Pending  # what the next night begins with
    some_failed: bool  # a benchmark did
    unsent: str = ""  # why the others did not get everything; empty where they did, or where there are none


class Night:
    """Measures commits until none is left, as many as are wished are done, or the budget is up."""

    def __init__(
        self,
        config: AsvConfig,
        wish: Wish,
        lock: NightLock,
        budget: NightBudget,
        exchange: Sharing | None,
        heard: Heard,
    ) -> None:
        self._config, self._wish, self._lock, self._budget = config, wish, lock, budget
        self._exchange, self._heard = exchange, heard
        self._setup = PoolSetup(wish.name or wish.machine, config.environments)
        self._runner = runner_name(config.results_dir)
        self._done: list[str] = []
        self._put_off: dict[str, RunFailed] = {}  # commits that wait for one in which asv can import benchmarks
        self._left = Pending(())
        self._leases: Sequence[Lease] = ()  # as they were when the others were last reached
        self._unsent = ""

    def run(self, hear: Callable[[str, int, int], None]) -> NightWork:
        """Measures; ``hear`` gets asv's lines, each with how many commits are done of how many.

        Raises:
            UsageError, UnreadableInput: as ``pending`` and ``prepared``.
            RunFailed: asv measured nothing of a commit; those before it are stored and sent.
        """
        some_failed = False
        commit = self._next()
        self._heard(_announced(self._left, self._wish.most))
        if commit:
            measuring = prepared(self._config, self._wish.machine, self._wish.bench, self._heard)
        total = min(len(self._left.commits), self._wish.most)
        try:
            while commit:
                ran = self._measured(measuring, commit, partial(_heard_of, hear, len(self._done), total))
                some_failed = some_failed or (ran is not None and ran.some_failed)
                commit = self._next()
            if self._put_off:
                raise next(iter(self._put_off.values()))
        except OutOfBudget:
            self._heard(
                f"tbp: {short_hash(commit)} took longer than the budget had time for; the next night measures it again"
            )
        except RunFailed:
            self._send(self._released)
            raise
        self._send(self._released)
        ages = {commit: age for age, commit in enumerate(branch_history(self._config))}
        commits = sorted(self._done, key=lambda commit: -ages.get(commit, 0))
        return NightWork(tuple(commits), self._left, some_failed, self._unsent)

    def _measured(self, measuring: AsvMeasuring, commit: str, heard: Heard) -> Ran | None:
        """The end of asv's run; None where nothing of the commit could be measured, and an older one comes first.

        Where the newest commit cannot be imported, asv needs another that tells it which benchmarks there are.
        """
        self._lock.begins(commit)
        try:
            with self._budget.commit():
                ran = measuring(commit, self._left.sound, heard)
        except RunFailed as failed:
            if self._left.sound or len(self._put_off) == MOST_PUT_OFF:
                raise
            self._put_off[commit] = failed
            self._heard(f"tbp: nothing of {short_hash(commit)} could be measured; older commits come first")
            return None
        self._lock.ends(commit)
        self._done.append(commit)
        return ran

    def _next(self) -> str:
        """The commit that is measured now, leased where runners share results; empty where the night is over."""
        is_over = len(self._done) >= self._wish.most or not self._budget.has_room
        if not is_over and self._send(self._taken):
            return self._chosen
        self._choose(self._leases)
        return "" if is_over else self._chosen

    def _choose(self, leases: Sequence[Lease]) -> None:
        """Looks at the results that are there by now, and at the commits that nobody else measures."""
        at = now()
        stopped = {*self._lock.stopped, *unfinished(leases, self._setup, self._runner, at)} - {*self._done}
        elsewhere = leased(leases, self._setup, self._runner, at)
        shared = self._exchange.measured(self._setup.machine) if self._exchange is not None else frozenset()
        left = partial(pending, self._config, self._wish.machine, stopped, elsewhere, self._wish.name, shared)
        self._left = left(tonight=(*self._done, *self._put_off))
        if self._left.sound and self._put_off:
            self._put_off = {}
            self._left = left(tonight=self._done)
        self._chosen = next(iter(self._left.commits), "")

    def _taken(self, leases: Sequence[Lease]) -> Sequence[Lease]:
        self._leases = leases
        self._choose(leases)
        if not self._chosen:
            return self._released(leases)
        last = timedelta(seconds=min(self._budget.left_s, LEASE.total_seconds()))
        return taken(leases, self._setup, self._runner, self._chosen, self._done, now(), last)

    def _released(self, leases: Sequence[Lease]) -> Sequence[Lease]:
        return released(leases, self._setup, self._runner, self._done, now())

    def _send(self, decide: Decide) -> bool:
        """Sends what is measured, and has the leases decided; False where runners share nothing or it fails."""
        if self._exchange is None:
            return False
        try:
            exchanged = self._exchange.push(subject(self._wish.machine, self._done), decide)
        except RunFailed as failed:
            if not self._unsent:
                self._heard(f"tbp: {failed}")
            self._unsent = str(failed)
            return False
        for note in exchanged.notes:
            self._heard(f"tbp: {note}")
        self._unsent = ""
        return True


def subject(machine: str, commits: Sequence[str]) -> str:
    """The subject of a commit on the data branch."""
    return f"{machine}: {', '.join(short_hash(commit) for commit in commits[-MOST_NAMED:]) or 'leases and notes'}"


def left_over(work: NightWork) -> tuple[str, ...]:
    """A sentence on the commits that later nights measure; none where nothing is left."""
    left = work.left
    if not left.commits:
        return ()
    kinds = ((left.stopped, "to complete"), (left.new, "new"), (left.gaps, "older"))
    parts = words.joined([f"{len(commits)} {kind}" for commits, kind in kinds if commits])
    done, rest = words.count(len(work.commits), "commit"), words.count(len(left.commits), "commit")
    return (f"{done} measured; {rest} left for the next night: {parts}",)


def _announced(left: Pending, most: int) -> str:
    more = [f"{len(left.stopped)} to complete"] if left.stopped else []
    more += [f"{len(left.gaps)} that earlier nights left"] if left.gaps else []
    more += [f"{most} of them tonight"] if len(left.commits) > most else []
    return ", ".join([f"{words.count(len(left.new), 'new commit')} to measure", *more])


def _heard_of(hear: Callable[[str, int, int], None], done: int, total: int, line: str) -> None:
    hear(line, done, total)
