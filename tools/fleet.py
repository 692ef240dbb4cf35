"""Fleets that cannot be run here: results of many machines, made up, and what a store of them costs.

Noise is learned from real results folders (``--learn``, several): of each series the spread of its logarithms from run
to run, how often a run is an outlier, and how much a run has of the one before. A made-up series draws the three of
one real series. Steps are injected: some benchmarks change at one commit, on all machines alike.

For each size: the results are ingested by `tbp ingest` in a process of its own (its CPU time and largest memory), the
store is compacted, and read: one series, the rows of the index page, and all changes of some series, which are compared
with the injected ones. Sizes above AT_ONCE are made, ingested and deleted month by month, as nights would do it.

    python tools/fleet.py --learn RESULTS --points 1e6 1e7
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from fleet_results import (
    CELLS_OF_BENCHMARK,
    ENVIRONMENT,
    HOURS_BETWEEN,
    Fleet,
    Truth,
    commit_hash,
    learned,
    machine_name,
    truth,
    write_results,
)  # fmt: skip
from numpy.typing import NDArray

MONTH = 30 * 24 // HOURS_BETWEEN  # commits
AT_ONCE = 12_000_000  # points that are made and ingested at once: 1.3 GB of JSON
JUDGED = 40  # benchmarks whose changes are looked for, of one machine

# 1 M, 10 M and 100 M: each grows in series, machines and history.
FLEETS = {
    100_000: Fleet(100, 4, 250),
    1_000_000: Fleet(400, 5, 500),
    10_000_000: Fleet(2000, 10, 500),
    100_000_000: Fleet(5000, 20, 1000),
}


@dataclass
class Cost:
    """The time and the memory of the processes of one size."""

    cpu_s: float = 0.0
    wall_s: float = 0.0
    peak_bytes: int = 0

    def run(self, *arguments: object) -> None:
        began = time.perf_counter()
        process = subprocess.Popen([sys.executable, "-m", "tbp", *map(str, arguments)], stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"tbp {' '.join(map(str, arguments))} ended with {process.returncode}")
        self.wall_s += time.perf_counter() - began
        self.cpu_s += used.ru_utime + used.ru_stime
        self.peak_bytes = max(self.peak_bytes, used.ru_maxrss * 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--points", type=lambda text: int(float(text)), nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--learn", type=Path, nargs="*", default=[], metavar="RESULTS", help="real results folders")
    parser.add_argument("--months", type=int, help="of a history that is made month by month, only so many more")
    parser.add_argument("--folder", type=Path, help="for results and stores, which stay, and are gone on with")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    noise = learned(options.learn)
    print(f"noise of {len(noise):,} series: median spread {np.median(noise[:, 0]):.1%}, "
          f"outliers {np.mean(noise[:, 1]):.1%}, correlation {np.median(noise[:, 2]):.2f}")  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        for points in options.points:
            measured((options.folder or Path(name)) / str(points), FLEETS[points], noise, options)


def measured(folder: Path, fleet: Fleet, noise: NDArray[np.float64], options: argparse.Namespace) -> None:
    store = folder / "store"
    first, is_at_once = commits_in(store), fleet.points <= AT_ONCE
    last = min(fleet.commits, first + options.months * MONTH) if options.months and not is_at_once else fleet.commits
    print(f"\n{fleet.cells * fleet.machines * last:,} points, {fleet.cells * fleet.machines:,} series")
    if first < last:
        ingested(folder / "results", store, fleet, noise, options.seed, range(first, last))
    reads(store, fleet, last, "as ingested")
    if not options.months:
        compacting = Cost()
        compacting.run("ingest", "--store", store, "--compact")
        print(f"  compaction: {compacting.cpu_s:.1f} CPU s, {compacting.peak_bytes / 1e6:,.0f} MB at most")
        reads(store, fleet, last, "compacted")
    quality(store, fleet, truth(fleet, noise, np.random.default_rng(options.seed)), last)
    if options.folder is None:
        shutil.rmtree(folder)


def commits_in(store: Path) -> int:
    """The number of commits that an earlier call put into the store."""
    from tbp.dataset.files import StoreFiles
    from tbp.dataset.parts import live_files
    from tbp.dataset.sql import answer

    files = StoreFiles(str(store))
    live = live_files(files)
    return int(answer(files, live, "SELECT count(DISTINCT commit) AS n FROM runs")["n"][0].as_py()) if live.parts else 0


def ingested(results: Path, store: Path, fleet: Fleet, noise: NDArray[np.float64], seed: int, span: range) -> None:
    """Makes the results of the commits of ``span`` and ingests them, month by month where they are many."""
    ingesting, json_bytes = Cost(), 0
    is_at_once = fleet.cells * fleet.machines * len(span) <= AT_ONCE

    def ready(commit: int) -> None:
        nonlocal json_bytes
        if commit + 1 < span.stop and (is_at_once or (commit + 1) % MONTH):
            return
        json_bytes += bytes_of(results)
        ingesting.run("ingest", results, "--store", store, "--project", "fleet")
        for machine in range(fleet.machines):
            shutil.rmtree(results / machine_name(machine))
            (results / machine_name(machine)).mkdir()

    write_results(results, fleet, noise, seed, ready, span)
    shutil.rmtree(results)
    files = sum(1 for _ in store.rglob("*.parquet"))
    print(
        f"  ingest of {len(span)} commits, {json_bytes / 1e6:,.0f} MB of JSON: {ingesting.cpu_s:.1f} CPU s, "
        f"{ingesting.wall_s:.1f} s, {ingesting.peak_bytes / 1e6:,.0f} MB at most; "
        f"store {bytes_of(store) / 1e6:,.0f} MB in {files:,} files"
    )


def bytes_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def timed(read: Callable[[int], object], times: int) -> float:
    """The median time of a read, each of another series."""
    taken = []
    for number in range(times):
        began = time.perf_counter()
        read(number)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def reads(store: Path, fleet: Fleet, commits: int, state: str) -> None:
    from tbp.dataset.database import Wanted, opened
    from tbp.dataset.files import StoreFiles
    from tbp.dataset.parts import required
    from tbp.dataset.source import store_source
    from tbp.dataset.sql import answer

    files = StoreFiles(str(store))
    dice = np.random.default_rng(7)
    cells, machines = dice.integers(0, fleet.cells, 99), dice.integers(0, fleet.machines, 99)

    def wanted(number: int) -> Wanted:
        benchmark, cell = divmod(int(cells[number]), CELLS_OF_BENCHMARK)
        return Wanted(
            "fleet", (f"suite_{benchmark % 20}.Suite.time_{benchmark}",), machine_name(int(machines[number])),
            ENVIRONMENT, f"param1={cell}",
        )  # fmt: skip

    def series(number: int) -> None:
        with opened(files, live, wanted(number), ("runs", "points")) as database:
            condition, values_ = database.wanted.condition
            rows = database.rows(f"SELECT date, commit, value FROM points WHERE {condition}", values_)
        assert rows.num_rows == commits, rows.num_rows

    def frame(number: int) -> None:
        source = store_source(str(store))
        assert len(msgspec.structs.replace(source, wanted=wanted(number)).results().frame) == commits

    live = required(files)
    one_s, frame_s = timed(series, 15), timed(frame, 7)
    listing_s = timed(lambda _: required(files), 3)
    index_s = timed(lambda _: answer(files, required(files), "FROM series"), 3)
    print(f"  {state}: one series {one_s * 1e3:.0f} ms (as a frame, store opened anew, {frame_s * 1e3:.0f} ms); "
          f"listing {listing_s * 1e3:.0f} ms; index data {index_s:.2f} s")  # fmt: skip


def quality(store: Path, fleet: Fleet, fact: Truth, last: int) -> None:
    """The changes that a report finds in some benchmarks of one machine, beside those that were injected."""
    from tbp.dataset.database import Wanted
    from tbp.dataset.source import store_source
    from tbp.history.stored import by_themselves, stored
    from tbp.model.points import commits as commits_of

    dice = np.random.default_rng(3)
    chosen = sorted(dice.choice(fleet.benchmarks, min(JUDGED, fleet.benchmarks), replace=False).tolist())
    names = tuple(f"suite_{number % 20}.Suite.time_{number}" for number in chosen)
    source = msgspec.structs.replace(store_source(str(store)), wanted=Wanted("fleet", names, machine_name(0)))
    began = time.perf_counter()
    histories = by_themselves(stored(None, source))
    took_s = time.perf_counter() - began
    order = {commit_hash(commit): commit for commit in range(fleet.commits)}
    seen = missed = false = runs = 0
    loud_seen = loud = 0
    for history in histories:
        number = int(history.key.benchmark.rpartition("_")[2])
        cell = number * CELLS_OF_BENCHMARK + int(history.key.parameters[0][1])
        at, spread = int(fact.step_at[number]), float(fact.noise[0, cell, 0])
        hashes = [commit.hash for commit in commits_of(history.points)]
        changes = [evidence.change for evidence in history.changes]
        confirmed = [order[hashes[change.index]] for change in changes if change.confirmed]
        near = [commit for commit in confirmed if at >= 0 and abs(commit - at) <= 3]
        runs += last
        false += len(confirmed) - len(near)
        if 0 <= at < last - 10:
            seen, missed = seen + bool(near), missed + (not near)
            if abs(fact.step_log[number]) >= 2 * spread:
                loud, loud_seen = loud + 1, loud_seen + bool(near)
    print(
        f"  detection in {len(histories)} series ({took_s:.1f} s): {seen} of {seen + missed} steps found, {loud_seen} "
        f"of the {loud} of twice the noise or more; {1000 * false / runs:.2f} false per 1,000 runs"
    )


if __name__ == "__main__":
    main()
