"""Worker processes: started in a commit's environment, asked in lines of JSON, never left behind.

Takes a checkout, gives a ``Worker`` that can be asked. Whatever goes wrong (it died, it hangs, it printed garbage) is
one error, ``WorkerLost``, after which the worker and everything it started are gone and another may take its place.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from math import inf
from pathlib import Path
from types import TracebackType
from typing import IO, NoReturn

from msgspec import Struct

from tbp.asv.checkouts import Checkout
from tbp.system.children import KILLED_S, forget, kill_session, mind
from tbp.system.foreign_json import object_in

PROGRAM = Path(__file__).with_name("worker.py")

# One thread each unless the user wants more: a second thread is the first thing a neighbour disturbs.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "TBP_THREADS")

# The most that is read of what a worker printed before it failed.
SAID_BYTES = 4096

# A longer reply is no reply: a block of samples is a few kilobytes, the discovery of a large project a few megabytes.
MAX_REPLY_BYTES = 1 << 26


class WorkerLost(Exception):
    """The worker cannot be asked any more; the message says why and what it printed last."""


class OutOfTime(Exception):
    """The deadline passed while a worker was waited for; the worker is gone."""


class Deadline(Struct, frozen=True):
    """When all waiting ends; never unless told otherwise."""

    at_s: float = inf  # on the monotonic clock

    @classmethod
    def within(cls, seconds: float) -> Deadline:
        """So many seconds from now."""
        return cls(time.monotonic() + seconds)

    @property
    def left_s(self) -> float:
        return self.at_s - time.monotonic()


def how_it_ended(status: int) -> str:
    """In words: ``ended with status 0``; ``was killed by SIGKILL`` for a negative status, as in ``subprocess``."""
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:  # a real-time signal has no name
        return f"was killed by signal {-status}"


class Worker:
    """One server process (see ``worker``) in a session of its own, so that all it starts can be ended together."""

    def __init__(self, checkout: Checkout, threads: int = 1, deadline: Deadline | None = None) -> None:
        self._deadline = deadline or Deadline()
        requests, self._requests = os.pipe()
        self._replies, replies = os.pipe()
        self._output: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by end()
        self._pending = b""
        pinned = dict.fromkeys(THREAD_VARIABLES, str(threads)) | {"OMP_WAIT_POLICY": "PASSIVE"}
        # Nothing of a gate is stored: without these the ruler records nothing.
        environment = {k: v for k, v in checkout.variables.items() if k not in ("TBP_RESULTS_DIR", "TBP_RUN")}
        try:
            self.process = subprocess.Popen(
                [
                    checkout.python,
                    checkout.program or str(PROGRAM),
                    checkout.benchmark_dir,
                    str(requests),
                    str(replies),
                ],
                env=environment | pinned,
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=self._output,
                pass_fds=(requests, replies),
                start_new_session=True,
            )
        except OSError as error:
            self._close_channel()
            raise WorkerLost(f"cannot start {checkout.python}: {error}") from None
        finally:
            os.close(requests)
            os.close(replies)
        mind(self.process.pid)

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, traceback: TracebackType | None) -> None:
        self.end()

    def ask(self, timeout_s: float, **request: object) -> dict[str, object]:
        """Send a request and wait for its reply. Raises WorkerLost."""
        self.send(**request)
        return self.receive(timeout_s)

    def send(self, **request: object) -> None:
        """Send a request. Raises WorkerLost."""
        try:
            os.write(self._requests, json.dumps(request).encode() + b"\n")
        except OSError:
            self._lose(self._how_it_ended())

    def receive(self, timeout_s: float) -> dict[str, object]:
        """The next reply.

        Raises:
            WorkerLost: there is none within ``timeout_s``, the worker ended, or what came is no reply.
            OutOfTime: there is none before the deadline.
        """
        end_s = min(time.monotonic() + timeout_s, self._deadline.at_s)
        while b"\n" not in self._pending:
            left_s = end_s - time.monotonic()
            # Asked before each piece: one that never ends its line keeps the pipe readable for ever.
            if left_s <= 0 or not select.select([self._replies], [], [], left_s)[0]:
                if self._deadline.left_s <= 0:
                    self.end()
                    raise OutOfTime
                self._lose(f"gave no answer for {timeout_s:.3g} s and was stopped")
            piece = os.read(self._replies, 1 << 16)
            if not piece:
                self._lose(self._how_it_ended())
            self._pending += piece
            if len(self._pending) > MAX_REPLY_BYTES:
                self._lose("sent an endless answer")
        line, _, self._pending = self._pending.partition(b"\n")
        reply = object_in(line)
        if reply is None:
            self._lose(f"sent garbage instead of an answer: {line[:80]!r}")
        return reply

    def last_output(self) -> str:
        """The end of what the worker and its benchmarks printed."""
        size = self._output.seek(0, os.SEEK_END)
        self._output.seek(max(0, size - SAID_BYTES))
        text = self._output.read().decode(errors="replace").strip()
        self._output.seek(0, os.SEEK_END)
        return text

    def end(self) -> None:
        """End the worker and everything it started; a second call does nothing."""
        if self._requests >= 0:
            self.process.kill()
            kill_session(self.process.pid)
            with suppress(subprocess.TimeoutExpired):  # the kernel does not let go of it
                self.process.wait(KILLED_S)
            forget(self.process.pid)
        self._close_channel()

    def _lose(self, why: str) -> NoReturn:
        output = self.last_output()
        self.end()
        raise WorkerLost(f"{why}; it said last: {output.splitlines()[-1]}" if output else why)

    def _how_it_ended(self) -> str:
        try:
            status = self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return "closed its channel"
        return how_it_ended(status)

    def _close_channel(self) -> None:
        for descriptor in (self._requests, self._replies):
            if descriptor >= 0:
                os.close(descriptor)
        self._requests = self._replies = -1
        if not self._output.closed:
            self._output.close()
