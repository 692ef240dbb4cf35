"""The ruler's session files → what each process measured, and where its trace is.

Takes a results folder; beside asv's ``<machine>/<stem>.json`` lies ``<machine>/<stem>.traces/<benchmark>/`` with
``<cell>.<session>.session.json.gz`` and ``<cell>.<session>.pt.trace.json.gz`` (written by ``tbp.bench.recorder``),
or ``<cell>.<session>.operators.json.gz`` where the trace was pruned (``tbp.traces.operator_files``).
Gives the sessions and the paths of their traces; reading a trace is left to ``tbp.traces``.
"""

from __future__ import annotations

import gzip
import statistics
import sys
import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tbp.asv.declarations import Benchmark
from tbp.asv.parameters import completed
from tbp.model.series import SeriesKey
from tbp.system.python_text import plain_value
from tbp.traces.recording import TRACE_END, operators_path

# Format of the session files.
# 1: the first.
FORMAT = 1
SESSION_END = ".session.json.gz"
# The ruler takes at least as many (``tbp.bench.clock.SamplingPlan.min_samples``). Fewer are a hasty look, as under
# `asv run --quick`: one sample of one call without warm-up.
MIN_SAMPLES = 10
# A session whose process had less of the processor than the calmest one of its run, by more than this factor, was
# interrupted most of the time: its time is the neighbours'. Shares of calm ones differ by a few per cent, those
# of interrupted ones are 0.2 to 0.85. Of 20 pairs of A/A twins, measured with two to six busy neighbours on two cores,
# 6 differed by more than 10 % (up to 71 %) with all sessions, 3 without these: runs without any calm session are left.
CALM_SHARE = 0.9
RECORD_AGAIN = "run `asv run` again for its commit to record it anew"


class _SessionFile(msgspec.Struct):
    """A session file as it is stored; fields that are not named here are passed over."""

    format: int
    run: str
    session: str
    benchmark: str
    parameters: dict[str, str]
    commit: str
    environment: str
    machine: str
    started: datetime
    wall_s: list[float]
    torch: str = ""
    python: str = ""
    device: str = ""
    device_name: str = ""
    threads: int = 0
    number: int = 1
    cpu_s: list[float] = []
    involuntary_switches: list[int] = []
    yardstick_s: list[float] = []
    roof_flop_per_s: float = 0.0
    governor: str = ""
    clock_mhz: int = 0
    packages: str = ""
    trace: str | None = None
    trace_note: str = ""
    skipped: str = ""


_DECODER = msgspec.json.Decoder(_SessionFile)
_FORMAT = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Session(Struct, frozen=True):
    """What one process measured of one cell of a benchmark."""

    key: SeriesKey
    commit: str  # full hash
    run: str  # one asv invocation; sorts by time
    session: str
    started: datetime  # UTC
    wall_s: tuple[float, ...]  # per call, one for each sample
    cpu_s: tuple[float, ...]  # per call, process CPU time; may be empty
    involuntary_switches: tuple[int, ...]  # during each sample; may be empty
    number: int
    threads: int
    device: str
    device_name: str
    torch: str
    python: str
    # Or the operator table kept in its place (``tbp.traces.recording`` reads both). None where there is neither;
    # ``trace_note`` says why.
    trace: Path | None
    trace_note: str
    skipped: str  # why the cell cannot run there; empty where it ran
    yardstick_s: tuple[float, ...] = ()  # the ruler's fixed work, timed after each sample; may be empty
    roof_flop_per_s: float = 0.0  # of float32 matrix products right after the samples; 0 where not measured
    governor: str = ""  # of the processor's frequency: "performance", "powersave", …; empty where unknown
    clock_mhz: int = 0  # of the device; 0 where unknown
    packages: str = ""  # all that was installed: "numpy=2.1.0;torch=2.13.0", sorted; empty where unknown

    @property
    def median_s(self) -> float:
        """Median of the samples, seconds per call; NaN without samples."""
        return statistics.median(self.wall_s) if self.wall_s else float("nan")

    @property
    def processor_share(self) -> float:
        """Median of CPU time ÷ wall time of the samples, above 1 with several threads; NaN where unknown."""
        pairs = [(cpu, wall) for cpu, wall in zip(self.cpu_s, self.wall_s, strict=False) if wall > 0]
        return statistics.median(cpu / wall for cpu, wall in pairs) if pairs else float("nan")

    @property
    def has_yardstick(self) -> bool:
        """Whether every sample has one."""
        return len(self.yardstick_s) == len(self.wall_s) > 0 and min(self.yardstick_s) > 0

    @property
    def yardsticks(self) -> float:
        """Median of sample ÷ yardstick, in which the machine's speed cancels; NaN where there is no yardstick."""
        pairs = [(wall, own) for wall, own in zip(self.wall_s, self.yardstick_s, strict=False) if own > 0]
        return statistics.median(wall / own for wall, own in pairs) if pairs else float("nan")

    def corrected_s(self, usual_s: float) -> tuple[float, ...]:
        """The samples where the yardstick takes its usual time, seconds per call; each of them has to have one."""
        return tuple(wall / own * usual_s for wall, own in zip(self.wall_s, self.yardstick_s, strict=True))


class Sessions(Struct, frozen=True, dict=True):
    """All sessions of a results folder. Of each series and commit only one ``run`` is given out.

    That is the newest one with enough samples, so that ``asv run --quick`` does not replace what was measured with
    care; where none has enough, the newest.
    """

    sessions: tuple[Session, ...] = ()
    problems: tuple[str, ...] = ()  # sentences: which file could not be used and what to do

    def of(self, key: SeriesKey, commit: str) -> tuple[Session, ...]:
        """The sessions of one run of a series at a commit, in order of time; empty where none is kept."""
        return self._newest.get(_place(key, commit), ())

    def commits(self, key: SeriesKey) -> frozenset[str]:
        """The commits at which the series has sessions."""
        return self._commits.get(_series(key), frozenset())

    def traced(self, key: SeriesKey) -> SeriesKey:
        """The series whose traces tell of ``key``: itself, or for one without sessions, as counters are, the only one
        of its suite that has some with its parameters."""
        if _series(key) in self._commits:
            return key
        beside = self._beside.get(_suite(key), frozenset())
        return next(iter(beside)) if len(beside) == 1 else key

    def medians_s(self, key: SeriesKey, commit: str) -> tuple[float, ...]:
        """Each session's median, seconds per call; those that were interrupted most of the time only where all were.

        At the machine's usual speed where every session of the series has a yardstick: the median of sample ÷
        yardstick, times the yardstick's usual time on that machine (see ``tbp.bench.yardstick``).
        """
        own = _calm([session for session in self.of(key, commit) if session.wall_s])
        if _series(key) in self._without_yardstick:
            return tuple(session.median_s for session in own)
        return tuple(session.yardsticks * self._usual_yardstick_s[_speed(session)] for session in own)

    def samples_s(self, key: SeriesKey, commit: str) -> tuple[tuple[float, ...], ...]:
        """Each session's samples, seconds per call, on the scale of ``medians_s``."""
        own = [session for session in self.of(key, commit) if session.wall_s]
        if _series(key) in self._without_yardstick:
            return tuple(session.wall_s for session in own)
        return tuple(session.corrected_s(self._usual_yardstick_s[_speed(session)]) for session in own)

    def yardstick_s(self, key: SeriesKey, commit: str) -> float:
        """The time of the machine's yardstick beside the samples, the median session's; NaN where unknown."""
        known = [statistics.median(session.yardstick_s) for session in self.of(key, commit) if session.has_yardstick]
        return statistics.median(known) if known else float("nan")

    def roof_flop(self, key: SeriesKey, commit: str) -> float:
        """FLOP that the machine's matrix products would have done in the time of one call, the median session's.

        From the times as they were measured: what slowed the step slowed the products after it. NaN where unknown.
        """
        own = (session for session in self.of(key, commit) if session.wall_s and session.roof_flop_per_s > 0)
        done = [session.median_s * session.roof_flop_per_s for session in own]
        return statistics.median(done) if done else float("nan")

    def traces(self, key: SeriesKey, commit: str) -> tuple[Path, ...]:
        """The traces of those sessions."""
        return tuple(session.trace for session in self.of(key, commit) if session.trace is not None)

    def trace_note(self, key: SeriesKey, commit: str) -> str:
        """Why there is no trace, as the ruler or the reader noted it; empty where nothing is known."""
        return next((session.trace_note for session in self.of(key, commit) if session.trace_note), "")

    def skipped(self, key: SeriesKey, commit: str) -> str:
        """Why the cell was skipped; empty where it ran or no session says so."""
        return next((session.skipped for session in self.of(key, commit) if session.skipped), "")

    @cached_property
    def _usual_yardstick_s(self) -> Mapping[tuple[object, ...], float]:
        """One speed for all series of a machine, environment and number of threads, so that variants compare."""
        medians: dict[tuple[object, ...], list[float]] = {}
        for session in self._measured:
            if session.has_yardstick:
                medians.setdefault(_speed(session), []).append(statistics.median(session.yardstick_s))
        return {place: statistics.median(values) for place, values in medians.items()}

    @cached_property
    def _without_yardstick(self) -> frozenset[tuple[object, ...]]:
        """The series with a session that lacks it: measured and corrected times are not comparable."""
        return frozenset(_series(session.key) for session in self._measured if not session.has_yardstick)

    @cached_property
    def _measured(self) -> tuple[Session, ...]:
        return tuple(session for group in self._newest.values() for session in group if session.wall_s)

    @property
    def used(self) -> tuple[Session, ...]:
        """Those that are given out."""
        return tuple(session for group in self._newest.values() for session in group)

    @cached_property
    def _commits(self) -> Mapping[tuple[object, ...], frozenset[str]]:
        found: dict[tuple[object, ...], set[str]] = {}
        for session in self.sessions:
            found.setdefault(_series(session.key), set()).add(session.commit)
        return {series: frozenset(commits) for series, commits in found.items()}

    @cached_property
    def _beside(self) -> Mapping[tuple[object, ...], frozenset[SeriesKey]]:
        found: dict[tuple[object, ...], set[SeriesKey]] = {}
        for key in {session.key for session in self.sessions}:
            found.setdefault(_suite(key), set()).add(key)
        return {suite: frozenset(keys) for suite, keys in found.items()}

    @cached_property
    def _newest(self) -> Mapping[tuple[object, ...], tuple[Session, ...]]:
        groups: dict[tuple[object, ...], list[Session]] = {}
        for session in self.sessions:
            groups.setdefault(_place(session.key, session.commit), []).append(session)
        return {place: _newest_run(group) for place, group in groups.items()}


def _newest_run(group: Sequence[Session]) -> tuple[Session, ...]:
    """The sessions, in order of time, of the newest run that has enough samples, or of the newest where none has."""
    hasty = {session.run for session in group if not session.skipped and len(session.wall_s) < MIN_SAMPLES}
    runs = {session.run for session in group}
    newest = max(runs - hasty or runs)
    own = (session for session in group if session.run == newest)
    return tuple(sorted(own, key=lambda session: (session.started, session.session)))


def _calm(run: Sequence[Session]) -> list[Session]:
    """Those that had about as much of the processor as the one that had most."""
    shares = [session.processor_share for session in run]
    most = max((share for share in shares if share == share), default=float("nan"))
    return [session for session, share in zip(run, shares, strict=True) if not share < CALM_SHARE * most]


def _place(key: SeriesKey, commit: str) -> tuple[object, ...]:
    # JSON objects promise no order, so parameters are compared as a set.
    return *_series(key), commit


def _speed(session: Session) -> tuple[object, ...]:
    """What the yardstick's usual time may depend on."""
    return session.key.machine, session.key.environment, session.threads, session.device_name


def _series(key: SeriesKey) -> tuple[object, ...]:
    return key.benchmark, frozenset(key.parameters), key.machine, key.environment


def _suite(key: SeriesKey) -> tuple[object, ...]:
    """What the benchmarks of one asv class share; outside of classes, those of one module."""
    suite, _, _ = key.benchmark.rpartition(".")
    return suite, frozenset(key.parameters), key.machine, key.environment


class _Unusable(Exception):
    """A file that holds no session; the message ends a sentence that begins with its path."""


def read_sessions(results_dir: Path, seen: Iterable[str] | None = None) -> Sessions:
    """Every session under ``results_dir``; none is fine, since most asv projects keep none. Raises nothing.

    ``seen`` are the paths of all files there, where somebody has looked.
    """
    sessions: list[Session] = []
    problems: list[str] = []
    kept = _kept(results_dir, seen)
    traces = {path for path in kept if path.name.endswith(TRACE_END)}
    for path in (path for path in kept if path.name.endswith(SESSION_END)):
        try:
            stored = _stored(path)
        except _Unusable as error:
            problems.append(f"{path} was left out: it {error}")
            traces.discard(path.with_name(path.name.removesuffix(SESSION_END) + TRACE_END))
            continue
        trace, note = _trace(stored, path)
        if trace is None and stored.trace is not None:
            problems.append(f"{path}: {note}; {RECORD_AGAIN}")
        traces.discard(path.with_name(path.name.removesuffix(SESSION_END) + TRACE_END))
        if trace is not None:
            traces.discard(trace)
        sessions.append(_session(stored, trace, note))
    problems += [
        f"{path} has no session file beside it, so it belongs to no result (a run was stopped?); delete it or "
        f"{RECORD_AGAIN}"
        for path in sorted(traces)
    ]
    return Sessions(tuple(sessions), tuple(problems))


def named_as_today(sessions: Sessions, benchmarks: Mapping[str, Benchmark]) -> Sessions:
    """``sessions`` under the keys that results have: with the parameters that were added since with one value."""
    named = [_named_as_today(session, benchmarks.get(session.key.benchmark)) for session in sessions.sessions]
    return Sessions(tuple(named), sessions.problems)


def _named_as_today(session: Session, declared: Benchmark | None) -> Session:
    own = session.key.parameters
    cell = completed(own, declared) if declared is not None else own
    return session if cell is own else replace(session, key=replace(session.key, parameters=cell))


def _kept(results_dir: Path, seen: Iterable[str] | None) -> list[Path]:
    """Every file of a recorder, sorted."""
    if seen is None:
        return sorted(results_dir.glob("*/*.traces/*/*"))
    start = len(results_dir.parts)
    recorded = (Path(path) for path in seen if ".traces" in path)
    return sorted(
        path for path in recorded if len(path.parts) == start + 4 and path.parts[start + 1].endswith(".traces")
    )


def without_result(sessions: Sessions, measured: set[tuple[SeriesKey, str]]) -> tuple[str, ...]:
    """A sentence about each run whose sessions no asv result file knows of; ``measured`` is (series, commit)."""
    known = {_place(key, commit) for key, commit in measured}
    lost: dict[tuple[str, str, str], int] = {}
    for session in sessions.sessions:
        if _place(session.key, session.commit) not in known:
            run = (session.key.machine, session.key.environment, session.commit[:8])
            lost[run] = lost.get(run, 0) + 1
    return tuple(
        f"{count} sessions of commit {commit} ({machine}, {environment}) have no asv result, so they are not shown: "
        "the run was stopped or its result deleted; run `asv run` again for this commit"
        for (machine, environment, commit), count in sorted(lost.items())
    )


def _stored(path: Path) -> _SessionFile:
    try:
        data = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error):
        raise _Unusable(f"cannot be decompressed (half written?); {RECORD_AGAIN}") from None
    try:
        version = _FORMAT.decode(data).get("format", msgspec.Raw(b"null"))
        if bytes(version) != str(FORMAT).encode():
            raise _Unusable(f"has format {bytes(version)[:20]!r}, and this tbp reads {FORMAT}: update tbp")
        stored = _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _Unusable(f"holds no session ({error}); {RECORD_AGAIN}") from None
    if not stored.commit or not stored.benchmark:
        raise _Unusable(f"names no commit or no benchmark; {RECORD_AGAIN}")
    if stored.started.tzinfo is None:
        raise _Unusable(f"has a start without a time zone; {RECORD_AGAIN}")
    return stored


def _trace(stored: _SessionFile, path: Path) -> tuple[Path | None, str]:
    """The trace beside a session file or what is kept of it, or None and why."""
    if stored.trace is None:
        return None, stored.trace_note or "no trace was recorded"
    # A name with a folder in it would lead out of the results.
    if Path(stored.trace).name != stored.trace:
        return None, "its trace is no plain file name"
    trace = path.with_name(stored.trace)
    if trace.is_file():
        return trace, stored.trace_note
    table = operators_path(trace)
    return (table, "") if table.is_file() else (None, f"its trace {stored.trace} is missing")


def _session(stored: _SessionFile, trace: Path | None, note: str) -> Session:
    parameters = tuple((name, plain_value(value)) for name, value in stored.parameters.items())
    return Session(
        key=SeriesKey(stored.benchmark, parameters, stored.machine, stored.environment),
        commit=stored.commit,
        run=stored.run,
        session=stored.session,
        started=stored.started,
        wall_s=tuple(stored.wall_s),
        cpu_s=tuple(stored.cpu_s),
        involuntary_switches=tuple(stored.involuntary_switches),
        number=stored.number,
        threads=stored.threads,
        device=stored.device,
        device_name=stored.device_name,
        torch=stored.torch,
        python=stored.python,
        trace=trace,
        trace_note=note,
        skipped=stored.skipped,
        yardstick_s=tuple(stored.yardstick_s),
        roof_flop_per_s=stored.roof_flop_per_s,
        governor=stored.governor,
        clock_mhz=stored.clock_mhz,
        packages=sys.intern(stored.packages),  # the same in all sessions of a run
    )
