"""Running asv: ``asv run`` over given commits, in the Python that runs tbp.

Takes a configuration and commits, runs asv as a process, gives its exit status and passes its words on. Which
commits to run is decided by the caller; what they measured is read by ``tbp.asv.results``.
"""

from __future__ import annotations

import importlib.util
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tbp.errors import RunFailed, UsageError

# asv run's exit status when a benchmark failed; the others were measured and stored.
SOME_BENCHMARKS_FAILED = 2

_PROGRESS = re.compile(r"^\[\s*([\d.]+)%\]")


@dataclass(frozen=True)
class Ran:
    """How an asv process ended."""

    status: int
    output: str

    @property
    def some_failed(self) -> bool:
        """Whether asv measured but at least one benchmark failed."""
        return self.status == SOME_BENCHMARKS_FAILED


def require_asv() -> None:
    """Raise ``UsageError`` unless asv and torch are installed beside tbp."""
    missing = [name for name in ("asv", "torch", "virtualenv") if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(f"{' and '.join(missing)} not installed here: pip install 'tbp[bench]'")


def run_asv(
    arguments: Sequence[str],
    folder: Path,
    *,
    environment: Mapping[str, str] | None = None,
    heard: Callable[[str], None] = lambda line: None,
    stdin: str = "",
) -> Ran:
    """Run ``asv ARGUMENTS`` in ``folder``; ``heard`` gets each line of its output as it comes.

    An interrupt reaches asv too, which ends its benchmark processes; what finished before is stored.

    Raises:
        RunFailed: asv could not be started.
    """
    command = [sys.executable, "-m", "asv", *arguments]
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=None if environment is None else dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise RunFailed(f"cannot start asv: {error}; is it installed? pip install 'tbp[bench]'") from None
    assert process.stdin is not None
    assert process.stdout is not None
    lines: list[str] = []
    with _ended(process), process.stdout:
        process.stdin.write(stdin)
        process.stdin.close()
        for line in process.stdout:
            lines.append(line)
            heard(line.rstrip("\n"))
        return Ran(process.wait(), "".join(lines))


@contextmanager
def _ended(process: subprocess.Popen[str]) -> Iterator[None]:
    """Whatever happens in the block, no asv process outlives it."""
    try:
        yield
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def progress_percent(line: str) -> float | None:
    """How far asv says it is, or None for a line that does not say."""
    match = _PROGRESS.match(line)
    return float(match.group(1)) if match else None


def run_commits(
    config: Path,
    commits: Sequence[str],
    *,
    bench: Sequence[str] = (),
    options: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    heard: Callable[[str], None] = lambda line: None,
) -> Ran:
    """``asv run`` over ``commits``, in their order.

    Raises:
        RunFailed: asv ended in a way that left nothing measured; its last words are in the message.
    """
    selection = [argument for pattern in bench for argument in ("--bench", pattern)]
    ran = run_asv(
        ["run", "--config", config.name, *selection, *options, "HASHFILE:-"],
        config.parent,
        environment=environment,
        heard=heard,
        stdin="".join(f"{commit}\n" for commit in commits),
    )
    if ran.status not in (0, SOME_BENCHMARKS_FAILED):
        last = " / ".join(line.strip(" ·") for line in ran.output.strip().splitlines()[-4:])
        raise RunFailed(f"asv run ended with status {ran.status}: {last}; what it stored before is kept")
    return ran
