"""A Dask cluster on loopback for tests: scheduler and workers as separate processes, as on many machines."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

A_WHILE_S = 60.0


SCHEDULER = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--idle-timeout", "600s"]
WORKER = ["--nthreads", "1", "--no-dashboard", "--no-nanny", "--death-timeout", "60"]


class LocalWorkers:
    """A scheduler with these ``options``, and its workers; ``address`` is the scheduler's."""

    def __init__(self, folder: Path, environment: dict[str, str] | None = None, *options: str) -> None:
        self._folder, self._environment = folder, os.environ | (environment or {})
        self.workers: list[subprocess.Popen[bytes]] = []
        self.scheduler = self._start("dask_scheduler", "scheduler", (*SCHEDULER, *options))
        wait_until(lambda: "Scheduler at:" in self._log("scheduler"), "the scheduler")
        self.address = self._log("scheduler").partition("Scheduler at:")[2].split()[0]

    def add(self, number: int, *options: str, environment: dict[str, str] | None = None) -> None:
        """Start so many workers, and wait until each has come."""
        for _ in range(number):
            name = f"worker-{len(self.workers)}"
            given = (self.address, *WORKER, "--name", name, *options)
            self.workers.append(self._start("dask_worker", name, given, environment))
            wait_until(lambda name=name: "Registered to" in self._log(name), name)

    def _log(self, name: str) -> str:
        return (self._folder / f"{name}.log").read_text()

    def dismiss(self) -> None:
        """End the workers."""
        while self.workers:
            end(self.workers.pop())

    def close(self) -> None:
        """End all of it."""
        self.dismiss()
        end(self.scheduler)

    def _start(
        self, program: str, name: str, options: Sequence[str], environment: dict[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-P", "-m", f"distributed.cli.{program}", *options]
        with (self._folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                command, cwd=self._folder, env=self._environment | (environment or {}), stdout=log, stderr=log
            )


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


@contextmanager
def local_workers(
    folder: Path, number: int, environment: dict[str, str] | None = None, *options: str
) -> Iterator[LocalWorkers]:
    folder.mkdir(parents=True, exist_ok=True)
    cluster = LocalWorkers(folder, environment, *options)
    try:
        cluster.add(number)
        yield cluster
    finally:
        cluster.close()


def wait_until(is_there: Callable[[], bool], name: str) -> None:
    end_s = time.monotonic() + A_WHILE_S
    while not is_there():
        if time.monotonic() > end_s:
            raise AssertionError(f"{name} did not come")
        time.sleep(0.02)
