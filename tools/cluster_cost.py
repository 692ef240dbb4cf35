"""The cost of a report, and of an analysis of traces, by each engine that shares work out.

    python tools/cluster_cost.py --traces DIR --results DIR
    python tools/cluster_cost.py --traces ../shared/data/traces --results demo/sample/.asv/results --repeats 5

A real Dask cluster runs on loopback, its scheduler and two workers as separate processes. Of 24 traces, 18 are copies
of the eight largest in ``--traces``, the others are those beside ``--results``. "analysis" is `tbp hotspots` of all of
them. "report" is `tbp report` of a copy of ``--results``, in which they take the places of the traces that
the report reads. Nothing is kept between runs, and the engines take turns; medians are shown.

Each engine must give the same bytes as the first: stdout, and every file of the site. So must a run during which one of
the workers is killed (SIGKILL) while it has tasks. Bar, on two idle cores: the analysis by Dask within 0.75 of the time
of one process. Much of a report is done by the process that asks for it, beside the workers.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from distributed import Client

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from clusters import LocalWorkers, local_workers

TRACES, OF_FOLDER, LARGEST = 24, 18, 8
END = ".pt.trace.json.gz"
BAR = 0.75  # of the time of one process, with two workers


def main() -> int:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="cluster-cost-") as name:
        folder = Path(name)
        jobs = _jobs(folder, options.traces, options.results)
        with local_workers(folder / "cluster", 2) as workers:
            engines = {"serial": "serial", "processes": "processes", "Dask": workers.address}
            is_good = [_compared(kind, command, folder, engines, options.repeats) for kind, command in jobs.items()]
            is_good += [_survives(kind, command, folder, workers) for kind, command in jobs.items()]
    return 0 if all(is_good) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--traces", type=Path, required=True, metavar="DIR", help="a folder with traces, at any depth")
    parser.add_argument("--results", type=Path, required=True, metavar="DIR", help="asv's results with traces")
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="runs of each engine (default: 3)")
    return parser.parse_args()


def _jobs(folder: Path, traces: Path, results: Path) -> dict[str, list[str]]:
    """The command lines to run, by their names, over copies in ``folder``."""
    stored = sorted(results.rglob(f"*{END}"))
    large = sorted(traces.rglob("*.json.gz"), key=lambda path: -path.stat().st_size)[:LARGEST]
    chosen = [large[i % len(large)] if i < OF_FOLDER else stored[i % len(stored)] for i in range(TRACES)]
    (folder / "traces").mkdir()
    for number, path in enumerate(chosen):
        shutil.copy(path, folder / "traces" / f"{number:02}{END}")
    shutil.copytree(results, folder / "results")
    copies = sorted((folder / "results").rglob(f"*{END}"), key=lambda path: path.name)
    for number, path in enumerate(copies):
        shutil.copy(chosen[number % TRACES], path)
    tbp = [sys.executable, "-P", "-m", "tbp"]
    return {
        "analysis": [*tbp, "hotspots", "traces", "--bench", ".", "--json"],
        "report": [*tbp, "report", "--results", "results", "--out", "site", "--exit-zero"],
    }


def _compared(kind: str, command: Sequence[str], folder: Path, engines: dict[str, str], repeats: int) -> bool:
    times_s: dict[str, list[float]] = {name: [] for name in engines}
    digests: dict[str, set[str]] = {name: set() for name in engines}
    for repeat in range(repeats + 1):
        for name, engine in engines.items():
            begin_s = time.perf_counter()
            digest = _run(command, folder, engine)
            if repeat:  # the first fills the page cache, and the workers import what they need
                times_s[name].append(time.perf_counter() - begin_s)
            digests[name].add(digest)
    serial_s = statistics.median(times_s["serial"])
    for name, taken_s in times_s.items():
        median_s = statistics.median(taken_s)
        equal = "the same bytes" if digests[name] == digests["serial"] else "OTHER BYTES"
        print(f"{kind:9} {name:10} {median_s:6.2f} s  {median_s / serial_s:5.2f} of serial  {equal}", flush=True)
    is_equal = len(set.union(*digests.values())) == 1
    return is_equal and (kind != "analysis" or statistics.median(times_s["Dask"]) <= BAR * serial_s)


def _survives(kind: str, command: Sequence[str], folder: Path, workers: LocalWorkers) -> bool:
    """True where the bytes are the same although a worker is killed while it has tasks."""
    expected = _run(command, folder, "serial")
    workers.add(2 - len([worker for worker in workers.workers if worker.poll() is None]))
    victim = next(worker for worker in workers.workers if worker.poll() is None)
    killer = threading.Thread(target=_kill_at_work, args=(victim, workers))
    killer.start()
    digest = _run(command, folder, workers.address)
    killer.join()
    equal = "the same bytes" if digest == expected else "OTHER BYTES"
    print(f"{kind:9} Dask, a worker killed: {equal}", flush=True)
    return digest == expected and victim.poll() is not None


def _kill_at_work(victim: subprocess.Popen[bytes], workers: LocalWorkers) -> None:
    """Kill a worker as soon as the scheduler knows of tasks that it works on, and of results."""
    name = f"worker-{workers.workers.index(victim)}"
    with Client(workers.address, set_as_default=False) as client:
        while victim.poll() is None:
            for address, worker in client.scheduler_info(n_workers=-1)["workers"].items():
                if worker["name"] == name and client.processing().get(address):
                    victim.kill()
                    victim.wait()
            time.sleep(0.01)


def _run(command: Sequence[str], folder: Path, engine: str) -> str:
    """Run a command by an engine in ``folder``. Returns a digest of stdout and of the site, which is removed."""
    environment = os.environ | {"TBP_NO_CACHE": "1", "TBP_SCHEDULER": engine, "COLUMNS": "120"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.decode()[-2000:]}")
    digest = hashlib.sha256(done.stdout)
    site = folder / "site"
    for path in sorted(path for path in site.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(site)} {path.stat().st_size}\n".encode() + path.read_bytes())
    shutil.rmtree(site, ignore_errors=True)
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
