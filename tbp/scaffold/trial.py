"""Suites tried in a process of their own: which of them works, and how long a call takes.

Takes texts of suites, gives the first that works. The project's code is imported there, and may hang, crash, print or
end its process; the process has an empty folder as its current one, no input, and only the variables that benchmarks
get (``tbp.asv.passed_environment``).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from tbp.asv.passed_environment import passed_on
from tbp.scaffold.package import SourcePackage
from tbp.scaffold.probe import is_good
from tbp.scaffold.suites import FirstSuite
from tbp.system.children import forget, kill_session, mind, temporary_folder
from tbp.system.foreign_json import object_in

PROGRAM = Path(__file__).with_name("probe.py")
# Of a process, which ends with the first suite that works; somebody waits for it on a terminal. The import of torch
# takes 3 s on two slow cores, and 10 s where a disk is slow.
TRIAL_S, TORCH_TRIAL_S = 8.0, 40.0


class SuiteTrial(Struct, frozen=True):
    """The first suite that works, if any, and a sentence on each that does not."""

    suite: FirstSuite | None = None
    seconds: float = 0.0  # of a call
    reasons: tuple[str, ...] = ()
    is_imported: bool = True  # False: not even the package itself, and why is the only reason
    missing: str = ""  # a module that the project needs and that is not installed

    @property
    def reason(self) -> str:
        """The last of the reasons, which is of the likeliest suite where there is only one callable."""
        return self.reasons[0] if self.reasons else "it was not tried"


def first_that_works(suites: Sequence[FirstSuite], package: SourcePackage) -> SuiteTrial:
    """The first of ``suites`` that runs over the package."""
    reasons: list[str] = []
    missing = ""
    with temporary_folder() as folder:
        paths = [_written(suite, folder / str(number)) for number, suite in enumerate(suites)]
        timeout_s = TORCH_TRIAL_S if any(suite.is_for_torch for suite in suites) else TRIAL_S
        answers = _answers(package, paths, folder, timeout_s)
    late = {"failed": f"it gave no answer within {timeout_s:g} s, or ended its process"}
    imported = answers.get(-1, late)
    if not is_good(imported):
        reason = _reason(imported if len(imported) > 1 else late)
        return SuiteTrial(None, 0.0, (reason,), False, str(imported.get("missing") or ""))
    for number, suite in enumerate(suites):
        answer = answers.get(number, {})
        answer = answer if len(answer) > 1 else late
        if is_good(answer):
            return SuiteTrial(suite, float(str(answer["seconds"])), tuple(reasons), True, missing)
        missing = missing or str(answer.get("missing") or "")
        reasons.append(f"{suite.subject}: {_reason(answer)}")
    return SuiteTrial(None, 0.0, tuple(dict.fromkeys(reasons)), True, missing)


def _reason(answer: Mapping[str, object]) -> str:
    if answer.get("lazy"):
        return "a call only makes an iterator"
    if "seconds" in answer:
        return f"a call takes {answer['seconds']:.2g} s"
    return str(answer.get("failed") or answer.get("skipped"))


def _written(suite: FirstSuite, folder: Path) -> Path:
    """A benchmark_dir with the suite alone; the calls return their result, so that an iterator is seen."""
    package = folder / f"trial_{folder.name}"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    head, define, body = suite.text.rpartition("():\n    ")
    is_plain = not suite.is_for_torch and define and not body.startswith(("return", "deque("))
    (package / suite.file).write_text(f"{head}{define}return {body}" if is_plain else suite.text, encoding="utf-8")
    return package


def _answers(
    package: SourcePackage, paths: Sequence[Path], folder: Path, timeout_s: float
) -> dict[int, Mapping[str, object]]:
    """The last answer on each suite; one that hangs or ends the process is left behind, and the rest goes on."""
    answers: dict[int, Mapping[str, object]] = {}
    start = 0
    while start < len(paths):
        for line in _probed(package, paths[start:], folder, timeout_s).splitlines():
            answer = object_in(line) or {}
            number = _at(answer)
            answers[number if number < 0 else start + number] = answer
        tried = [number for number in answers if number >= start]
        if not tried or any(is_good(answers[number]) for number in tried):
            break
        start = max(tried) + 1
    return answers


def _probed(package: SourcePackage, paths: Sequence[Path], folder: Path, timeout_s: float) -> str:
    current = folder / "current"
    current.mkdir(exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-P", str(PROGRAM), str(package.source), package.name, *map(str, paths)],
        cwd=current,
        env=passed_on(os.environ) | {"PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    mind(process.pid)
    try:
        return process.communicate(timeout=timeout_s)[0]
    except subprocess.TimeoutExpired:
        kill_session(process.pid)
        return process.communicate()[0]
    finally:
        process.kill()
        kill_session(process.pid)
        forget(process.pid)


def _at(answer: Mapping[str, object]) -> int:
    number = answer.get("at")
    return number if isinstance(number, int) else -1
