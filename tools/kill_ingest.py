"""Kills `tbp ingest` at random moments, and lets two of them work at once: is anything lost or doubled?

Each try begins with an empty store. An ingest in a process of its own gets SIGKILL at a moment that is drawn evenly
from the time that a whole one takes. What is readable then has to be a part of the results; the next ingest has to make
it all of them. Then two ingests at a time work on one store, started together, of one folder; some are killed too.
Every comparison is of whole frames with those of the results folder.

    python tools/kill_ingest.py --kills 50 --pairs 10
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
from fleet_results import Fleet, write_results

from tbp.asv.results import Results, read_results
from tbp.dataset.compaction import compact
from tbp.dataset.files import StoreFiles
from tbp.dataset.source import store_source
from tbp.errors import NothingMeasured

# Parts of some 2,000 values, so that each ingest has many moments between two of them.
PROGRAM = (
    "import sys, tbp.dataset.ingest as ingest; from tbp.__main__ import main; "
    "ingest.PART_POINTS = 2000; ingest.CHUNK_BYTES = 200_000; sys.exit(main(sys.argv[1:]))"
)
KEY = ["benchmark", "parameters", "machine", "environment", "commit"]


def started(results: Path, store: Path) -> subprocess.Popen[bytes]:
    arguments = ["ingest", str(results), "--store", str(store)]
    return subprocess.Popen([sys.executable, "-c", PROGRAM, *arguments], stdout=subprocess.DEVNULL)


def killed(process: subprocess.Popen[bytes], after_s: float) -> bool:
    """True where the process was killed; False where it had ended."""
    try:
        process.wait(after_s)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True
    return False


def readable(store: Path) -> Results | None:
    try:
        return store_source(str(store)).results()
    except NothingMeasured:
        return None


def fault(whole: Results, store: Path) -> str:
    """The fault of a store that should have all results; empty where it has none."""
    back = readable(store)
    if back is None:
        return "nothing is there"
    if back.problems:
        return back.problems[0]
    try:
        pd.testing.assert_frame_equal(back.frame, whole.frame)
    except AssertionError as error:
        return f"{len(back.frame)} rows for {len(whole.frame)}: {error}"
    return ""


def fault_of_part(whole: Results, store: Path) -> str:
    """The fault of a store whose ingest was killed: a value that is doubled, or none of the results."""
    back = readable(store)
    if back is None:
        return ""
    if back.problems:
        return back.problems[0]
    if back.frame.duplicated(KEY).any():
        return "a value is doubled"
    known = whole.frame.astype(dict.fromkeys(KEY, object)).merge(
        back.frame.astype(dict.fromkeys(KEY, object)), on=[*KEY, "value"]
    )
    return "" if len(known) == len(back.frame) else f"{len(back.frame) - len(known)} values are none of the results"


class Trials:
    """Ingests of one results folder into stores that begin empty."""

    def __init__(self, folder: Path, runs: int, seed: int) -> None:
        self.results, self.store, self._dice = folder / "results", folder / "store", random.Random(seed)
        write_results(self.results, Fleet(cells=100, machines=4, commits=runs // 4), seed=seed)
        self._whole = read_results(self.results, cache=False)
        self.faults: list[str] = []
        self.with_part = 0
        began = time.perf_counter()
        started(self.results, self.store).wait()
        self.whole_s = time.perf_counter() - began
        self.require_whole()

    def require_whole(self) -> None:
        self.faults += filter(None, [fault(self._whole, self.store)])

    def kill(self) -> bool:
        """One ingest, killed if it does not end before; then a part is there. The next one adds the rest."""
        shutil.rmtree(self.store)
        was_killed = killed(started(self.results, self.store), self._dice.uniform(0, self.whole_s))
        self.with_part += was_killed and (self.store / "parts").exists()
        self.faults += filter(None, [fault_of_part(self._whole, self.store)])
        if self._dice.random() < 1 / 3:  # a second one is killed too
            killed(started(self.results, self.store), self._dice.uniform(0, self.whole_s))
        started(self.results, self.store).wait()
        self.require_whole()
        return was_killed

    def pair(self, is_killed: bool) -> None:
        """Two ingests at once, of which one may be killed and run again; then a compaction."""
        shutil.rmtree(self.store)
        both = [started(self.results, self.store), started(self.results, self.store)]
        if is_killed:
            killed(both[0], self._dice.uniform(0, 2 * self.whole_s))
        for process in both:
            process.wait()
        self.require_whole()
        compact(StoreFiles(str(self.store)), time.time_ns() // 1_000_000)
        self.require_whole()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=50, help="ingests that are really killed")
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--runs", type=int, default=200, help="of 100 values each")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="for results and stores (default: a temporary one)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        trials, kills = Trials(Path(name), options.runs, options.seed), 0
        while kills < options.kills:
            kills += trials.kill()
        for number in range(options.pairs):
            trials.pair(is_killed=number % 2 == 1)
    print(
        f"{kills} ingests killed, {trials.with_part} of them with a part of the results stored; {options.pairs} pairs "
        f"at once; a whole one takes {trials.whole_s:.1f} s; faults: {len(trials.faults)}"
    )
    print(*dict.fromkeys(trials.faults), sep="\n", end="")
    return 1 if trials.faults else 0


if __name__ == "__main__":
    sys.exit(main())
