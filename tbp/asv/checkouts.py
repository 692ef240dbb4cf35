"""Two commits, each installed in an asv environment of its own, ready to run side by side.

Takes asv's configuration and two hashes, gives for each the Python and the environment variables that asv would use for
its benchmarks. asv has one commit installed per environment, so each side has its own folder under asv's ``env_dir``,
which one gate or night has to itself while it measures. Any environment type works but ``existing``, which cannot hold
two commits. This module runs itself as a process, the only process that imports asv, and passes asv's output to the
caller.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from math import inf
from pathlib import Path

from msgspec import Struct
from msgspec.structs import asdict

from tbp.asv.passed_environment import passed_on
from tbp.errors import RunFailed
from tbp.project.asv_config import PLUGIN, TYPE, AsvConfig
from tbp.project.policy import read_policy
from tbp.system.children import KILLED_S, forget, kill_session, mind, temporary_folder
from tbp.system.locks import alone_in

# Names of equal length: even the length of a path in the environment moves a process's memory, and so its time
# (Mytkowicz et al., "Producing wrong data without doing anything obviously wrong!", ASPLOS 2009).
FOLDERS = ("gate-base", "gate-head")

WAITING = "another gate or night measures with the same environments; this one begins when it has ended"

SET_TYPE = f"set environment_type to virtualenv or conda, or to {TYPE} with {PLUGIN} among plugins"

# asv needs a moment to end git or pip; a person who pressed Ctrl-C waits no longer than this.
INTERRUPT_TIMEOUT_S = 10.0


class Checkout(Struct, frozen=True):
    """An installed commit, with all that a process needs to run its benchmarks."""

    commit: str
    python: str  # the environment's interpreter
    variables: Mapping[str, str]  # the whole environment of its processes
    environment: str  # asv's name for it
    benchmark_dir: str  # suites of the working tree, which both commits run
    timeout_s: float = 60.0  # asv's default_benchmark_timeout: for benchmarks that declare none
    program: str = ""  # of its workers, which speaks as tbp/turns/worker.py does; empty: that one


@contextmanager
def checkouts(
    config: AsvConfig,
    commits: tuple[str, str],
    environment: str = "",
    heard: Callable[[str], None] = lambda line: None,
    timeout_s: float = inf,
    waits: Callable[[], None] = lambda: None,
) -> Iterator[tuple[Checkout, Checkout]]:
    """A block in which both commits are installed; each is built only where it is not installed already.

    Nobody puts others in their place before the block ends: another gate waits for it, and so does a night.
    ``environment`` is asv's ``-E``: a name of the matrix, or ``type:python``; empty takes the first of the matrix.
    ``heard`` gets each line that asv prints; ``waits`` is called where another one measures.

    Raises:
        RunFailed: asv could not make an environment or install a commit; the message has its last lines. Or it took
            more than ``timeout_s``: a commit that is installed by then is there the next time.
    """
    config.env_dir.mkdir(parents=True, exist_ok=True)
    end_s = time.monotonic() + timeout_s
    with ExitStack() as stack:
        try:
            stack.enter_context(alone_in(config.env_dir, waits, timeout_s))
        except TimeoutError:
            raise RunFailed(
                f"the budget ended while another gate or night measured with the environments in {config.env_dir}; "
                "wait until it has ended"
            ) from None
        yield _installed(config, commits, environment, heard, end_s - time.monotonic())


def _installed(
    config: AsvConfig, commits: tuple[str, str], environment: str, heard: Callable[[str], None], timeout_s: float
) -> tuple[Checkout, Checkout]:
    is_late = threading.Event()
    with temporary_folder() as folder:
        answer = folder / "checkouts.json"
        # -P: the project may have a folder called tbp or asv of its own.
        command = [sys.executable, "-P", "-m", __name__, config.path.name, *commits, environment, str(answer)]
        process = subprocess.Popen(
            command,
            cwd=config.path.parent,
            env=passed_on(os.environ, read_policy(config.policy_file).pass_environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        mind(process.pid)
        assert process.stdout is not None
        lines: list[str] = []
        alarm = threading.Timer(min(timeout_s, threading.TIMEOUT_MAX), _stop, (process, is_late))
        alarm.daemon = True
        alarm.start()
        try:
            for line in process.stdout:
                lines.append(line.rstrip("\n"))
                heard(lines[-1])
            process.wait()
        finally:
            alarm.cancel()
            process.stdout.close()  # so that it cannot wait for us to read more
            if process.poll() is None:
                _interrupt(process)
            kill_session(process.pid)  # pip and builds that asv left
            forget(process.pid)
        if is_late.is_set():
            raise RunFailed(
                "the budget ended while asv installed the commits; the next try goes on from what is installed by now"
            )
        if process.returncode or not answer.exists():
            last = " / ".join(line.strip(" ·") for line in lines[-4:] if line.strip())
            raise RunFailed(
                f"asv could not install a commit to measure it: {last}; correct the build, or asv.conf.json "
                "(`tbp check` looks for its faults)"
            )
        base, head = json.loads(answer.read_text())
    return Checkout(**base), Checkout(**head)


def _stop(process: subprocess.Popen[str], is_late: threading.Event) -> None:
    is_late.set()
    _interrupt(process)


def _interrupt(process: subprocess.Popen[str]) -> None:
    """End asv as Ctrl-C does, so that it ends its own processes; kill it after INTERRUPT_TIMEOUT_S."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(INTERRUPT_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        with suppress(subprocess.TimeoutExpired):  # the kernel does not let go of it
            process.wait(KILLED_S)


def _install(config_name: str, commits: tuple[str, str], specifier: str) -> list[Checkout]:
    """Both commits installed by asv. Runs in the child process, which alone depends on asv's unstable classes."""
    from asv.config import Config
    from asv.environment import ExistingEnvironment, get_environments
    from asv.plugin_manager import plugin_manager
    from asv.repo import get_repo

    config = Config.load(config_name)
    for plugin in config.plugins:
        plugin_manager.import_plugin(plugin)
    repository = get_repo(config)
    env_dir = Path(config.env_dir)
    made = []
    for folder, commit in zip(FOLDERS, commits, strict=True):
        config.env_dir = str(env_dir / folder)
        try:
            environment = next(iter(get_environments(config, [specifier] if specifier else [])), None)
        except RuntimeError as error:  # there is no environment_type
            raise SystemExit(f"{error}: {SET_TYPE}") from None
        if environment is None:
            raise SystemExit(f"asv has no environment for this Python: {SET_TYPE}; or correct pythons")
        if isinstance(environment, ExistingEnvironment):
            raise SystemExit(f"environment_type existing cannot hold two commits: {SET_TYPE}")
        environment.create()
        environment.install_project(config, repository, commit)
        python, variables = _inside(environment)
        variables["ASV_COMMIT"], variables["ASV_ENV_NAME"] = commit, environment.name
        benchmark_dir = str(Path(config.benchmark_dir).resolve())
        timeout_s = float(config.default_benchmark_timeout)
        made.append(Checkout(commit, python, variables, environment.name, benchmark_dir, timeout_s))
    return made


def _inside(environment: object) -> tuple[str, dict[str, str]]:
    """The interpreter and the environment variables of a process that asv starts in ``environment``."""
    show = "import json, os, sys; print('\\n' + json.dumps([sys.executable, dict(os.environ)]))"
    printed: str = environment.run(["-c", show], env=dict(os.environ, **environment.env_vars))  # type: ignore[attr-defined]
    python, variables = json.loads(printed.strip().splitlines()[-1])
    return python, variables


if __name__ == "__main__":
    name, base_commit, head_commit, wanted, target = sys.argv[1:]
    Path(target).write_text(json.dumps([asdict(made) for made in _install(name, (base_commit, head_commit), wanted)]))
