"""Results folders as asv writes them, of fleets as they are: many machines, and a harness that is updated.

``many_machines`` has thirteen that differ in GPU and system under one pattern of names; ``number_fell`` has one whose
asv began to time one call at a time, as happened to a large web framework. ``hosted_nights`` has a pool of runners,
each there for one night.
"""

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .result_folders import FIRST_MS, write_result

NUMBER = 97_915
BACKFILLED = (12, 23, 31, 40)
"""Commits measured when asv's number had fallen, though it fell later."""
FELL_AT, COMMITS = 50, 70

GPUS = ("RTX 4090", "RTX 3090", "A100")
SYSTEMS = ("Ubuntu 22.04", "Windows 11")


def result(folder: Path, machine: Mapping[str, Any], commit: int, rows: Mapping[str, list[Any]], **head: Any) -> None:
    """One result file, and the machine's machine.json beside it."""
    python = head.pop("python", "3.12")
    setup, params = (machine["machine"], f"virtualenv-py{python}"), {**machine, "python": python}
    path = write_result(folder, commit_hash(commit), rows, commit, *setup, python=python, params=params, **head)
    (path.parent / "machine.json").write_text(json.dumps({**machine, "version": 1}))


def commit_hash(commit: int) -> str:
    return f"{commit + 0xC0FFEE00:040x}"[::-1]


def row(value: float, number: int, night: float) -> list[Any]:
    """A benchmark without parameters."""
    quartiles = [[value * 0.99], [value * 1.01]]
    return [[value], [], "v1", FIRST_MS + int(night * 86_400_000), 1.0, *quartiles, *quartiles, [number]]


def number_fell(folder: Path, series: int = 63, slower: float = 142.0) -> Path:
    """One machine; its first ``series`` - 2 benchmarks are timed once a sample from commit FELL_AT on.

    So are those of BACKFILLED, which were measured after that. The last two benchmarks always were.
    """
    noise = random.Random(12)
    machine = {"machine": "bench", "os": "Linux 5.15", "cpu": "Xeon", "num_cpu": "8", "ram": str(2**34)}
    for commit in range(COMMITS):
        is_one = commit >= FELL_AT or commit in BACKFILLED
        night = COMMITS + commit / 1000 if commit in BACKFILLED else commit
        rows = {}
        for place in range(series):
            base = 1e-6 * (1 + place % 7)
            is_always = place >= series - 2
            value = base * (1.0 if is_always or not is_one else slower) * noise.gauss(1, 0.01)
            number = 1 if is_one or is_always else NUMBER // (1 + place % 7)
            rows[f"app_{place % 9}.Suite.time_{place}"] = row(value, number, night)
        result(folder, machine, commit, rows)
    return folder


def many_machines(folder: Path, commits: int = 3) -> Path:
    """Thirteen machines ``unit-01`` … ``unit-13``; the twelfth says no GPU, the last has only a name."""
    noise = random.Random(13)
    for place in range(13):
        machine: dict[str, Any] = {"machine": f"unit-{place + 1:02}"}
        if place < 12:
            machine |= {"os": SYSTEMS[place % 2], "cpu": "Intel(R) Core(TM) i9-13900K CPU @ 3.00GHz", "num_cpu": "24"}
        if place < 11:
            machine |= {"gpu": GPUS[place // 2 % 3], "driver": 555.85 if place % 2 else "550.54.14"}
        python = ("3.12", "3.13")[place % 2]
        for commit in range(commits):
            rows = {"attention.time_sdpa": row(1e-3 * noise.gauss(1, 0.01), 10, commit)}
            result(folder, machine, commit, rows, python=python)
    return folder


PROCESSORS = ("AMD EPYC 7763 64-Core Processor", "Intel(R) Xeon(R) Platinum 8370C CPU @ 2.80GHz")
POOL = '"^fv-az" = "hosted {processor}"'
"""The line of pyproject.toml that makes one machine of the runners with the same processor."""


def hosted_nights(project: Path, nights: int = 20, slower_from: int = 10) -> Path:
    """A project and its results: each night another host of a pool measures a commit, 30 % slower from one on.

    Every other host has the second processor, which takes 1.4 times as long.
    """
    noise = random.Random(20)
    project.mkdir(parents=True, exist_ok=True)
    (project / "asv.conf.json").write_text('{"version": 1, "project": "p", "repo": ".", "results_dir": "results"}')
    for night in range(nights):
        machine = {
            "machine": f"fv-az{1000 - 37 * night}-{night}", "os": "Linux 6.8.0-azure", "cpu": PROCESSORS[night % 2],
            "num_cpu": "4", "ram": str(2**34),
        }  # fmt: skip
        level = (1.4 if night % 2 else 1.0) * (1.3 if night >= slower_from else 1.0)
        rows = {"suite.time_thing": row(1e-3 * level * noise.gauss(1, 0.01), 10, night)}
        result(project / "results", machine, night, rows)
    return project
