"""The ruler's sessions: each process's measurements of one cell of a benchmark, and the path of its trace.

Takes the sessions that ``tbp.asv.session_files`` read; gives those of one run of a series, with its medians.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from tbp.asv.declarations import Benchmark
from tbp.asv.parameters import completed
from tbp.asv.reasons import Reasons
from tbp.model.cells import CellCounted
from tbp.model.series import SeriesKey, short_hash
from tbp.statistics.robust import median

# The ruler takes at least as many (``tbp.bench.clock.SamplingPlan.min_samples``). A session
# with fewer is hasty, as under `asv run --quick`: one sample of one call without warm-up.
MIN_SAMPLES = 10
# A session is interrupted where its share of the processor is below this part of the largest share in its run: its time
# is the neighbours'. The shares of calm sessions differ by a few per cent, interrupted ones have 0.2 to 0.85. Of 20 A/A
# twins, measured with two to six busy neighbours on two cores, 6 differed by more than 10 % (up to 71 %) with all
# sessions, and 3 without the interrupted ones: runs in which no session is calm.
CALM_SHARE = 0.9


class TurnsInSession(Struct, frozen=True):
    """Time of the cell's step ÷ time of another variant's, each of four samples in turns (``tbp.bench.turns``)."""

    wall: tuple[float, ...] = ()
    cpu: tuple[float, ...] = ()  # of CPU time, which a busy machine disturbs less


class SessionFields(Struct, frozen=True, kw_only=True):
    """The fields that a session has in its file too."""

    commit: str  # full hash
    run: str  # one asv invocation; sorts by time
    session: str
    started: datetime  # UTC
    wall_s: tuple[float, ...]  # per call, one for each sample
    cpu_s: tuple[float, ...] = ()  # per call, process CPU time; may be empty
    involuntary_switches: tuple[int, ...] = ()  # during each sample; may be empty
    number: int = 1
    threads: int = 0
    device: str = ""
    device_name: str = ""
    torch: str = ""
    python: str = ""
    skipped: str = ""  # why the cell cannot run there; empty where it ran
    yardstick_s: tuple[float, ...] = ()  # the ruler's fixed work, timed after each sample; may be empty
    roof_flop_per_s: float = 0.0  # of matrix products in roof_dtype right after the samples; 0 where not measured
    governor: str = ""  # of the processor's frequency: "performance", "powersave", …; empty where unknown
    clock_mhz: int = 0  # of the device; 0 where unknown
    roof_bytes_per_s: float = 0.0  # of a triad over as many bytes as the step moves; 0 where not measured
    roof_dtype: str = ""  # empty: float32
    ratios: Mapping[str, TurnsInSession] = {}  # to the baseline and the twin, by variant
    counts: CellCounted | None = None
    first_call_s: float = 0.0  # of the process's first call; 0 where unknown
    energy_j: float = 0.0  # of one call, of the whole processor or GPU; 0 where unknown
    throttled: int = 0  # times while sampling; of a GPU the bits of the reasons after it
    measuring_s: float = 0.0  # of the process's time: warming up, samples, turns, roof
    omp_wait_policy: str = ""
    isa: str = ""  # instruction sets: "AVX512 amx_bf16"
    engine: str = ""  # of quantised products
    float32_products: str = ""  # "highest": without TF32
    packages: str = ""  # all that was installed: "numpy=2.1.0;torch=2.13.0", sorted; empty where unknown


class Session(SessionFields, frozen=True, kw_only=True):
    """One process's measurements of one cell of a benchmark."""

    key: SeriesKey
    # Or the operator table kept in its place (``tbp.traces.recording`` reads both). None where there is neither;
    # ``trace_note`` says why.
    trace: Path | None
    trace_note: str
    processor_mhz: int = 0  # clock of the fastest core; 0 where unknown
    rank_traces: tuple[Path, ...] = ()  # of a distributed step, those of the ranks after the first

    @property
    def traces(self) -> tuple[Path, ...]:
        """The traces of all ranks; of a session of one process there is one at most."""
        return self.rank_traces if self.trace is None else (self.trace, *self.rank_traces)

    @property
    def median_s(self) -> float:
        """Median of the samples, seconds per call; NaN without samples."""
        return median(self.wall_s)

    @property
    def processor_share(self) -> float:
        """Median of CPU time ÷ wall time of the samples, above 1 with several threads; NaN where unknown."""
        return median([cpu / wall for cpu, wall in zip(self.cpu_s, self.wall_s, strict=False) if wall > 0])

    @property
    def has_yardstick(self) -> bool:
        """True where every sample has a yardstick."""
        return len(self.yardstick_s) == len(self.wall_s) > 0 and min(self.yardstick_s) > 0

    @property
    def yardsticks(self) -> float:
        """Median of sample ÷ yardstick, in which the machine's speed cancels; NaN without a yardstick."""
        return median([wall / stick for wall, stick in zip(self.wall_s, self.yardstick_s, strict=False) if stick > 0])

    def corrected_s(self, usual_s: float) -> tuple[float, ...]:
        """The samples, seconds per call, scaled to a yardstick of ``usual_s``; each sample must have a yardstick."""
        return tuple(wall / stick * usual_s for wall, stick in zip(self.wall_s, self.yardstick_s, strict=True))


class Sessions(Struct, frozen=True, dict=True):
    """All sessions of a results folder. The methods use one ``run`` of each series and commit.

    It is the newest run with MIN_SAMPLES samples, so that ``asv run --quick`` does not replace a careful measurement;
    where no run has as many, it is the newest.
    """

    sessions: tuple[Session, ...] = ()
    problems: tuple[str, ...] = ()  # sentences: which file could not be used and what to do
    reasons: Reasons = Reasons()  # of cells without a value, from asv

    def of(self, key: SeriesKey, commit: str) -> tuple[Session, ...]:
        """The sessions of one run of a series at a commit, in order of time; empty where none is stored."""
        return self._newest.get(_run(key, commit), ())

    def commits(self, key: SeriesKey) -> frozenset[str]:
        """The commits at which the series has sessions."""
        return self._commits.get(_series(key), frozenset())

    def traced(self, key: SeriesKey) -> SeriesKey:
        """The series whose traces explain ``key``: itself where it has sessions.

        For a series without sessions, such as a counter, it is the only series of its suite with the same parameters
        that has some; where there are none or several, ``key``.
        """
        if _series(key) in self._commits:
            return key
        beside = self._beside.get(_suite(key), frozenset())
        return next(iter(beside)) if len(beside) == 1 else key

    def medians_s(self, key: SeriesKey, commit: str) -> tuple[float, ...]:
        """The median of each calm session (see CALM_SHARE), seconds per call.

        Where every session of the series has a yardstick, medians are at the machine's usual speed: the median of
        sample ÷ yardstick, times the yardstick's usual time on that machine (see ``tbp.bench.yardstick``).
        """
        calm = _calm([session for session in self.of(key, commit) if session.wall_s])
        if _series(key) in self._without_yardstick:
            return tuple(session.median_s for session in calm)
        return tuple(session.yardsticks * self._usual_yardstick_s[_speed(session)] for session in calm)

    def samples_s(self, key: SeriesKey, commit: str) -> tuple[tuple[float, ...], ...]:
        """Each session's samples, seconds per call, on the scale of ``medians_s``."""
        measured = [session for session in self.of(key, commit) if session.wall_s]
        if _series(key) in self._without_yardstick:
            return tuple(session.wall_s for session in measured)
        return tuple(session.corrected_s(self._usual_yardstick_s[_speed(session)]) for session in measured)

    def yardstick_s(self, key: SeriesKey, commit: str) -> float:
        """The time of the machine's yardstick beside the samples, median of the sessions; NaN where unknown."""
        return median([median(session.yardstick_s) for session in self.of(key, commit) if session.has_yardstick])

    def roof_flop(self, key: SeriesKey, commit: str) -> float:
        """FLOP that the machine's matrix products would have done in the time of one call, median of the sessions.

        From times without correction, since a load that slows the step slows the products after it too. NaN where
        unknown.
        """
        measured = (session for session in self.of(key, commit) if session.wall_s and session.roof_flop_per_s > 0)
        return median([session.median_s * session.roof_flop_per_s for session in measured])

    def traces(self, key: SeriesKey, commit: str) -> tuple[Path, ...]:
        """The traces of the sessions at a commit, those of all ranks."""
        return tuple(trace for session in self.of(key, commit) for trace in session.traces)

    def trace_note(self, key: SeriesKey, commit: str) -> str:
        """The reason for a missing trace, as the ruler or the reader noted it; empty where none is known."""
        return next((session.trace_note for session in self.of(key, commit) if session.trace_note), "")

    def reason(self, key: SeriesKey, commit: str) -> str:
        """Why the cell has no value, from the ruler or from asv; empty where it ran or nothing is known."""
        skipped = next((session.skipped for session in self.of(key, commit) if session.skipped), "")
        return skipped or self.reasons.of(key).get(commit, "")

    @cached_property
    def _usual_yardstick_s(self) -> Mapping[tuple[object, ...], float]:
        """The median yardstick time by _speed: equal for all variants on a machine, so that they compare."""
        medians: dict[tuple[object, ...], list[float]] = {}
        for session in self._measured:
            if session.has_yardstick:
                medians.setdefault(_speed(session), []).append(median(session.yardstick_s))
        return {speed: median(values) for speed, values in medians.items()}

    @cached_property
    def _without_yardstick(self) -> frozenset[tuple[object, ...]]:
        """The series with a session without a yardstick: measured and corrected times are not comparable."""
        return frozenset(_series(session.key) for session in self._measured if not session.has_yardstick)

    @cached_property
    def _measured(self) -> tuple[Session, ...]:
        return tuple(session for group in self._newest.values() for session in group if session.wall_s)

    @property
    def used(self) -> tuple[Session, ...]:
        """The sessions that are given out."""
        return tuple(session for group in self._newest.values() for session in group)

    @cached_property
    def _commits(self) -> Mapping[tuple[object, ...], frozenset[str]]:
        commits: dict[tuple[object, ...], set[str]] = {}
        for session in self.sessions:
            commits.setdefault(_series(session.key), set()).add(session.commit)
        return {series: frozenset(hashes) for series, hashes in commits.items()}

    @cached_property
    def _beside(self) -> Mapping[tuple[object, ...], frozenset[SeriesKey]]:
        suites: dict[tuple[object, ...], set[SeriesKey]] = {}
        for key in {session.key for session in self.sessions}:
            suites.setdefault(_suite(key), set()).add(key)
        return {suite: frozenset(keys) for suite, keys in suites.items()}

    @cached_property
    def _newest(self) -> Mapping[tuple[object, ...], tuple[Session, ...]]:
        groups: dict[tuple[object, ...], list[Session]] = {}
        for session in self.sessions:
            groups.setdefault(_run(session.key, session.commit), []).append(session)
        return {run: _newest_run(group) for run, group in groups.items()}


def _newest_run(group: Sequence[Session]) -> tuple[Session, ...]:
    """The sessions, in order of time, of the newest run with MIN_SAMPLES samples, else of the newest run."""
    hasty = {session.run for session in group if not session.skipped and len(session.wall_s) < MIN_SAMPLES}
    runs = {session.run for session in group}
    newest = max(runs - hasty or runs)
    of_newest = (session for session in group if session.run == newest)
    return tuple(sorted(of_newest, key=lambda session: (session.started, session.session)))


def _calm(run: Sequence[Session]) -> list[Session]:
    """The sessions that had about as much of the processor as the calmest one."""
    shares = [session.processor_share for session in run]
    most = max((share for share in shares if share == share), default=float("nan"))
    return [session for session, share in zip(run, shares, strict=True) if not share < CALM_SHARE * most]


def _run(key: SeriesKey, commit: str) -> tuple[object, ...]:
    # JSON objects promise no order, so parameters are compared as a set.
    return *_series(key), commit


def _speed(session: Session) -> tuple[object, ...]:
    """Everything that the yardstick's usual time may depend on."""
    return session.key.machine, session.key.environment, session.threads, session.device_name


def _series(key: SeriesKey) -> tuple[object, ...]:
    return key.benchmark, frozenset(key.parameters), key.machine, key.environment


def _suite(key: SeriesKey) -> tuple[object, ...]:
    """The identity that the benchmarks of one asv class share; outside of classes, those of one module."""
    suite, _, _ = key.benchmark.rpartition(".")
    return suite, frozenset(key.parameters), key.machine, key.environment


def named_as_today(sessions: Sessions, benchmarks: Mapping[str, Benchmark]) -> Sessions:
    """``sessions`` under today's keys: each gets the parameters that its benchmark got later with a single value."""
    named = [_named_as_today(session, benchmarks.get(session.key.benchmark)) for session in sessions.sessions]
    return replace(sessions, sessions=tuple(named))


def _named_as_today(session: Session, declared: Benchmark | None) -> Session:
    parameters = session.key.parameters
    cell = completed(parameters, declared) if declared is not None else parameters
    return session if cell is parameters else replace(session, key=replace(session.key, parameters=cell))


def without_result(sessions: Sessions, measured: set[tuple[SeriesKey, str]]) -> tuple[str, ...]:
    """A sentence for each run with sessions but without an asv result; ``measured`` has (series, commit) of results."""
    known = {_run(key, commit) for key, commit in measured}
    lost: dict[tuple[str, str, str], int] = {}
    for session in sessions.sessions:
        if _run(session.key, session.commit) not in known:
            run = (session.key.machine, session.key.environment, short_hash(session.commit))
            lost[run] = lost.get(run, 0) + 1
    return tuple(
        f"{count} sessions of commit {commit} ({machine}, {environment}) have no asv result, so they are not shown: "
        "the run was stopped or its result deleted; run `asv run` again for this commit"
        for (machine, environment, commit), count in sorted(lost.items())
    )
