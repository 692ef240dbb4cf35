"""Tasks that an executor works on, and their results in the order of the items.

Takes a function that begins one task, and items. Gives each item with its task, while later tasks go on. Two bounds
keep memory bounded: of tasks that are begun and not finished, and of results that nobody has taken yet.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class InOrder(Generic[Item, Result]):
    """The tasks of ``items``, each begun by ``begin``; iterating gives each item with its task, oldest first.

    ``most_running`` is asked again and again how many tasks may be unfinished, as workers come and go.
    ``most_waiting`` finished ones may wait to be taken. The tasks go on while nobody asks, as each that ends begins
    another.
    """

    def __init__(
        self,
        begin: Callable[[Item], Future[Result]],
        items: Sequence[Item],
        most_running: Callable[[], int],
        most_waiting: int,
    ) -> None:
        self._begin, self._most_running, self._most_waiting = begin, most_running, most_waiting
        self._rest, self._begun = deque(items), deque[tuple[Item, Future[Result]]]()
        self._running, self._is_closed = 0, False
        self._lock = threading.Lock()

    def fill(self) -> None:
        """Begin as many tasks as may be unfinished at once. Raises what the executor does where it is broken."""
        most = self._most_running()
        while (future := self._next_task(most)) is not None:
            future.add_done_callback(self._has_ended)

    def close(self) -> list[Future[Result]]:
        """Begin no other task. Returns those that are unfinished, which are the executor's to end."""
        with self._lock:
            self._is_closed = True
            unfinished = [future for _, future in self._begun if not future.done()]
            self._begun.clear()
        return unfinished

    def __iter__(self) -> Iterator[tuple[Item, Future[Result]]]:
        while True:
            self.fill()
            with self._lock:
                if not self._begun:
                    return
                begun = self._begun[0]
            yield begun
            with self._lock:
                self._begun.popleft()  # after its result was taken, so that ``close`` sees it until then

    def _next_task(self, most: int) -> Future[Result] | None:
        with self._lock:
            waiting = len(self._begun) - self._running
            if self._is_closed or not self._rest or self._running >= most or waiting >= self._most_waiting:
                return None
            future = self._begin(self._rest[0])
            self._begun.append((self._rest.popleft(), future))
            self._running += 1
        return future

    def _has_ended(self, future: Future[Result]) -> None:
        with self._lock:
            self._running -= 1
        # A broken executor is told by the task that broke it, to whoever takes its result.
        with suppress(RuntimeError, OSError, CancelledError):
            self.fill()
