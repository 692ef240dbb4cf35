"""How sure the commit of a change is: steps of known place in made-up series, and events of two planted commits.

    python tools/sure_places.py [--series 300] [--seed 1]

The first table has the confirmed steps: how many are at their run, how many of the credible sets (95 %) cover it, and
how many runs a set has. The second has two commits, so many runs apart, each of which moves half of 16 series: how many
events they make, and how many of their series have an event with their commit in its range. Takes two minutes.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.random import Generator

from tbp.detection.credible import credible_runs
from tbp.detection.detector import change_points
from tbp.history.events import Event, events
from tbp.history.ranges import CommitOrder
from tbp.model.changes import ChangeEvidence, History, State
from tbp.model.series import Better, Commit, Outcome, Point, SeriesKey
from tbp.system.arrays import Floats

NOISE = 0.02
NOISES: Mapping[str, Callable[[Generator, int], Floats]] = {
    "normal": lambda dice, runs: dice.normal(size=runs),
    "t with 3 degrees": lambda dice, runs: dice.standard_t(3, size=runs) / math.sqrt(3),
    "skewed": lambda dice, runs: dice.exponential(size=runs) - 1,
}
RUNS, STEPS, GAPS = (12, 32, 70), (2, 3, 4, 6), (1, 2, 4, 8)
OF_EVENTS, MEMBERS, FOLDERS = 60, 16, 25  # runs, series of a folder, folders of each gap
COMMITS = tuple(Commit(f"c{number:02}", datetime(2026, 1, 1, tzinfo=UTC) + timedelta(number)) for number in range(60))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=300, help="of each line of the first table")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    dice = np.random.default_rng(arguments.seed)
    print(f"{'noise':18} runs noises found at their run covered runs in a set")
    for noise, of_noise in NOISES.items():
        for runs in RUNS:
            for step in STEPS:
                rows = [placed(dice, of_noise(dice, runs), step) for _ in range(arguments.series)]
                print(f"{noise:18} {runs:4} {step:6} {line([row for row in rows if row is not None])}")
    print(f"\n{'runs apart':>10} {'events':>6} {'with their commit':>17}")
    for gap in GAPS:
        folders = [planted(dice, gap) for _ in range(FOLDERS)]
        number = sum(events_of_folder for events_of_folder, *_ in folders) / FOLDERS
        right = sum(right for _, right, _ in folders) / sum(moved for *_, moved in folders)
        print(f"{gap:10} {number:6.2f} {right:17.1%}")


def stepped(noise: Floats, step: float, at: int) -> Floats:
    """Values with a step of ``step`` noises at the run ``at``."""
    return np.exp(NOISE * (noise + step * (np.arange(len(noise)) >= at)))


def placed(dice: Generator, noise: Floats, step: float) -> tuple[bool, bool, int] | None:
    """The step is at its run; its credible set covers it; the set's runs. None where not one step is confirmed."""
    at = int(dice.integers(len(noise) // 4, 3 * len(noise) // 4))
    values = stepped(noise, step, at)
    confirmed = [change.index for change in change_points(values.tolist()) if change.confirmed]
    if len(confirmed) != 1:
        return None
    first, last = credible_runs(values, confirmed[0])
    return confirmed[0] == at, first <= at <= last, last - first + 1


def line(rows: list[tuple[bool, bool, int]]) -> str:
    if not rows:
        return f"{0:5}"
    at_run, covered, runs = np.mean(np.array(rows, np.float64), axis=0)
    return f"{len(rows):5} {at_run:12.1%} {covered:7.1%} {runs:13.2f}"


def planted(dice: Generator, gap: int) -> tuple[int, int, int]:
    """The events of one folder; of its moved series, those with their commit in their event's range; the moved ones."""
    earlier = int(dice.integers(15, 40))
    places = {f"suite.time_{number}": earlier + gap * (number % 2) for number in range(MEMBERS)}
    histories = [history(dice, name, at) for name, at in places.items()]
    order = CommitOrder([commit.hash for commit in COMMITS], COMMITS)
    joined: list[Event] = [event for event in events(histories, order) if event.changes]
    within = [
        event.range.start <= places[change.history.key.benchmark] <= event.range.end
        for event in joined
        for change in event.changes
    ]
    return len(joined), sum(within), len(within)


def history(dice: Generator, name: str, at: int) -> History:
    """The history of a series with a step of 2.5 to 6 noises at the run ``at``."""
    values = stepped(dice.normal(size=OF_EVENTS), float(dice.uniform(2.5, 6)), at)
    changes = tuple(map(ChangeEvidence, change_points(values.tolist())))
    points = tuple(
        Point(commit, Outcome.MEASURED, value) for commit, value in zip(COMMITS, values.tolist(), strict=True)
    )
    key = SeriesKey(name, (), "box", "environment")
    return History(key, "seconds", Better.LOWER, points, State.REGRESSION, changes)


if __name__ == "__main__":
    main()
