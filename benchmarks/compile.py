"""Suites of torch.compile: seconds of the first call in a process, with an empty cache and with a filled one.

Nightly only: a cold first call takes 10 to 20 s of a core.
"""

from .workloads import compile as compiling


class Nightly(compiling.FirstCallSuite):
    def setup_cache(self) -> compiling.FirstCalls:
        return compiling.first_calls("cpu")

    setup_cache.timeout = 300.0  # type: ignore[attr-defined]
