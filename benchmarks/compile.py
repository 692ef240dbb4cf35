"""Suites of torch.compile: seconds of the first call in a process, with an empty cache and with a filled one.

Nightly only: a cold first call takes 10 to 20 s of a core.
"""

from tbp import bench
from tbp.bench.first_call import COLD, WARM

from .workloads.compile import MODULES, FirstCalls, first_calls, seconds


class Nightly:
    params = ((COLD, WARM), tuple(MODULES))
    param_names = ("cache", "module")
    version = str(bench.PROTOCOL)

    def setup_cache(self) -> FirstCalls:
        return first_calls("cpu")

    setup_cache.timeout = 300.0  # type: ignore[attr-defined]

    def setup(self, calls: FirstCalls, cache: str, module: str) -> None:
        self.seconds = seconds(calls, cache, module)  # skips what could not be called

    def track_first_call_seconds(self, calls: FirstCalls, cache: str, module: str) -> float:
        return self.seconds

    track_first_call_seconds.unit = "seconds"  # type: ignore[attr-defined]
    track_first_call_seconds.version = version  # type: ignore[attr-defined]
