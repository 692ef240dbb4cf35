"""Runs fuzz targets: with atheris (coverage-guided) where it is installed, else with hypothesis.

    python tools/fuzz/run.py TARGET... [--executions 100000] [--seed 0] [--findings DIR] [--hypothesis]

Every input starts as one of the corpus (``corpus.py``). A fault is printed once for each place that raises it, its
input is written to DIR, and the run goes on. The exit code is 1 where there was one. The number of executions and the
CPU time that they took stand in the last line. Several targets are run one after another, each in its own process.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

try:
    import atheris
except ImportError:  # it has wheels for Linux only
    atheris = None

if atheris is not None and "--hypothesis" not in sys.argv:
    with atheris.instrument_imports(include=["tbp", "json5", "tomllib"]):
        from targets import TARGETS, Target, bounded, scratch
else:
    from targets import TARGETS, Target, bounded, scratch
from corpus import WORDS, corpus

MOST_INPUT = 4096  # bytes: the size for which the bounds of ``targets`` are meant


class Watched:
    """A target that counts its executions, and its faults by the place that raised them."""

    def __init__(self, name: str, target: Target, findings: Path, executions: int, most_s: float) -> None:
        self._name, self._target, self._findings = name, target, findings
        self._left, self._most_s, self.executions = executions, most_s, 0
        self.faults: dict[str, str] = {}
        self._began_s = time.process_time()

    def __call__(self, data: bytes) -> None:
        self.executions += 1
        try:
            with bounded():
                self._target(data)
        except Exception as error:
            self._note(error, data)
        if self.executions >= self._left or time.process_time() - self._began_s > self._most_s:
            self.end()

    def _note(self, error: Exception, data: bytes) -> None:
        frames = [
            frame for frame in traceback.extract_tb(error.__traceback__) if "tools/fuzz/run" not in frame.filename
        ]
        inside = [frame for frame in frames if f"{os.sep}tbp{os.sep}" in frame.filename] or frames
        where = f"{type(error).__name__} at {Path(inside[-1].filename).name}:{inside[-1].lineno}"
        if where in self.faults:
            return
        path = self._findings / f"{self._name}-{hashlib.sha256(data).hexdigest()[:12]}"
        path.write_bytes(data)
        self.faults[where] = str(path)
        print(f"FAULT {self._name}: {where}: {error!s:.300}\n      {path}: {data[:200]!r}", flush=True)

    def end(self) -> None:
        """Prints the last line and ends the process, which libFuzzer would not do in good order."""
        cpu_s = time.process_time() - self._began_s
        print(
            f"{self._name}: {self.executions:,} executions, {cpu_s:.0f} s of the processor, {len(self.faults)} faults",
            flush=True,
        )
        shutil.rmtree(scratch(), ignore_errors=True)
        os._exit(1 if self.faults else 0)


def changed(chance: random.Random, data: bytes) -> bytes:
    """``data`` with one to six small changes: bytes deleted, doubled, replaced, or a word of WORDS put in."""
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        at = chance.randrange(len(data) + 1)
        length = chance.choice((0, 1, 1, 2, 8, 64))
        put_in = chance.choice((b"", bytes([chance.randrange(256)]), chance.choice(WORDS), data[at : at + length] * 2))
        data = data[:at] + put_in + data[at + length :]
    return data[:MOST_INPUT]


def by_atheris(watched: Watched, inputs: list[bytes], seed: int, folder: Path) -> None:
    """Fuzz until the executions are done: ``watched`` ends the process. ``folder`` gets the inputs that are new."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(inputs):
        (folder / str(number)).write_bytes(data)

    def mutated(data: bytes, most: int, number: int) -> bytes:
        # libFuzzer's own changes are guided by what C compares, of which it sees nothing here: half are ours.
        if number % 2:
            return atheris.Mutate(data, most)
        return changed(random.Random(number), data)[:most]

    arguments = [
        "fuzz",
        f"-seed={seed + 1}",
        f"-max_len={MOST_INPUT}",
        "-rss_limit_mb=0",
        "-print_final_stats=0",
        "-verbosity=0",
    ]
    atheris.Setup([*arguments, str(folder)], watched, custom_mutator=mutated)
    atheris.Fuzz()


def by_hypothesis(watched: Watched, inputs: list[bytes], executions: int, seed: int) -> None:
    """Try ``executions`` inputs, the same ones for the same ``seed``."""
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded
    from hypothesis import strategies as some

    @seeded(seed)
    @settings(
        max_examples=executions,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(some.sampled_from(inputs), some.integers(0, 2**64))
    def attempt(data: bytes, number: int) -> None:
        watched(changed(random.Random(number), data))

    attempt()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="+", choices=[*TARGETS, "all"], metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--executions", type=int, default=100_000)
    parser.add_argument("--cpu-seconds", type=float, default=float("inf"), help="end sooner after so many")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--findings", type=Path, default=Path(tempfile.gettempdir()) / "tbp-findings", metavar="DIR")
    parser.add_argument("--corpus", type=Path, metavar="DIR", help="inputs of earlier runs, to go on from")
    parser.add_argument("--hypothesis", action="store_true", help="use it although atheris is installed")
    options = parser.parse_args()
    names = list(TARGETS) if "all" in options.targets else options.targets
    if len(names) > 1:
        rest = [f"--executions={options.executions}", f"--seed={options.seed}", f"--findings={options.findings}"]
        rest += [f"--cpu-seconds={options.cpu_seconds}", *([f"--corpus={options.corpus}"] if options.corpus else [])]
        rest += ["--hypothesis"] if options.hypothesis else []
        return max([subprocess.run([sys.executable, __file__, name, *rest], check=False).returncode for name in names])
    options.findings.mkdir(parents=True, exist_ok=True)
    os.environ["TBP_NO_CACHE"] = "1"
    warnings.simplefilter("error")  # a user has no use for Python's remarks
    watched = Watched(names[0], TARGETS[names[0]], options.findings, options.executions, options.cpu_seconds)
    inputs = corpus()[names[0]]
    if atheris is None or options.hypothesis:
        by_hypothesis(watched, inputs, options.executions, options.seed)
        watched.end()
    else:
        by_atheris(
            watched, inputs, options.seed, (options.corpus or Path(tempfile.mkdtemp(prefix="tbp-corpus-"))) / names[0]
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
