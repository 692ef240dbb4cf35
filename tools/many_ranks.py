"""Many ranks over commits, made from real ones: is an injected straggler found and named, and in how much memory?

    python tools/many_ranks.py FOLDER [--ranks 64] [--commits 3] [--late 37] [--from-commit 2] [--of TRACES]

FOLDER gets a results folder: one distributed benchmark, a session with a trace of each rank for each commit. TRACES are
the traces of a run's ranks (default: the dlrm-8-ranks of TBP_TEST_DATA). Each made rank has the events of a real one on
another time. Gaps between collectives are the real rank's ± 1 %, those of the late rank 40 % longer from one commit on.
Every collective ends for all when the last rank has been in it as long as the fastest real one. Clocks differ by up to
500 µs. Then `tbp hotspots` and `tbp report` look at it, each in a process of its own.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import resource
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Events: TypeAlias = list[dict[str, Any]]
Floats: TypeAlias = NDArray[np.float64]

BENCHMARK, MACHINE, ENVIRONMENT = "distributed.Step.torchtime_step", "node", "existing-py3.11"
SLOWER = 1.4  # gaps of the late rank
JITTER = 0.01  # of every gap: between two steps of one real rank they differ by about as much
CLOCKS_US = 500.0
FIRST_MS = 1_790_000_000_000


def collectives(events: Events) -> Floats:
    """Start and end of each collective kernel in order, (collectives, 2), µs."""
    kernels = [e for e in events if e.get("cat") == "kernel" and e["name"].startswith("nccl")]
    return np.array(sorted((float(e["ts"]), float(e["ts"]) + float(e["dur"])) for e in kernels))


def simulated(real: Sequence[Floats], slower: Sequence[float], dice: random.Random) -> list[tuple[Floats, Floats]]:
    """For each rank the real times at which its clock changes pace, and what time it is then."""
    taken = np.min([times[:, 1] - times[:, 0] for times in real], axis=0)
    start = min(float(times[0, 0]) for times in real)
    ends: list[float] = []
    starts: list[Floats] = []
    for number in range(len(taken)):
        gaps = []
        for rank, slow in enumerate(slower):
            times = real[rank % len(real)]
            before = float(times[number - 1, 1]) if number else start
            gaps.append((float(times[number, 0]) - before) * slow * dice.gauss(1, JITTER))
        arrived = (ends[-1] if number else start) + np.maximum(gaps, 1.0)
        starts.append(arrived)
        ends.append(float(arrived.max() + taken[number]))
    warps = []
    for rank in range(len(slower)):
        times = real[rank % len(real)]
        new = np.array([moment for number in range(len(taken)) for moment in (starts[number][rank], ends[number])])
        warps.append((times.ravel(), new + dice.uniform(-CLOCKS_US, CLOCKS_US)))
    return warps


def warped(events: Events, warp: tuple[Floats, Floats]) -> Events:
    """The events on a time of which the pace changes at the moments of ``warp``; before and behind them it is real."""
    old, new = warp

    def at(moment: float) -> float:
        if moment <= old[0]:
            return moment - float(old[0] - new[0])
        return moment + float(new[-1] - old[-1]) if moment >= old[-1] else float(np.interp(moment, old, new))

    moved = []
    for event in events:
        if "ts" in event:
            start = float(event["ts"])
            event = {**event, "ts": round(at(start), 3)}
            if "dur" in event:
                event["dur"] = round(at(start + float(event["dur"])) - event["ts"], 3)
        moved.append(event)
    return moved


def write_commit(
    results: Path, commit: str, day: int, real: Sequence[Mapping[str, Any]], slower: Sequence[float], seed: int
) -> None:
    """A result and a session with a trace of each rank."""
    dice = random.Random(seed)
    warps = simulated([collectives(trace["traceEvents"]) for trace in real], slower, dice)
    folder = results / MACHINE / f"{commit[:8]}-{ENVIRONMENT}.traces" / BENCHMARK
    folder.mkdir(parents=True)
    names = []
    for rank, warp in enumerate(warps):
        trace = real[rank % len(real)]
        info = {"backend": "nccl", "rank": rank, "world_size": len(warps)}
        events = warped(trace["traceEvents"], warp)
        facts = {"benchmark": BENCHMARK, "parameters": {}, "commit": commit}
        content = {**trace, "distributedInfo": info, "tbp": facts, "traceEvents": events}
        names.append(f"c.s0{f'.rank{rank}' if rank else ''}.pt.trace.json.gz")
        (folder / names[-1]).write_bytes(gzip.compress(json.dumps(content).encode(), 1))
    step_s = max(float(warp[1][-1] - warp[1][0]) for warp in warps) / 1e6
    session = {
        "format": 1, "run": "1", "session": "s0", "benchmark": BENCHMARK, "parameters": {}, "commit": commit,
        "environment": ENVIRONMENT, "machine": MACHINE, "started": f"2026-10-{day + 1:02}T00:00:00+00:00",
        "wall_s": [step_s] * 10, "trace": names[0], "rank_traces": names[1:],
    }  # fmt: skip
    (folder / "c.s0.session.json.gz").write_bytes(gzip.compress(json.dumps(session).encode()))
    result = {
        "version": 2, "commit_hash": commit, "env_name": ENVIRONMENT, "date": FIRST_MS + day * 86_400_000,
        "params": {"machine": MACHINE}, "python": "3.11", "requirements": {},
        "result_columns": ["result", "params", "version"], "results": {BENCHMARK: [[step_s], [], "1"]},
    }  # fmt: skip
    (results / MACHINE / f"{commit[:8]}-{ENVIRONMENT}.json").write_text(json.dumps(result))


def write_results(
    results: Path, real: Sequence[Mapping[str, Any]], ranks: int, commits: int, late: int, from_commit: int
) -> list[str]:
    """The hashes of the commits, of which the late rank is slower from number ``from_commit`` on, the first being 1."""
    (results / MACHINE).mkdir(parents=True)
    (results / MACHINE / "machine.json").write_text(json.dumps({"machine": MACHINE, "version": 1}))
    declared = {"name": BENCHMARK, "type": "time", "unit": "seconds", "version": "1", "param_names": [], "params": []}
    (results / "benchmarks.json").write_text(json.dumps({BENCHMARK: declared, "version": 2}))
    hashes = [f"{number + 1:x}" * 40 for number in range(commits)]
    for day, commit in enumerate(hashes):
        slower = [SLOWER if rank == late and day + 1 >= from_commit else 1.0 for rank in range(ranks)]
        write_commit(results, commit, day, real, slower, seed=day)
    return hashes


def read_real(traces: Path | None) -> list[Mapping[str, Any]]:
    if traces is not None:
        return [json.loads(path.read_text()) for path in sorted(traces.glob("*.json"))]
    archive = Path(os.environ["TBP_TEST_DATA"]) / "traces" / "dlrm-8-ranks" / "dlrm_kineto.tar.gz"
    with tempfile.TemporaryDirectory() as folder, tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
        return [json.loads(path.read_text()) for path in sorted(Path(folder).rglob("worker*.json"))]


def looked_at(*command: str) -> tuple[str, float, float]:
    """The text that ``tbp`` printed, its CPU seconds and those of its processes, and the most memory of one, MiB."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-m", "tbp", *command], capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.stdout + done.stderr, used, after.ru_maxrss / 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ranks", type=int, default=64)
    parser.add_argument("--commits", type=int, default=3)
    parser.add_argument("--late", type=int, default=37)
    parser.add_argument("--from-commit", type=int, default=2)
    parser.add_argument("--of", type=Path)
    options = parser.parse_args()
    results = options.folder / "results"
    hashes = write_results(
        results, read_real(options.of), options.ranks, options.commits, options.late, options.from_commit
    )
    last, first = hashes[-1], hashes[0]
    traces = results / MACHINE / f"{last[:8]}-{ENVIRONMENT}.traces" / BENCHMARK
    print(f"{options.ranks} ranks × {len(hashes)} commits in {results}")
    is_named = True
    looks: dict[str, tuple[str, ...]] = {
        "a folder": ("hotspots", str(traces)),
        "two commits": ("hotspots", first, last, "--results", str(results)),
        "compare": ("compare", first, last, "--results", str(results)),
        "the report": ("report", "--results", str(results), "--exit-zero", "--out", str(options.folder / "site")),
    }
    for name, command in looks.items():
        printed, cpu_s, peak_mib = looked_at(*command)
        named = [line for line in printed.splitlines() if f"rank {options.late}" in line]
        is_named &= bool(named) or name == "the report"
        print(f"{name}: {cpu_s:.1f} CPU s, at most {peak_mib:.0f} MiB in a process\n  " + "\n  ".join(named))
    pages = [
        page for page in (options.folder / "site").rglob("*.html") if f"rank {options.late} works" in page.read_text()
    ]
    print(f"pages of the report that name rank {options.late}: {[page.name for page in pages]}")
    return 0 if is_named and pages else 1


if __name__ == "__main__":
    sys.exit(main())
