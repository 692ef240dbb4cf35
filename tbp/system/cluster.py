"""Work shared out to the workers of a Dask cluster, whose scheduler somebody else has started.

Takes a function, items and the files that each needs, gives the results in the order of the items. Paths travel, and no
contents of files. A worker that dies costs its tasks a second try elsewhere; a task that ends every worker is done in
this process. Whoever runs the scheduler can run code here and on the workers, as all three exchange pickles.
"""

from __future__ import annotations

import atexit
import logging
import time
import warnings
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from tbp.errors import UnusableCluster
from tbp.system.foreign_text import line_of
from tbp.system.in_order import InOrder
from tbp.system.on_worker import EQUAL, Refusal, identity, run_task, seen
from tbp.system.printing import warn
from tbp.system.store import COMPUTED_WITH

if TYPE_CHECKING:
    from distributed import Client
    from distributed.security import Security

Item = TypeVar("Item")
Result = TypeVar("Result")

CONNECT_S = 10.0  # an answer around the world takes a second, and a scheduler that starts at the same time a few
ANSWER_S = 5.0  # of a worker that is not stuck
CLOSE_S = 2.0  # for a farewell at the end, which nothing depends on
LOOK_S = 2.0  # how often it is looked whether there is still anybody who works
PATIENCE_S = 600.0  # without any worker: a batch system may start one only now, and Ctrl-C ends the wait sooner
RETRIES = 2  # of a task that raises an error, which may be the worker's: its disk is full, its mount was lost
DISTRIBUTION = "tbp-perf"
NAMES = {"python": "Python", DISTRIBUTION: "tbp"}
COMPARED = ("python", DISTRIBUTION, "distributed", *COMPUTED_WITH)
PER_WORKER = 2  # tasks: one at work, and one that is there when it ends


_CONNECTED: dict[str, Cluster] = {}


def cluster(address: str) -> Cluster:
    """The connection to the scheduler at ``address``, made once and again where it was lost. Raises UnusableCluster."""
    if address not in _CONNECTED or not _CONNECTED[address].is_open:
        _CONNECTED[address] = Cluster(address)
        atexit.register(_CONNECTED[address].close)
    return _CONNECTED[address]


class Cluster:
    """A connection to a scheduler.

    Raises:
        UnusableCluster: Dask is not installed, or no scheduler answers at ``address``.
    """

    def __init__(self, address: str, patience_s: float = PATIENCE_S) -> None:
        self._address, self._patience_s = address, patience_s
        self._client = _client(address)
        self._executor = self._client.get_executor(pure=False, retries=RETRIES)
        self._workers: frozenset[str] = frozenset()  # their addresses
        self._looked_s = self._met_s = time.monotonic() - LOOK_S  # when last for workers, and when there was one last
        self._is_warned = False

    @property
    def is_open(self) -> bool:
        """True while the scheduler can be reached."""
        return bool(self._client.status == "running")

    def close(self) -> None:
        """End the connection; the scheduler and its workers go on."""
        with suppress(OSError, TimeoutError):
            self._client.close(timeout=CLOSE_S)

    def results(
        self,
        function: Callable[[Item], Result],
        items: Sequence[Item],
        paths: Callable[[Item], Iterable[Path]],
        most_waiting: int,
    ) -> Generator[Result, None, None]:
        """Nothing when the tasks have begun, then ``function`` of each item, in order.

        ``paths`` are the files that an item needs, or the folder it writes to.

        Raises:
            UnusableCluster: the scheduler is gone, no worker comes, or one cannot do the same as this process.
        """
        folder, mine = str(Path.cwd()), identity()

        def begin(item: Item) -> Future[Result | Refusal]:
            future: Future[Result | Refusal] = Future()
            if self.is_open:
                future = self._executor.submit(run_task, mine, folder, seen(paths(item)), function, item)
            else:
                future.cancel()  # as the tasks are that the scheduler had
            return future

        tasks = InOrder(begin, items, lambda: PER_WORKER * max(1, len(self._workers)), most_waiting)
        try:
            self._look()
            tasks.fill()
            yield cast(Result, None)
            for item, future in tasks:
                yield self._result(future, partial(function, item))
        finally:
            for future in tasks.close():
                future.cancel()

    def _result(self, future: Future[Result | Refusal], here: Callable[[], Result]) -> Result:
        """The result of a task; done ``here`` if it ended its workers, or a file has changed since it was sent."""
        from distributed import KilledWorker

        try:
            result = self._awaited(future)
        except KilledWorker:
            warn("tbp: a task ended all workers that tried it, for want of memory or an equal tbp: it is done here")
            return here()
        except CancelledError:
            raise self._gone() from None
        except RuntimeError as error:
            if "deserialization of the task graph" not in str(error):
                raise
            raise UnusableCluster(f"the scheduler at {self._address} has another tbp, or none: {EQUAL}") from None
        if not isinstance(result, Refusal):
            return result
        if result.needed is None or seen([Path(result.needed[0])]) == (result.needed,):
            raise UnusableCluster(f"the worker {result.worker} {result.reason}")
        return here()

    def _awaited(self, future: Future[Result]) -> Result:
        while True:
            self._look()
            try:
                return future.result(timeout=LOOK_S)
            except TimeoutError:
                if future.done():  # an error of the task, by chance of this kind
                    raise

    def _look(self) -> None:
        """Count the workers, at most once in LOOK_S. Raises UnusableCluster where there is none, or no scheduler."""
        now_s = time.monotonic()
        if now_s < self._looked_s + LOOK_S:
            return
        if not self.is_open:
            raise self._gone()
        before, self._looked_s = self._workers, now_s
        try:
            self._workers = frozenset(self._client.sync(self._client.nthreads, callback_timeout=CONNECT_S))
        except OSError:
            raise self._gone() from None
        if self._workers - before:
            self._require_equal()
        if self._workers:
            self._met_s = now_s
        elif now_s - self._met_s >= self._patience_s:
            raise UnusableCluster(
                f"{self._address} has had no worker for {self._patience_s / 60:g} minutes: start one with "
                f"`dask worker {self._address} --nthreads 1` and run tbp again"
            )
        elif not self._is_warned:
            self._is_warned = True
            warn(f"tbp: {self._address} has no worker: `dask worker {self._address} --nthreads 1` starts one")

    def _require_equal(self) -> None:
        """Raises UnusableCluster where scheduler or worker has other versions; without tbp they could not say so."""
        get = self._client.get_versions  # by a message without a pickle
        try:
            versions = self._client.sync(get, packages=COMPARED[1:], callback_timeout=ANSWER_S)
        except OSError:  # a worker is too busy to answer, or hangs: ``run_task`` looks again
            return
        workers = {f"worker {address}": worker for address, worker in sorted(versions["workers"].items())}
        for name, process in {f"scheduler at {self._address}": versions["scheduler"], **workers}.items():
            if difference := other_version(versions["client"]["packages"], process["packages"]):
                raise UnusableCluster(f"the {name} {difference}")

    def _gone(self) -> UnusableCluster:
        return UnusableCluster(f"the scheduler at {self._address} is gone: start it and its workers, and run tbp again")


def _client(address: str) -> Client:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of other versions: ``on_worker.difference`` says which matter
            from distributed import Client
            from distributed.security import Security

            for name in ("distributed", "distributed.client"):
                logging.getLogger(name).setLevel(logging.CRITICAL)  # tbp has a line on each of its errors
            security = Security()  # the certificates that Dask's configuration names
            _require_certificates(address, security)
            return Client(address, timeout=CONNECT_S, set_as_default=False, security=security)
    except ImportError as error:
        raise UnusableCluster(
            f"a scheduler needs Dask, and there is no {error.name} here: pip install 'tbp-perf[dask]'"
        ) from None
    except OSError as error:
        raise UnusableCluster(
            f"no Dask scheduler answers at {address} ({line_of(str(error))}): start one with `dask scheduler`, or "
            "leave --scheduler and TBP_SCHEDULER out"
        ) from None


def _require_certificates(address: str, security: Security) -> None:
    """Raises UnusableCluster where ``address`` needs certificates, and ``security`` has none that can be read."""
    if not address.startswith("tls:"):
        return
    try:
        context, reason = security.get_connection_args("client")["ssl_context"], "none is named"
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        context, reason = None, line_of(str(error))
    if context is None:
        raise UnusableCluster(
            f"{address} needs certificates ({reason}): name their files in Dask's configuration, as "
            "DASK_DISTRIBUTED__COMM__TLS__CA_FILE, …__TLS__CLIENT__CERT and …__TLS__CLIENT__KEY do"
        )


def other_version(mine: Mapping[str, str | None], its: Mapping[str, str | None]) -> str:
    """The first difference between the versions here and on a worker, in words; empty where they are equal."""
    for name in COMPARED:
        here, there = mine.get(name), its.get(name)
        if name == "python":  # 3.11.7.final.0
            here, there = (".".join((text or "").split(".")[:2]) for text in (here, there))
        if here != there:
            return f"has {NAMES.get(name, name)} {there or 'none'}, and this is {here or 'none'}: {EQUAL}"
    return ""
