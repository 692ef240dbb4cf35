"""Running asv: ``asv run`` over given commits, in the Python that runs tbp.

Takes a configuration and commits, runs asv as a process, gives its exit status and passes its output on. The caller
chooses the commits; ``tbp.asv.results`` reads the results.
"""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from tbp.asv.passed_environment import passed_on
from tbp.errors import RunFailed, UsageError
from tbp.system.children import KILLED_S, forget, kill_session, mind

if TYPE_CHECKING:
    from tbp.system.progress import Progress

# asv run's exit status when a benchmark failed; the others were measured and stored.
SOME_BENCHMARKS_FAILED = 2

# Time for asv to end after an interrupt before it is killed: it needs less than one second, unless it has to end git or
# a build as well.
ENDING_S = 30.0

INSTALL = "pip install 'tbp-perf[bench]'"
"""The command that installs asv and torch beside tbp, for messages. The distribution ``tbp`` is another project's."""

_PROGRESS = re.compile(r"^\[\s*([\d.]+)%\]")


class Ran(Struct, frozen=True):
    """The end of an asv process: exit status and output."""

    status: int
    output: str

    @property
    def some_failed(self) -> bool:
        """True where asv measured but at least one benchmark failed."""
        return self.status == SOME_BENCHMARKS_FAILED


def require_asv(*more: str) -> None:
    """Raise ``UsageError`` unless asv and the modules ``more`` are installed beside tbp.

    Other people's suites need neither torch nor virtualenv; what a suite or an environment type needs, it says itself.
    """
    missing = [name for name in ("asv", *more) if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(f"{' and '.join(missing)} not installed here: {INSTALL}")


def run_asv(
    arguments: Sequence[str],
    folder: Path,
    *,
    environment: Mapping[str, str] | None = None,
    heard: Callable[[str], None] = lambda line: None,
    stdin: str = "",
    module: str = "asv",
) -> Ran:
    """Run ``asv ARGUMENTS`` in ``folder``; ``heard`` gets each line of its output as it comes.

    ``module`` is run in place of asv, with the same arguments.

    Without an ``environment`` asv gets what ``passed_on`` passes of this process's.
    An interrupt, SIGTERM or SIGHUP ends asv and every process it started; results that asv stored before stay.

    Raises:
        RunFailed: asv could not be started.
    """
    # -P: the project may have a folder called asv.
    command = [sys.executable, "-P", "-m", module, *arguments]
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=passed_on(os.environ) if environment is None else dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            # Ctrl-C on a terminal would reach asv too, and interrupt it again while it ends its benchmarks.
            start_new_session=True,
        )
    except OSError as error:
        raise RunFailed(f"cannot start asv: {error}; is it installed? {INSTALL}") from None
    assert process.stdin is not None
    assert process.stdout is not None
    lines: list[str] = []
    with interruptible(), process.stdout, _ended(process):
        with suppress(BrokenPipeError), process.stdin:  # asv ended at once; its status and output have the reason
            process.stdin.write(stdin)
        for line in process.stdout:
            lines.append(line)
            heard(line.rstrip("\n"))
        return Ran(process.wait(), "".join(lines))


@contextmanager
def _ended(process: subprocess.Popen[str]) -> Iterator[None]:
    """A block that ends asv, and every process that asv started, when the block or this process ends in any way."""
    mind(process.pid)
    try:
        yield
    finally:
        try:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=ENDING_S)
        finally:
            process.kill()
            kill_session(process.pid)  # asv's fork server has a process group of its own
            with suppress(subprocess.TimeoutExpired):  # the kernel does not let go of it
                process.wait(KILLED_S)
            forget(process.pid)


@contextmanager
def interruptible() -> Iterator[None]:
    """A block in which SIGTERM (a cancelled job) and SIGHUP (a closed terminal) interrupt as Ctrl-C does."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
        return
    # A signal that the caller ignores, as nohup ignores SIGHUP, stays ignored.
    numbers = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def progress_percent(line: str) -> float | None:
    """The progress that a line of asv's output shows, in per cent; None for a line without it."""
    match = _PROGRESS.match(line)
    return float(match.group(1)) if match else None


def hear_asv(progress: Progress, line: str, *, is_kept: bool = True, done: int = 0, total: int = 1) -> None:
    """Passes a line of asv's output on, and the share that it says is done of run ``done`` of ``total`` runs."""
    if is_kept:
        progress.line(line)
    if (percent := progress_percent(line)) is not None:
        progress.at(100 * done + percent, 100 * total)


def run_commits(
    config: Path,
    commits: Sequence[str],
    *,
    bench: Sequence[str] = (),
    options: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    heard: Callable[[str], None] = lambda line: None,
) -> Ran:
    """Run ``asv run`` over ``commits``, in their order; why benchmarks fail is stored (``tbp.asv.reasons``).

    Raises:
        RunFailed: asv ended without measuring all; the message has its last lines.
    """
    selection = [argument for pattern in bench for argument in ("--bench", pattern)]
    ran = run_asv(
        ["run", "--config", config.name, *selection, *options, "HASHFILE:-"],
        config.parent,
        environment=environment,
        heard=heard,
        stdin="".join(f"{commit}\n" for commit in commits),
        module="tbp.asv.keep_reasons",
    )
    if ran.status not in (0, SOME_BENCHMARKS_FAILED):
        last = " / ".join(line.strip(" ·") for line in ran.output.strip().splitlines()[-4:])
        raise RunFailed(
            f"asv run ended with status {ran.status}: {last}; `tbp check` looks for faults in {config.name}, "
            "and results that asv stored before stay"
        )
    return ran
