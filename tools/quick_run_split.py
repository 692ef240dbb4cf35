"""The parts of the wall time of an asv run with the ruler, from its stored results; and its A/A twins.

    python tools/quick_run_split.py RESULTS [RESULTS ...] [--wall SECONDS ...]

RESULTS is the results folder of ``asv run`` (of several runs the newest counts), ``--wall`` the wall time of each run,
measured outside. The sampling loops are the sum of the sessions' samples (time of a call × calls) and yardsticks.
Traced steps are the spans of the traces, and a benchmark's whole time is asv's ``duration``. Nothing else is recorded:
warm-up, set-up with its oracle check, and writing traces are "everything else" of the benchmarks; imports, discovery
and asv itself are "everything else" of the run.

A twin ÷ its variant − 1 is the noise floor: raw, at the machine's usual speed as a report shows it, and as a ratio of
sample ÷ yardstick. Takes some seconds for a run of the Quick suites.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec.structs import replace

from tbp.asv.session_files import read_sessions
from tbp.asv.sessions import Session, Sessions
from tbp.model.series import SeriesKey

TWIN_SUFFIX = "_twin"
Level = Callable[[Sequence[Session]], float]  # of one series in one run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="+", type=Path)
    parser.add_argument("--wall", nargs="*", type=float, default=[], metavar="SECONDS")
    options = parser.parse_args()
    runs = [newest_run(read_sessions(folder)) for folder in options.results]
    splits = [
        split(folder, run, dict(enumerate(options.wall)).get(number))
        for number, (folder, run) in enumerate(zip(options.results, runs, strict=True))
    ]
    print_table("seconds", splits)
    # Each run as a commit of its own: the usual speed is then that of all runs, as in a report.
    together = Sessions(tuple(replace(session, commit=session.run) for run in runs for session in run.sessions))
    levels: dict[str, Level] = {
        "raw": lambda run: statistics.median(session.median_s for session in run),
        "as reported": lambda run: statistics.median(together.medians_s(run[0].key, run[0].run)),
        "in yardsticks": lambda run: statistics.median(session.yardsticks for session in run),
    }
    for name, level in levels.items():
        print_table(f"A/A %, {name}", [twins(run, level) for run in runs])


def newest_run(stored: Sessions) -> Sessions:
    newest = max(session.run for session in stored.sessions)
    return Sessions(tuple(session for session in stored.sessions if session.run == newest))


def split(folder: Path, run: Sessions, wall_s: float | None) -> dict[str, float]:
    """Seconds of one run by the part of its work; "processes that measured" is their number."""
    timed, counted = durations_s(folder, {session.commit for session in run.sessions})
    samples_s = sum(sum(session.wall_s) * session.number for session in run.sessions)
    yardstick_s = sum(sum(session.yardstick_s) for session in run.sessions)
    traced_s = sum(span_s(session.trace) for session in run.sessions if session.trace is not None)
    rows = {
        "processes that measured": float(sum(bool(session.wall_s) for session in run.sessions)),
        "samples": samples_s,
        "yardstick": yardstick_s,
        "traced steps": traced_s,
        "everything else of torchtime_*": timed - samples_s - yardstick_s - traced_s,
        "counters (track_*)": counted,
    }
    if wall_s is not None:
        rows["everything else of the run"] = wall_s - timed - counted
        rows["wall"] = wall_s
    return rows


def durations_s(folder: Path, commits: set[str]) -> tuple[float, float]:
    """asv's durations in seconds: sum over the benchmarks with sessions, and over all others."""
    timed = counted = 0.0
    for path in folder.glob("*/*-*.json"):
        content = json.loads(path.read_bytes())
        if content["commit_hash"] in commits:
            column = content["result_columns"].index("duration")
            for name, row in content["results"].items():
                seconds = float(row[column]) if len(row) > column and row[column] else 0.0
                if "torchtime" in name.lower():
                    timed += seconds
                else:
                    counted += seconds
    return timed, counted


def span_s(trace: Path) -> float:
    """Seconds from the first event of a trace to the end of its last."""
    with gzip.open(trace) as stream:
        events = [event for event in json.load(stream)["traceEvents"] if event.get("ph") == "X"]
    return float(max(event["ts"] + event["dur"] for event in events) - min(event["ts"] for event in events)) / 1e6


def twins(run: Sessions, level: Level) -> dict[str, float]:
    """The level of each twin relative to its variant, in per cent: 100 (twin ÷ variant − 1)."""
    measured: dict[SeriesKey, list[Session]] = {}
    for session in run.sessions:
        if session.wall_s:
            measured.setdefault(session.key, []).append(session)
    relative = {}
    for key in sorted(measured):
        variant = dict(key.parameters).get("variant", "")
        if variant.endswith(TWIN_SUFFIX):
            original = next(other for other in measured if is_twin_of(key, other))
            name = f"{key.benchmark.split('.')[0]} {variant.removesuffix(TWIN_SUFFIX)}"
            relative[name] = 100 * (level(measured[key]) / level(measured[original]) - 1)
    return relative


def is_twin_of(twin: SeriesKey, other: SeriesKey) -> bool:
    parameters = tuple((name, value.removesuffix(TWIN_SUFFIX)) for name, value in twin.parameters)
    return (other.benchmark, other.machine, other.environment) == (twin.benchmark, twin.machine, twin.environment) and (
        other.parameters == parameters
    )


def print_table(title: str, columns: Sequence[dict[str, float]]) -> None:
    print(f"{title:<34}" + "".join(f"run {number:>2}  " for number in range(1, len(columns) + 1)) + " median")
    for name in columns[0]:
        values = [column[name] for column in columns if name in column]
        print(f"  {name:<32}" + "".join(f"{value:6.1f}  " for value in values) + f"{statistics.median(values):7.1f}")
    print()


if __name__ == "__main__":
    main()
