"""The recorder: leaves a session beside asv's result, and a torch.profiler trace beside the session.

Takes what was timed; writes, after the timing and never during it,

    <results>/<machine>/<commit>-<environment>.traces/<benchmark>/<cell>.<session>.session.json.gz
    <results>/<machine>/<commit>-<environment>.traces/<benchmark>/<cell>.<session>.pt.trace.json.gz

and, of a distributed step, a trace more for each rank but the first: ``<cell>.<session>.rank1.pt.trace.json.gz``.
A session is one process's pass over one benchmark cell. asv ignores both files: their names do not end in .json.
A file appears under its final name complete or not at all. Where to write comes from the environment variables that
``tbp.asv.environment`` sets in asv's process; without them nothing is recorded.
"""

from __future__ import annotations

import gc
import gzip
import hashlib
import importlib
import json
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import torch

from .cell import CellCounts
from .clock import Timing
from .devices import Device
from .profiling import export_profile
from .roof import Roof
from .surroundings import clock_mhz, cpu_mhz, governor, isa, packages
from .turns import TurnRatios

# History of the session file. A field more is no new format: readers pass over what they do not know.
#   1  first; later also governor, clock_mhz and packages; then counts, ratios and what else ``Further`` has;
#      then rank_traces
SESSION_FORMAT = 1

# Steps in a trace: 20 where they take no longer than the samples did. Of 246 operators in steps of 8 to 45 ms the 10th
# percentile of a session was 4.7 % (median) off that of another session with 20 steps, 5.7 % with 10, 6.8 % with 5.
TRACE_STEPS = 20
TRACE_BUDGET_S = 0.5
TRACE_MIN_STEPS = 3
# The profiler's own time for each operator, most of it when it stops: 60 to 95 µs with shapes. Of a step of 21,000
# operators that took 0.13 s, a trace of 15 steps took 30 s.
TRACED_OPERATOR_S = 80e-6
GZIP_LEVEL = 3  # torch's own .json.gz uses 9: about 15 × slower for 15 % fewer bytes

RESULTS_DIR = "TBP_RESULTS_DIR"  # asv's results, set in asv's processes
if os.environ.get(RESULTS_DIR):
    # torch.profiler imports this when it first starts (1.4 s of the 1.5 s a session's trace took). Imported here, asv's
    # fork server pays for it once instead of every benchmark process. Where nothing is recorded, as in the workers of
    # a gate, it would be half of the time until a process can measure.
    importlib.import_module("torch._inductor.config")
    # Each timing collects garbage first: .14 s over the objects of torch, and none over those that are frozen.
    gc.collect()
    gc.freeze()


RankTraces = Callable[[int, Mapping[str, object]], Sequence[Path]]
"""Records a number of steps in every rank, with facts, and gives a plain trace file of each."""


@dataclass(frozen=True)
class Destination:
    """Folder of this process's sessions, and the run that they belong to."""

    folder: Path
    run: str  # one asv invocation; sorts by time
    commit: str
    environment: str
    machine: str
    traces: bool = True

    @classmethod
    def from_environment(cls) -> Destination | None:
        """The destination that the environment variables name; None where asv keeps no result to record beside."""
        results_dir, commit = os.environ.get(RESULTS_DIR), os.environ.get("ASV_COMMIT")
        if not results_dir or not commit:
            return None
        environment = os.environ.get("ASV_ENV_NAME", "")
        machine = os.environ.get("TBP_MACHINE") or platform.node()
        return cls(
            folder=Path(results_dir) / machine / f"{result_stem(commit, environment)}.traces",
            run=os.environ.get("TBP_RUN", ""),
            commit=commit,
            environment=environment,
            machine=machine,
            traces=os.environ.get("TBP_TRACE", "1") != "0",
        )


@dataclass(frozen=True)
class Further:
    """All that a session has of its process beside the samples; None where it was not measured or cannot be."""

    ratios: Mapping[str, TurnRatios] = field(default_factory=dict)  # to its baseline and its twin, by variant
    roof: Roof = field(default_factory=Roof)
    roof_dtype: str = ""
    counts: CellCounts | None = None
    first_call_s: float | None = None  # of the first call in the process: lazy initialisation, compilation
    energy_j: float | None = None  # of one call, of the whole processor or GPU
    throttled: int | None = None  # times while sampling (CPU); bits of the reasons after it (CUDA)
    rank_traces: RankTraces | None = None  # records a distributed step in its ranks, instead of this process
    measuring_s: float = 0.0  # warming up, sampling, taking turns and finding the roof


def result_stem(commit: str, environment: str) -> str:
    """asv's name for the result file of a run, without its suffix (``asv.results.get_filename``)."""
    if len(environment) >= 128:
        environment = "env-" + hashlib.md5(environment.encode()).hexdigest()
    return f"{commit[:8]}-{environment}"


def record(
    destination: Destination,
    benchmark: str,
    parameters: Mapping[str, str],
    device: Device,
    timing: Timing | None,
    call: Callable[[], object] | None,
    skipped: str = "",
    further: Further | None = None,
) -> Path | None:
    """Write one session, with a trace of ``call`` unless it is None or ``destination`` takes no traces.

    Returns the session's path, or None when it could not be written (a full disk, no permission). The reason then goes
    to stderr; the timing, which asv stores, is not lost.
    """
    clock = clock_mhz(device)  # first, while it is still what the timing ran at
    facts = _facts(destination, benchmark, parameters, device, skipped)
    stem = f"{_slug(parameters)}.{facts['session']}"
    folder = destination.folder / _safe(benchmark)
    path = folder / f"{stem}.session.json.gz"
    rank_traces: list[str] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trace, note = None, skipped or "recording traces is switched off (TBP_TRACE=0)"
        if call is not None and timing is not None and destination.traces:
            trace, note = f"{stem}.pt.trace.json.gz", ""
            operators = further.counts.operators if further is not None and further.counts is not None else None
            steps = _steps(sorted(timing.wall_s)[len(timing.wall_s) // 2], operators or 0)
            of_ranks = further.rank_traces if further is not None else None
            if of_ranks is None:
                _write_trace(folder / trace, call, device, steps, facts)
            else:
                rank_traces = _write_rank_traces(folder / trace, of_ranks, steps, facts)
        measured = _measured(timing) | _further(further or Further())
        surroundings = {"governor": governor(), "clock_mhz": clock, "cpu_mhz": cpu_mhz(), "packages": packages()}
        traces = {"trace": trace, "rank_traces": rank_traces, "trace_note": note}
        text = json.dumps({**facts, **measured, **surroundings, **traces})
        with _whole(path) as unfinished:
            unfinished.write_bytes(gzip.compress(text.encode(), GZIP_LEVEL))
    except OSError as error:
        print(
            f"tbp: no session recorded for {benchmark} in {folder}: {error}; make room or set TBP_TRACE=0, "
            "the timing itself is kept by asv",
            file=sys.stderr,
        )
        return None
    return path


def _facts(
    destination: Destination, benchmark: str, parameters: Mapping[str, str], device: Device, skipped: str
) -> dict[str, object]:
    """The part of a session that its trace carries too: the measured cell, and the process that measured it."""
    started = datetime.now(UTC)
    return {
        "format": SESSION_FORMAT,
        "run": destination.run,
        "session": f"{started:%Y%m%dT%H%M%S}-{os.getpid()}",
        "benchmark": benchmark,
        "parameters": dict(parameters),
        "commit": destination.commit,
        "environment": destination.environment,
        "machine": destination.machine,
        "started": started.isoformat(timespec="seconds"),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "device": device.name,
        "device_name": device.hardware,
        "threads": torch.get_num_threads(),
        "omp_wait_policy": os.environ.get("OMP_WAIT_POLICY", ""),
        "isa": isa(),
        "engine": str(torch.backends.quantized.engine),  # of quantised products
        "float32_products": torch.get_float32_matmul_precision(),  # "highest": no TF32
        "skipped": skipped,
    }


def _measured(timing: Timing | None) -> dict[str, object]:
    """The samples of a session; without a timing, of a skipped cell, none."""
    timing = timing or Timing(0, (), (), ())
    return {
        "number": timing.number,
        "wall_s": timing.wall_s,
        "cpu_s": timing.cpu_s,
        "involuntary_switches": timing.involuntary_switches,
        "yardstick_s": timing.yardstick_s,
    }


def _further(further: Further) -> dict[str, object]:
    known: dict[str, object] = {
        "first_call_s": further.first_call_s,
        "energy_j": further.energy_j,
        "throttled": further.throttled,
        "counts": asdict(further.counts) if further.counts is not None else None,
    }
    return {
        **{name: value for name, value in known.items() if value is not None},
        "ratios": {name: asdict(ratios) for name, ratios in further.ratios.items()},
        "roof_flop_per_s": round(further.roof.flop_per_s),  # 0: not measured
        "roof_bytes_per_s": round(further.roof.bytes_per_s),
        "roof_dtype": further.roof_dtype,
        "measuring_s": further.measuring_s,
    }


def _steps(step_s: float, operators: int) -> int:
    """Steps in a trace, of steps that take ``step_s`` and dispatch so many operators; 0 where that is not known."""
    traced_s = step_s + operators * TRACED_OPERATOR_S
    return max(TRACE_MIN_STEPS, min(TRACE_STEPS, int(TRACE_BUDGET_S / max(traced_s, 1e-9))))


def _write_trace(
    path: Path, call: Callable[[], object], device: Device, steps: int, facts: Mapping[str, object]
) -> None:
    with _whole(path) as unfinished:
        plain = unfinished.with_suffix(".plain")
        try:
            export_profile(plain, call, device, steps, facts)
            _compress(plain, unfinished)
        finally:
            for left in (plain, plain.with_name(f"{plain.name}.tmp")):  # the profiler's own, where the disk is full
                left.unlink(missing_ok=True)


def _write_rank_traces(path: Path, take: RankTraces, steps: int, facts: Mapping[str, object]) -> list[str]:
    """The traces of all ranks, rank 0's as ``path``; gives the names of those of the others."""
    plain_files = take(steps, facts)
    end = ".pt.trace.json.gz"
    paths = [
        path,
        *(path.with_name(path.name.removesuffix(end) + f".rank{rank}{end}") for rank in range(1, len(plain_files))),
    ]
    for plain, target in zip(plain_files, paths, strict=True):
        with _whole(target) as unfinished:
            _compress(plain, unfinished)
        plain.unlink()
    return [target.name for target in paths[1:]]


def _compress(plain: Path, target: Path) -> None:
    with plain.open("rb") as source, gzip.open(target, "wb", GZIP_LEVEL) as compressed:
        shutil.copyfileobj(source, compressed, 1 << 20)


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """A hidden file beside ``path`` that takes its name when the block ends well, and is removed when it does not.

    ``tbp nightly`` removes the hidden files of processes that were killed.
    """
    handle, name = tempfile.mkstemp(prefix=".unfinished-", dir=path.parent)
    os.close(handle)
    unfinished = Path(name)
    try:
        yield unfinished
        unfinished.chmod(0o644)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def sessions_of(destination: Destination, benchmark: str, parameters: Mapping[str, str]) -> list[Path]:
    """The session files of a cell, of whatever asv run, in no order."""
    return list((destination.folder / _safe(benchmark)).glob(f"{_slug(parameters)}.*.session.json.gz"))


def _safe(text: str) -> str:
    return re.sub(r"[^\w.=+-]", "_", text)[:100] or "_"


def _slug(parameters: Mapping[str, str]) -> str:
    """A file name that reads as the parameters; the digest keeps those apart that read the same."""
    digest = hashlib.sha256(json.dumps(dict(parameters)).encode()).hexdigest()[:8]
    return f"{_safe('-'.join(parameters.values()))}-{digest}" if parameters else "only"
