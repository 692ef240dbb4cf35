"""A Dask cluster on loopback for tests: scheduler and workers as separate processes, as on many machines."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

A_WHILE_S = 60.0


class LocalWorkers:
    """A scheduler and its workers; ``address`` is the scheduler's."""

    def __init__(self, folder: Path, environment: dict[str, str] | None = None) -> None:
        self._folder, self._environment = folder, os.environ | (environment or {})
        self.workers: list[subprocess.Popen[bytes]] = []
        about = folder / "scheduler.json"
        about.unlink(missing_ok=True)
        options = (
            "--host",
            "127.0.0.1",
            "--port",
            "0",
            "--no-dashboard",
            "--idle-timeout",
            "120 s",
            "--scheduler-file",
            str(about),
        )
        self.scheduler = self._start("dask_scheduler", "scheduler", options)
        wait_until(about.exists, "the scheduler")
        self.address: str = json.loads(about.read_text())["address"]

    def add(self, number: int, *options: str, environment: dict[str, str] | None = None) -> None:
        """Start so many workers, and wait until each has come."""
        for _ in range(number):
            name = f"worker-{len(self.workers)}"
            given = (
                self.address,
                "--nthreads",
                "1",
                "--no-dashboard",
                "--no-nanny",
                "--death-timeout",
                "60",
                "--name",
                name,
                *options,
            )
            self.workers.append(self._start("dask_worker", name, given, environment))
            wait_until(lambda name=name: "Registered to" in (self._folder / f"{name}.log").read_text(), name)

    def close(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()

    def _start(
        self, program: str, name: str, options: Sequence[str], environment: dict[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-P", "-m", f"distributed.cli.{program}", *options]
        with (self._folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                command, cwd=self._folder, env=self._environment | (environment or {}), stdout=log, stderr=log
            )


@contextmanager
def local_workers(folder: Path, number: int, environment: dict[str, str] | None = None) -> Iterator[LocalWorkers]:
    folder.mkdir(parents=True, exist_ok=True)
    cluster = LocalWorkers(folder, environment)
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
