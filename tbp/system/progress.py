"""Progress of work that takes minutes, on stderr: a bar with the time left on a terminal, plain lines elsewhere.

The bar is drawn when something is reported, and by no thread of its own: what is measured meanwhile on the same
machine would feel it. Lines may be foreign text, such as the output of benchmarks.
"""

from __future__ import annotations

import sys
from math import nan
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from tbp.system.foreign_text import line_of
from tbp.system.printing import drawing

# The time left is that at the speed of the last hour: a benchmark may take minutes without any news.
SPEED_OVER_S = 3600.0


class Progress:
    """A bar on stderr while the block runs, below the lines that stay; without a terminal only the lines."""

    def __init__(self, left: str = "left") -> None:
        """``left`` stands behind the time left: ``left at most`` where the work may end early."""
        # A log has no cursor, also where FORCE_COLOR wants colours in it; nor has a notebook.
        is_terminal = sys.stderr is not None and sys.stderr.isatty()
        self._console = Console(
            file=drawing(sys.stderr), force_terminal=is_terminal, force_jupyter=False,
            markup=False, emoji=False, highlight=False, soft_wrap=True,
        )  # fmt: skip
        self.is_live = self._console.is_terminal and not self._console.is_dumb_terminal
        self._bar = RichProgress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[left]}", markup=False),
            console=self._console,
            auto_refresh=False,
            transient=True,
            speed_estimate_period=SPEED_OVER_S,
            disable=not self.is_live,
        )
        self._left = left
        self._task = self._bar.add_task("", total=None, left="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def line(self, text: str) -> None:
        """Write a line that stays."""
        self._console.out(line_of(text), highlight=False)

    def say(self, text: str) -> None:
        """Name the work at hand, beside the bar; without a terminal nothing is written."""
        self._bar.update(self._task, description=line_of(text), refresh=True)

    def restart(self, total: float) -> None:
        """Begin at 0 of ``total``; the time left is told from here on."""
        self._bar.reset(self._task, total=total, left=self._left)
        self._bar.refresh()

    def at(self, done: float, total: float) -> None:
        """So much of ``total`` is done."""
        self._bar.update(self._task, completed=done, total=total, left=self._left, refresh=True)

    @property
    def left_s(self) -> float:
        """Seconds until all is done, at the speed so far; NaN where nothing tells it yet."""
        left_s = self._bar.tasks[self._task].time_remaining
        return nan if left_s is None else left_s
