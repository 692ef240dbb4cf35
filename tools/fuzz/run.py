"""Runs fuzz targets: with atheris (coverage-guided) where it is installed, else with hypothesis.

    python tools/fuzz/run.py TARGET... [--executions 100000] [--seed 0] [--findings DIR] [--hypothesis | --plain]

Every input starts as one of the corpus (``corpus.py``). Guidance by coverage takes as much time again as the targets:
``--plain`` goes on without it from the inputs that an earlier run has left in ``--corpus``. A fault is printed once
for each place that raises it, its input is written to DIR, and the run goes on. The exit code is 1 where there was one.
The number of executions and the CPU time that they took stand in the last line. Several targets are run one after
another, each in its own process.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path

try:
    import atheris
except ImportError:  # it has wheels for Linux only
    atheris = None

if atheris is not None and not {"--hypothesis", "--plain"} & set(sys.argv):
    with atheris.instrument_imports(include=["tbp", "json5", "tomllib"]):
        from checks import bounded, scratch
        from targets import TARGETS, Target
else:
    from checks import bounded, scratch
    from targets import TARGETS, Target
from corpus import corpus
from words import words

PROGRESS = 50_000  # executions between two lines on stderr
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
        if self.executions % PROGRESS == 0:
            print(f"{self._name}: {self.executions:,} so far, {self._cpu_s():.0f} s", file=sys.stderr, flush=True)
        if self.executions >= self._left or self._cpu_s() > self._most_s:
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

    def _cpu_s(self) -> float:
        return time.process_time() - self._began_s

    def end(self) -> None:
        """Prints the last line and ends the process, which libFuzzer would not do in good order."""
        faults = f"{len(self.faults)} faults"
        print(
            f"{self._name}: {self.executions:,} executions, {self._cpu_s():.0f} s of the processor, {faults}",
            flush=True,
        )
        shutil.rmtree(scratch(), ignore_errors=True)
        os._exit(1 if self.faults else 0)


# A value, a key or a mark of any of the formats.
TOKEN = re.compile(rb'"(?:[^"\\\n]|\\.){0,200}"|[\w.+-]{1,200}|[^\w\s]', re.ASCII)


def changed(chance: random.Random, data: bytes, vocabulary: Sequence[bytes]) -> bytes:
    """``data`` with one to six small changes: of bytes, or of whole tokens; some put a word of ``vocabulary`` in."""
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        at = chance.randrange(len(data) + 1)
        token = TOKEN.search(data, at) if chance.random() < 0.5 else None
        if token is not None:
            at, length = token.start(), len(token[0])
            other = TOKEN.search(data, chance.randrange(len(data)))
            put_in = chance.choice((b"", chance.choice(vocabulary), token[0] * 2, other[0] if other else b""))
        else:
            length = chance.choice((0, 1, 1, 2, 8, 64))
            a_byte = bytes([chance.randrange(256)])
            put_in = chance.choice((b"", a_byte, chance.choice(vocabulary), data[at : at + length] * 2))
        data = data[:at] + put_in + data[at + length :]
    return data[:MOST_INPUT]


def by_atheris(watched: Watched, inputs: list[bytes], vocabulary: Sequence[bytes], seed: int, folder: Path) -> None:
    """Fuzz until the executions are done: ``watched`` ends the process. ``folder`` gets the inputs that are new."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(inputs):
        (folder / str(number)).write_bytes(data)

    def mutated(data: bytes, most: int, number: int) -> bytes:
        # libFuzzer's own changes are guided by what C compares, of which it sees nothing here: half are ours.
        if number % 2:
            return atheris.Mutate(data, most)
        return changed(random.Random(number), data, vocabulary)[:most]

    arguments = [
        "fuzz",
        f"-seed={seed + 1}",
        f"-max_len={MOST_INPUT}",
        "-rss_limit_mb=0",
        "-handle_term=0",
        "-print_final_stats=0",
        "-verbosity=0",
    ]
    atheris.Setup([*arguments, str(folder)], watched, custom_mutator=mutated)
    atheris.Fuzz()


def by_chance(watched: Watched, inputs: list[bytes], vocabulary: Sequence[bytes], seed: int, folder: Path) -> None:
    """Try changes of ``inputs`` and of the files in ``folder`` until the executions are done."""
    inputs = [*inputs, *(path.read_bytes() for path in sorted(folder.glob("*")))]
    chance = random.Random(seed)
    while True:
        watched(changed(chance, chance.choice(inputs), vocabulary))


def by_hypothesis(
    watched: Watched, inputs: list[bytes], vocabulary: Sequence[bytes], executions: int, seed: int
) -> None:
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
        watched(changed(random.Random(number), data, vocabulary))

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
    parser.add_argument("--plain", action="store_true", help="changes at random, guided by nothing")
    options = parser.parse_args()
    names = list(TARGETS) if "all" in options.targets else options.targets
    if len(names) > 1:
        rest = [f"--executions={options.executions}", f"--seed={options.seed}", f"--findings={options.findings}"]
        rest += [f"--cpu-seconds={options.cpu_seconds}", *([f"--corpus={options.corpus}"] if options.corpus else [])]
        rest += [*(["--hypothesis"] if options.hypothesis else []), *(["--plain"] if options.plain else [])]
        return max([subprocess.run([sys.executable, __file__, name, *rest], check=False).returncode for name in names])
    options.findings.mkdir(parents=True, exist_ok=True)
    os.environ["TBP_NO_CACHE"] = "1"
    warnings.simplefilter("error")  # a user has no use for Python's remarks
    watched = Watched(names[0], TARGETS[names[0]], options.findings, options.executions, options.cpu_seconds)
    signal.signal(signal.SIGTERM, lambda *_: watched.end())
    inputs, vocabulary = corpus()[names[0]], words(names[0])
    grown = (options.corpus or Path(tempfile.mkdtemp(prefix="tbp-corpus-"))) / names[0]
    if options.plain:
        by_chance(watched, inputs, vocabulary, options.seed, grown)
    elif atheris is None or options.hypothesis:
        by_hypothesis(watched, inputs, vocabulary, options.executions, options.seed)
        watched.end()
    else:
        by_atheris(watched, inputs, vocabulary, options.seed, grown)
    return 0


if __name__ == "__main__":
    sys.exit(main())
