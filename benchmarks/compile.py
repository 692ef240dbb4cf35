"""Suites of torch.compile: seconds of the first call in a process, with an empty cache and with a filled one.

Nightly only: a cold first call takes 10 to 20 s of a core.
"""

from tbp import bench
from tbp.bench.first_call import COLD, WARM, first_call_s

from .workloads.compile import MODULES, source


class Nightly:
    params = ((COLD, WARM), tuple(MODULES))
    param_names = ("cache", "module")
    version = str(bench.PROTOCOL)
    timeout = 300.0

    def setup(self, cache: str, module: str) -> None:
        source(module)  # skips a commit without the block

    def track_first_call_seconds(self, cache: str, module: str) -> float:
        return first_call_s(source(module), cache)

    track_first_call_seconds.unit = "seconds"  # type: ignore[attr-defined]
    track_first_call_seconds.version = version  # type: ignore[attr-defined]
