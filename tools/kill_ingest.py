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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--runs", type=int, default=200, help="of 100 values each")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="for results and stores (default: a temporary one)")
    options = parser.parse_args()
    dice = random.Random(options.seed)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        results = Path(name) / "results"
        write_results(results, Fleet(cells=100, machines=4, commits=options.runs // 4), seed=options.seed)
        whole = read_results(results, cache=False)
        store = Path(name) / "store"
        began = time.perf_counter()
        if started(results, store).wait() or fault(whole, store):
            print("an ingest that nobody disturbs fails:", fault(whole, store))
            return 1
        whole_s = time.perf_counter() - began
        faults: list[str] = []
        were_killed = parts_left = 0
        for number in range(options.kills):
            shutil.rmtree(store)
            was_killed = killed(started(results, store), dice.uniform(0, whole_s))
            were_killed += was_killed
            parts_left += (store / "parts").exists()
            faults += filter(None, [fault_of_part(whole, store)])
            if number % 3 == 0:  # a second one is killed too
                killed(started(results, store), dice.uniform(0, whole_s))
            started(results, store).wait()
            faults += filter(None, [fault(whole, store)])
        for number in range(options.pairs):
            shutil.rmtree(store)
            both = [started(results, store), started(results, store)]
            if number % 2:
                killed(both[0], dice.uniform(0, 2 * whole_s))
            for process in both:
                process.wait()
            faults += filter(None, [fault(whole, store)])
            compact(StoreFiles(str(store)), time.time_ns() // 1_000_000)
            faults += filter(None, [fault(whole, store)])
        print(
            f"{were_killed} of {options.kills} ingests killed, {parts_left} of them with a part of the results stored; "
            f"{options.pairs} pairs at once; a whole one takes {whole_s:.1f} s; faults: {len(faults)}"
        )
        print(*dict.fromkeys(faults), sep="\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
