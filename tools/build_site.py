"""The cost of a report, beside `asv publish` of the same results in the same run.

    python tools/build_site.py                                   200 benchmarks over 1,000 commits, made up
    python tools/build_site.py --results DIR [--results DIR …]   someone's real results, too
    python tools/build_site.py --series 10600 --commits 165 --repeats 1 --no-asv

Each tool has a process of its own and an empty folder to write to; the files are in the page cache for all of them. The
tools take turns, and medians are shown. "cold" knows nothing of the results and "again" everything. "one run more" is
after a result file with every series came in, "one suite more" after one with the first tenth of the benchmarks by
name. Peak memory is the sum over all processes of a tool, looked at ten times a second in a run of its own: looking
keeps a core busy that the tool may want.

Bars, on two idle cores: a small folder (3,170 files of Lightning's) cold in at most 1.5 times the time of `asv
publish`; 200 series over 1,000 commits at least 5 times as fast as it; 10,600 series over 165 commits cold within 60 s
and 1.2 GB; with one new result file at most a third of cold; `tbp --help` within 0.15 s. A file of every benchmark
cannot reach a third, as it changes every series: docs/decisions/0005 has the numbers.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from synthetic_project import Project, adopted, synthetic

LOOK_S = 0.1
SUITE_SHARE = 10  # one in so many benchmarks is in the file of "one suite more"
PUBLISH = "asv publish"


@dataclass(frozen=True)
class Cost:
    wall_s: float
    cpu_s: float
    peak_mib: float  # of one process where nobody looked
    size_mb: float  # of what was written


def cost(command: list[str], project: Project, out: Path, is_watched: bool) -> Cost:
    environment = os.environ | {"XDG_CACHE_HOME": str(project.folder / "cache"), "COLUMNS": "120"}
    for name in ("TBP_NO_CACHE", "PYTHONDONTWRITEBYTECODE"):  # an installed package is compiled
        environment.pop(name, None)
    begin = time.perf_counter()
    with (project.folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=project.folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        watch = Watch(process.pid)
        if is_watched:
            watch.start()
        _, status, usage = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - begin
    if is_watched:
        watch.stop()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 3):
        raise SystemExit(
            f"{' '.join(command)}: exit {process.returncode}\n{(project.folder / 'log').read_text()[-2000:]}"
        )
    size_mb = sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) / 1e6
    peak_mib = max(watch.peak_kib, usage.ru_maxrss) / 1024
    return Cost(wall_s, usage.ru_utime + usage.ru_stime, peak_mib, size_mb)


class Watch(threading.Thread):
    """Looks at the memory of a tool's processes while somebody else waits for it to end."""

    def __init__(self, leader: int) -> None:
        super().__init__(daemon=True)
        self.leader = leader
        self.peak_kib = 0
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(LOOK_S):
            self.peak_kib = max(self.peak_kib, session_kib(self.leader))

    def stop(self) -> None:
        self._ended.set()
        self.join()


def session_kib(leader: int) -> int:
    """Memory of all processes of a session; what several share, as a fork does nearly everything, counts once."""
    total = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                if os.getsid(int(entry.name)) == leader:
                    lines = (entry / "smaps_rollup").read_text().splitlines()
                    total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
            except (OSError, StopIteration):
                continue
    return total


def compare(name: str, project: Project, repeats: int, with_asv: bool) -> None:
    print(f"\n{name}: {len(list(project.results.glob('*/*-*.json')))} result files", flush=True)
    site, html = project.folder / "site", project.folder / "html"
    report = [sys.executable, "-m", "tbp", "report", "--exit-zero", "--out", str(site)]
    publish = [sys.executable, "-m", "asv", "publish"]
    last = newest(project)
    whole = last.read_bytes()
    last.unlink()
    steps: list[tuple[str, list[str], Path, Callable[[], object]]] = [
        ("tbp report, cold", report, site, lambda: clear(site, project.folder / "cache")),
        ("tbp report, again", report, site, lambda: None),
        ("tbp report, one suite more", report, site, lambda: last.write_bytes(suite_of(whole))),
        ("tbp report, one run more", report, site, lambda: last.write_bytes(whole)),
    ]
    if with_asv:
        steps.insert(0, (PUBLISH, publish, html, lambda: clear(html)))
    costs: dict[str, list[Cost]] = {step: [] for step, *_ in steps}
    peaks_mib: dict[str, float] = {}
    for repeat in range(repeats + 1):
        for step, command, out, prepare in steps:
            prepare()
            spent = cost(command, project, out, is_watched=repeat == 0)
            if repeat == 0:
                peaks_mib[step] = spent.peak_mib
            else:
                costs[step].append(spent)
        last.unlink()
    show(costs, peaks_mib)


def print_help_time() -> None:
    """Prints the shortest of ten starts, as longer ones waited for something else."""
    times_s = []
    for _ in range(10):
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-m", "tbp", "--help"], check=True, stdout=subprocess.DEVNULL)
        times_s.append(time.perf_counter() - begin)
    print(f"tbp --help: {min(times_s):.3f} s")


def show(costs: dict[str, list[Cost]], peaks_mib: dict[str, float]) -> None:
    print(f"{'':28}{'wall s':>9}{'CPU s':>9}{'peak MiB':>10}{'MB':>8}{'times as fast':>15}")
    medians = {
        step: Cost(
            *(statistics.median(getattr(each, field) for each in repeats) for field in Cost.__dataclass_fields__)
        )
        for step, repeats in costs.items()
    }
    peer = medians.get(PUBLISH)
    for step, usual in medians.items():
        ratio = f"{peer.wall_s / usual.wall_s:.1f}" if peer else ""
        print(
            f"{step:28}{usual.wall_s:>9.2f}{usual.cpu_s:>9.2f}{peaks_mib[step]:>10.0f}{usual.size_mb:>8.1f}{ratio:>15}",
            flush=True,
        )


def clear(*folders: Path) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def newest(project: Project) -> Path:
    """A file of the newest commit: one in the middle of history would move the numbers of all commits after it."""
    return max(project.results.glob("*/*-*.json"), key=lambda path: (json.loads(path.read_bytes())["date"], path))


def suite_of(whole: bytes) -> bytes:
    """The result file ``whole`` with the first of its benchmarks by name only: a suite's stand together."""
    content = json.loads(whole)
    rows = sorted(content["results"].items())
    content["results"] = dict(rows[: math.ceil(len(rows) / SUITE_SHARE)])
    return json.dumps(content).encode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=200)
    parser.add_argument("--commits", type=int, default=1000)
    parser.add_argument("--results", type=Path, action="append", default=[], help="a results folder of asv")
    parser.add_argument("--only-results", action="store_true", help="make up none")
    parser.add_argument("--no-asv", action="store_true", help="`tbp report` alone")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    print_help_time()
    with tempfile.TemporaryDirectory() as folder:
        for number, results in enumerate(arguments.results):
            project = adopted(Path(folder) / f"real{number}", results.resolve(), "real")
            compare(str(results), project, arguments.repeats, not arguments.no_asv)
        if not arguments.only_results:
            project = synthetic(
                Path(folder) / "made", arguments.series, arguments.commits, parameters=arguments.series > 1000
            )
            name = f"{arguments.series} series over {arguments.commits} commits"
            compare(name, project, arguments.repeats, not arguments.no_asv)


if __name__ == "__main__":
    main()
