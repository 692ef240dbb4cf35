"""The suite of designs: wrong answers of small models trained with all practices, without one, or with none."""

from tbp import bench

from .workloads.design import DESIGNS, SEEDS, error_rates


class Nightly:
    params = (tuple(DESIGNS), SEEDS)
    param_names = ("variant", "seed")
    version = f"{bench.PROTOCOL}, 60 epochs"

    def setup(self, variant: str, seed: int) -> None:
        self.error_rate = error_rates(variant)[seed]

    def track_error_rate(self, variant: str, seed: int) -> float:
        return self.error_rate

    track_error_rate.unit = "share of wrong answers"  # type: ignore[attr-defined]
    track_error_rate.version = version  # type: ignore[attr-defined]
