"""A project whose nights come one at a time: real result files, and the verb on them."""

import json
import random
from pathlib import Path

from msgspec import Struct

from ..fleets import commit_hash, row
from ..result_folders import write_result

NOISE = 0.01


class Nights(Struct):
    """The results of one machine, with ``series`` benchmarks; a night adds one run of each."""

    folder: Path
    series: int = 4
    seed: int = 1
    newest: int = 0

    @property
    def results(self) -> Path:
        return self.folder / "results"

    def night(self, *levels: float) -> None:
        """One more commit: the level of each series, 1 where none is given."""
        noise = random.Random(self.seed * 10_000 + self.newest)
        rows = {}
        for number in range(self.series):
            level = levels[number] if number < len(levels) else 1.0
            rows[f"suite.time_{number}"] = row(level * 1e-3 * noise.gauss(1, NOISE), 10, self.newest)
        write_result(self.results, commit_hash(self.newest), rows, self.newest)
        self.newest += 1

    def nights(self, number: int, *levels: float) -> "Nights":
        for _ in range(number):
            self.night(*levels)
        return self


def new_nights(folder: Path, series: int = 4, seed: int = 1, before: int = 30) -> Nights:
    """A project with ``before`` runs without a change."""
    (folder / "results").mkdir(parents=True)
    (folder / "asv.conf.json").write_text(json.dumps({"project": "mine", "results_dir": "results"}))
    return Nights(folder, series, seed).nights(before)
