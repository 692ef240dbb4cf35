"""Runs the quick suites again and again: their wall time, the share of it spent measuring, and the twins.

Measuring is warming up, sampling, taking turns and finding the roof; the rest is starting, building, checking, counting
and tracing. A twin is the same work again, so its ratio must be 1 within the interval that the report gives for it.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from tbp.asv.session_files import read_sessions
from tbp.asv.sessions import Session
from tbp.history.measured_cells import measured_cell
from tbp.model.cells import RatioToVariant
from tbp.wording import words

ROOT = Path(__file__).resolve().parent.parent
SHARE_WANTED = 0.5
LONGEST_S = 120.0


def quick_run(folder: Path, suites: str) -> float:
    """Wall seconds of one ``asv run``; its output is in ``folder``."""
    start_s = time.perf_counter()
    with (folder / "run.log").open("w") as log:
        command = [sys.executable, "-m", "asv", "run", "--bench", suites, "HEAD^!"]
        ended = subprocess.run(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT, check=False)
    if ended.returncode:
        print(f"asv run ended with {ended.returncode}: see {folder / 'run.log'}")
    return time.perf_counter() - start_s


def ratios_of(sessions: Sequence[Session]) -> dict[str, list[tuple[RatioToVariant, int]]]:
    """The ratios of each cell of one run, with the number of rounds in a process."""
    cells: dict[str, list[Session]] = defaultdict(list)
    for session in sessions:
        variant = dict(session.key.parameters).get("variant", "")
        cells[f"{session.key.benchmark.removesuffix('.torchtime_step')} {variant}"].append(session)
    measured = {name: (measured_cell(group), group) for name, group in cells.items()}
    return {
        name: [(ratio, len(group[0].ratios[ratio.variant].wall)) for ratio in cell.ratios]
        for name, (cell, group) in measured.items()
        if cell is not None
    }


def is_one(ratio: RatioToVariant) -> bool:
    """True where the interval holds 1; of a single process, which has none, never."""
    return math.isfinite(ratio.low) and ratio.low <= 1 <= ratio.high


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--suites", default="Quick", help="asv's regular expression of the suites")
    parser.add_argument("--folder", type=Path, help="where to run and leave the results (default: a temporary folder)")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="tbp-quick-"))
    subprocess.run(["git", "clone", "-q", str(ROOT), str(folder)], check=True)
    subprocess.run(["git", "checkout", "-q", "-B", "main"], cwd=folder, check=True)
    subprocess.run([sys.executable, "-m", "asv", "machine", "--yes"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    print(f"results in {folder}")
    twins, seen = [], set[str]()
    for number in range(1, options.runs + 1):
        wall_s = quick_run(folder, options.suites)
        sessions = [
            session for session in read_sessions(folder / ".asv" / "results").sessions if session.run not in seen
        ]
        seen |= {session.run for session in sessions}
        share = sum(session.measuring_s for session in sessions) / wall_s
        print(
            f"run {number}: {wall_s:.0f} s (at most {LONGEST_S:.0f}), {words.percent(share)} measuring "
            f"(at least {words.percent(SHARE_WANTED)}), {len(sessions)} sessions"
        )
        for name, ratios in sorted(ratios_of(sessions).items()):
            for ratio, rounds in ratios:
                kind = "CPU" if ratio.of_cpu_time else "wall"
                print(
                    f"  {name:45} {ratio.variant:20} {ratio.ratio:.3f} ({ratio.low:.3f} to {ratio.high:.3f}) "
                    f"{kind}, {ratio.processes} × {rounds}"
                )
                twins += [ratio] if ratio.variant.endswith("_twin") else []
    within = sum(map(is_one, twins))
    print(
        f"twins: {within} of {len(twins)} are 1 within their 99 % interval; largest difference "
        f"{words.percent(max((abs(ratio.ratio - 1) for ratio in twins), default=math.nan))}"
    )


if __name__ == "__main__":
    main()
