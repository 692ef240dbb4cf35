"""The source that asv keeps of a suite's benchmarks: the suite and its workloads, not the ruler that times them.

asv writes the source of each benchmark into benchmarks.json, where the report reads it. Of a suite that would be the
same few lines of tbp for every benchmark. The versions of a suite's series are declared, so no source changes them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from textwrap import dedent
from types import FunctionType
from typing import Any


def source_of(*parts: object) -> str:
    """The source of classes and functions, each once; without those that Python has none of, as of a notebook."""
    return "\n\n".join(dict.fromkeys(_sources(parts)))


def _sources(parts: Iterable[object]) -> Iterable[str]:
    for part in parts:
        try:
            yield dedent(inspect.getsource(part)).rstrip()  # type: ignore[arg-type]
        except (OSError, TypeError, SyntaxError):  # no file; no class or function; a file that changed since
            continue


def shown_as(source: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A copy of ``function`` of which asv keeps ``source``; a wrapper would be timed with it."""
    assert isinstance(function, FunctionType)
    copy = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    copy.__qualname__ = copy.__name__  # asv would put it into a class of the function that made it
    copy.__dict__.update(function.__dict__, pretty_source=source)
    return copy
