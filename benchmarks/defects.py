"""Suites of defects: how much is wrong with each naive snippet, and with the right code beside it.

The unit is that of the defect (``benchmarks/claims.toml``), and less is better.
"""

from tbp import bench

from .workloads.defects import DEFECTS, outcomes


class Nightly:
    params = (DEFECTS,)
    param_names = ("defect",)
    version = str(bench.PROTOCOL)

    def setup(self, defect: str) -> None:
        self.naive, self.right = outcomes(defect)

    def track_naive(self, defect: str) -> float:
        return float(self.naive.value)

    def track_right(self, defect: str) -> float:
        return float(self.right.value)

    track_naive.version = track_right.version = version  # type: ignore[attr-defined]
