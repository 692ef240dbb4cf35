"""Runs suites once each, in a process of its own that the project's code may break.

``probe.py SOURCE PACKAGE FOLDER…`` imports the package from SOURCE, then tries each FOLDER, a ``benchmark_dir`` of asv:
its first benchmark that can be timed is set up and called three times. A line of JSON says how each went; the first
that works is the last that is tried. Run by its path, so it imports asv_runner and the standard library only.

    {"at": -1, …}                           the import of the package
    {"at": 0}                               it begins with the first folder
    {"at": 0, "seconds": 0.01, "lazy": false}   it works: seconds per call, and whether the call gave an iterator
    {"at": 0, "skipped": "…"} | {"at": 0, "failed": "…", "missing": "numpy"}
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
import types
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

# A slower call makes a first benchmark tedious: asv repeats it some ten times in each of two rounds.
SLOWEST_S = 2.0


def imported(package: str) -> dict[str, object]:
    """The answer on the import of the package. Raises whatever that raises."""
    start_s = time.perf_counter()
    importlib.import_module(package)
    return {"seconds": min(SLOWEST_S, time.perf_counter() - start_s)}


def attempt(folder: str) -> dict[str, object]:
    """The answer on the suite in ``folder``. Raises whatever the suite raises."""
    from asv_runner.discovery import disc_benchmarks

    sys.path.insert(0, str(Path(folder).parent))
    try:
        importlib.import_module(Path(folder).name)
        suites = [suite for suite in disc_benchmarks(folder) if suite.type == "time"]
        if not suites:
            return {"failed": "it has no benchmark that can be timed"}
        suite = suites[0]
        if suite._params:
            suite.set_param_idx(0)
        if suite.do_setup():
            return {"skipped": "its setup skips it"}
        parameters = getattr(suite, "_current_params", ())
        start_s = time.perf_counter()
        if type(suite).__name__ == "TimerawBenchmark":  # of an import: tbp's own, in which nothing else stands
            importlib.import_module(suite.func().removeprefix("import "))
            return {"seconds": time.perf_counter() - start_s}
        results = [suite.func(*parameters) for _ in range(3)]
        return {"seconds": (time.perf_counter() - start_s) / 3, "lazy": any(map(is_lazy, results))}
    finally:
        sys.path.pop(0)


def is_good(answer: Mapping[str, object]) -> bool:
    """True of a suite that works, whose call does something and is quick."""
    seconds = answer.get("seconds")
    return isinstance(seconds, float) and seconds <= SLOWEST_S and not answer.get("lazy")


def is_lazy(result: object) -> bool:
    """True of what only works when its values are taken."""
    return isinstance(result, Iterator | types.CoroutineType)


def failure(error: BaseException) -> dict[str, object]:
    lines = str(error).strip().splitlines()
    missing = error.name if isinstance(error, ModuleNotFoundError) else ""
    return {"failed": f"{type(error).__name__}: {lines[0] if lines else ''}"[:500], "missing": missing or ""}


def main() -> None:
    _, source, package, *folders = sys.argv
    answers = os.dup(1)
    os.dup2(2, 1)  # the project may print what it likes
    # As the environment has it: behind Python's own modules, before a copy that is installed.
    sites = [index for index, path in enumerate(sys.path) if Path(path).name.endswith("-packages")]
    sys.path.insert(min(sites, default=len(sys.path)), source)
    with os.fdopen(answers, "w", encoding="utf-8") as stream:
        attempts = [partial(imported, package), *(partial(attempt, folder) for folder in folders)]
        for number, work in enumerate(attempts, start=-1):
            print(json.dumps({"at": number}), file=stream, flush=True)
            try:
                answer = work()
            except BaseException as error:  # a module may even call sys.exit()
                answer = failure(error)
            print(json.dumps({"at": number, **answer}), file=stream, flush=True)
            if is_good(answer) is (number >= 0):
                break
        os._exit(0)  # whatever threads the project has left


if __name__ == "__main__":
    main()
