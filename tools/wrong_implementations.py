"""Wrong implementations, put one by one into a copy of the code: which oracle of a suite, or which test, refuses each.

    python tools/wrong_implementations.py [--only NAME …] [--all] [--from 0] [--count 99]

``wrong_implementations.toml`` has them: a file, the text that is replaced, the cells of the suites that should refuse
it, and the tests. A cell is ``module.Suite:variant``, set up with the first of its shapes in float32 on the CPU, its
baseline too. Tests run where no cell refuses; with ``--all`` in any case. Prints a Markdown table. The exit code is 1
where one survives.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIST = Path(__file__).with_suffix(".toml")
COPIED = ("tbp", "benchmarks", "tests", "pyproject.toml", "README.md")
LONGEST_S = 240

# Sets cells up in a process of its own, and prints the first refusal.
SET_UP = """
import importlib, os, sys
for cell in sys.argv[1:]:
    name, variant = cell.split(":")
    module, suite = name.split(".")
    suite = getattr(importlib.import_module("benchmarks." + module), suite)
    shapes = [values[0] for values in suite.shapes.values()]
    label = next(label for label in suite.params[0] if label.split(" v")[0] == variant)
    from tbp.bench import Skip
    try:
        made = suite()
        made.setup(label, *shapes, "float32", "cpu")
        made.beside()
    except Skip as skip:
        print(f"{cell} is skipped: {skip}")
    except Exception as error:
        print(f"REFUSED by {cell}: {error}".replace(chr(10), " ")[:300])
        break
"""


@dataclass(frozen=True)
class Wrong:
    """One wrong implementation, and who should refuse it."""

    name: str
    file: str
    old: str
    new: str
    cells: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()


def read() -> list[Wrong]:
    """All of them, as the list has them."""
    entries = tomllib.loads(LIST.read_text(encoding="utf-8"))["wrong"]
    return [Wrong(**{key: tuple(v) if isinstance(v, list) else v for key, v in entry.items()}) for entry in entries]


def changed(wrong: Wrong, root: Path) -> str:
    """The text of its file with the change.

    Raises:
        LookupError: the text to replace is not there exactly once.
    """
    text = (root / wrong.file).read_text(encoding="utf-8")
    if text.count(wrong.old) != 1:
        raise LookupError(f"{wrong.name}: {wrong.file} has {text.count(wrong.old)} times the text {wrong.old!r}")
    return text.replace(wrong.old, wrong.new)


def refusals(wrong: Wrong, folder: Path, *, both: bool) -> tuple[str, str]:
    """The cell's refusal and the test's, empty where there is none; ``folder`` is a copy of the code."""
    path = folder / wrong.file
    right = path.read_text(encoding="utf-8")
    path.write_text(changed(wrong, folder), encoding="utf-8")
    try:
        cell = _by_cells(wrong.cells, folder) if wrong.cells else ""
        test = _by_tests(wrong.tests, folder) if wrong.tests and (both or not cell) else ""
    finally:
        path.write_text(right, encoding="utf-8")
    return cell, test


def _environment(folder: Path) -> dict[str, str]:
    # No bytecode: a change within a second and of the same length would go unseen.
    return {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}


def _by_cells(cells: Sequence[str], folder: Path) -> str:
    command = [sys.executable, "-c", SET_UP, *cells]
    done = subprocess.run(
        command, cwd=folder, env=_environment(folder), capture_output=True, text=True, timeout=LONGEST_S, check=False
    )
    refused = re.search(r"^REFUSED by (.*)$", done.stdout, re.MULTILINE)
    if done.returncode:
        return f"the process ends: {done.stderr.strip().splitlines()[-1][:200]}"
    return refused[1] if refused else ""


def _by_tests(tests: Sequence[str], folder: Path) -> str:
    command = [sys.executable, "-m", "pytest", "-qx", "-p", "no:cacheprovider", *tests]
    done = subprocess.run(
        command, cwd=folder, env=_environment(folder), capture_output=True, text=True, timeout=LONGEST_S, check=False
    )
    failed = re.search(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
    return failed[1] if failed else ("" if done.returncode == 0 else f"pytest ends with {done.returncode}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", nargs="*", default=[])
    options.add_argument("--all", action="store_true")
    options.add_argument("--from", type=int, default=0, dest="first")
    options.add_argument("--count", type=int, default=999)
    given = options.parse_args()
    listed = [wrong for wrong in read() if not given.only or any(part in wrong.name for part in given.only)]
    survivors = 0
    print("| wrong implementation | cell that refuses it | test that fails |\n| --- | --- | --- |")
    with tempfile.TemporaryDirectory(prefix="tbp-wrong-") as name:
        folder = Path(name)
        for entry in COPIED:
            source = ROOT / entry
            copy = shutil.copytree if source.is_dir() else shutil.copy
            copy(source, folder / entry)
        for wrong in listed[given.first : given.first + given.count]:
            cell, test = refusals(wrong, folder, both=given.all)
            survivors += not (cell or test)
            print(f"| {wrong.name} | {cell or '–'} | {test or ('–' if cell else '**survives**')} |", flush=True)
    sys.exit(survivors > 0)


if __name__ == "__main__":
    main()
