"""A project with results and a repository that has their commits, as `tbp report` and `asv publish` need it.

``synthetic`` makes both up: seeded random series with noise, steps, outliers and gaps. ``adopted`` takes real results,
makes a repository with as many commits and writes the results again with its hashes. Other tools import this module.
"""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

COLUMNS = ["result", "params", "version", "started_at", "duration", "stats_ci_99_a", "stats_ci_99_b", "stats_q_25",
           "stats_q_75", "stats_number", "stats_repeat"]  # fmt: skip
VALUES = ["'int64'", "'float64'", "'object'", "None", "True", "100000", "1.5", "'Int64'", "'category'", "'string'"]
GRIDS = [(), (2,), (3,), (2, 2), (6,), (4, 3), (2, 3, 5), (8, 4), (10, 6)]
LARGEST_GRID = (17, 12, 8)  # of the 1,632 series of the largest benchmark seen in a real project
FAMILIES = 20
ENVIRONMENT = "virtualenv-py3.11"
FIRST_MS, HOURS = 1_600_000_000_000, 9
STEP_SHARE = 0.15  # share of the series that have a step
LOST_SHARE = 0.01  # share of the values that are missing


@dataclass(frozen=True)
class Project:
    folder: Path

    @property
    def results(self) -> Path:
        return self.folder / "results"

    @property
    def config(self) -> Path:
        return self.folder / "asv.conf.json"


def synthetic(
    folder: Path, series: int, commits: int, parameters: bool, seed: int = 1, grid: Sequence[int] = ()
) -> Project:
    """``series`` series over ``commits`` commits; each a benchmark of its own unless there are ``parameters``.

    With a ``grid`` one benchmark has all of them, one for each cell of the grid.
    """
    dice = np.random.default_rng(seed)
    hashes = repository(folder / "repo", [FIRST_MS // 1000 + i * HOURS * 3600 for i in range(commits)])
    declared = {"family0.Suite0.time_all": named(grid)} if grid else benchmarks(dice, series, parameters)
    series = math.prod(grid) if grid else series
    values = levels(dice, series, commits)
    machine = folder / "results" / "box"
    machine.mkdir(parents=True)
    facts = {"arch": "x86_64", "cpu": "Some CPU @ 2.60GHz", "machine": "box", "num_cpu": "8", "os": "Linux 5.15",
             "ram": "33437564928"}  # fmt: skip
    (machine / "machine.json").write_text(json.dumps({**facts, "version": 1}))
    for number, name in enumerate(hashes):
        rows = {}
        start = 0
        for benchmark, params in declared.items():
            cells = values[start : (start := start + math.prod(map(len, params))), number]
            rows[benchmark] = row(cells, params)
        content = {
            "commit_hash": name, "env_name": ENVIRONMENT, "date": FIRST_MS + number * HOURS * 3_600_000,
            "params": {**facts, "python": "3.11"}, "python": "3.11", "requirements": {}, "env_vars": {},
            "result_columns": COLUMNS, "results": rows, "durations": {}, "version": 2,
        }  # fmt: skip
        (machine / f"{name[:8]}-{ENVIRONMENT}.json").write_text(json.dumps(content))
    entries = {name: declaration(name, params) for name, params in declared.items()}
    (folder / "results" / "benchmarks.json").write_text(json.dumps({**entries, "version": 2}))
    return configured(folder, "synthetic")


def adopted(folder: Path, results: Path, project: str) -> Project:
    """The results in ``results`` as if measured on a new repository of as many commits, in their order of date."""
    files = [path for path in results.glob("*/*.json") if path.name != "machine.json"]
    dates = {}
    for path in files:
        head = json.loads(path.read_bytes())
        dates[head["commit_hash"]] = head["date"] // 1000
    order = sorted(dates, key=lambda name: (dates[name], name))
    renamed = dict(zip(order, repository(folder / "repo", [dates[name] for name in order]), strict=True))
    for path in results.rglob("*.json"):
        target = folder / "results" / path.relative_to(results)
        target.parent.mkdir(parents=True, exist_ok=True)
        content = json.loads(path.read_bytes())
        if "commit_hash" in content:
            old, content["commit_hash"] = content["commit_hash"], renamed[content["commit_hash"]]
            target = target.with_name(path.name.replace(old[:8], content["commit_hash"][:8]))
        target.write_text(json.dumps(content))
    return configured(folder, project)


def repository(folder: Path, dates_s: Sequence[int]) -> list[str]:
    """The hashes, oldest first, of a new history of empty commits, with a commit at each date."""
    parts = ["feature done\nreset refs/heads/main\n"]
    for number, date in enumerate(dates_s, 1):
        parts.append(f"commit refs/heads/main\nmark :{number}\ncommitter A <a@example.org> {date} +0000\n")
        subject = f"Commit {number}"
        parts.append(f"data {len(subject)}\n{subject}\n" + (f"from :{number - 1}\n" if number > 1 else ""))
    parts.append("done\n")
    folder.mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", folder], check=True)
    subprocess.run(["git", "fast-import", "--quiet"], cwd=folder, input="".join(parts), text=True, check=True)
    log = ["git", "rev-list", "--reverse", "main"]
    return subprocess.run(log, cwd=folder, capture_output=True, text=True, check=True).stdout.split()


def configured(folder: Path, project: str) -> Project:
    content = {
        "version": 1, "project": project, "repo": str(folder / "repo"), "branches": ["main"],
        "environment_type": "virtualenv", "benchmark_dir": str(folder / "benchmarks"), "env_dir": str(folder / "env"),
        "results_dir": str(folder / "results"), "html_dir": str(folder / "html"),
    }  # fmt: skip
    (folder / "benchmarks").mkdir(exist_ok=True)
    (folder / "benchmarks" / "__init__.py").touch()
    (folder / "asv.conf.json").write_text(json.dumps(content))
    return Project(folder)


def benchmarks(dice: np.random.Generator, series: int, parameters: bool) -> dict[str, list[list[str]]]:
    """The parameter values of each benchmark; all benchmarks together have ``series`` cells."""
    declared: dict[str, list[list[str]]] = {}
    while series > 0:
        fitting = [grid for grid in GRIDS if math.prod(grid) <= series] if parameters else [()]
        grid = fitting[dice.integers(len(fitting))]
        number = len(declared)
        name = f"family{number % FAMILIES}.Suite{number // 7}.time_{number}"
        declared[name] = [VALUES[:n] for n in grid]
        series -= math.prod(grid)
    return declared


def named(grid: Sequence[int]) -> list[list[str]]:
    """Parameter values that are no numbers, so many of each parameter."""
    return [[f"'v{value}'" for value in range(number)] for number in grid]


def levels(dice: np.random.Generator, series: int, commits: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Seconds, a row for each series: lognormal noise with a little correlation, steps, outliers, gaps."""
    noise = dice.normal(size=(series, commits)) * 10 ** dice.uniform(-2.5, -1.2, size=(series, 1))
    noise[:, 1:] += dice.choice([0.0, 0.2], size=(series, 1)) * noise[:, :-1]
    noise += (dice.random((series, commits)) < 0.02) * np.abs(dice.normal(size=(series, commits))) * 0.5
    for moved in np.flatnonzero(dice.random(series) < STEP_SHARE):
        noise[moved, dice.integers(commits) :] += dice.choice([-1, 1]) * dice.uniform(0.05, 0.5)
    values = np.exp(noise + dice.uniform(math.log(1e-6), 0, size=(series, 1)))
    values[dice.random((series, commits)) < LOST_SHARE] = math.nan
    return values


def row(values_s: Sequence[float], params: list[list[str]]) -> list[object]:
    """A benchmark's entry in a result file: every value with quartiles and an interval around it."""
    known = [float(f"{value:.5g}") for value in values_s]
    result = [None if math.isnan(value) else value for value in known]
    around = [[None if v is None else float(f"{v * f:.5g}") for v in result] for f in (0.96, 1.05, 0.985, 1.02)]
    return [result, params, "1" * 64, FIRST_MS, 1.5, *around, [1] * len(known), [10] * len(known)]


def declaration(name: str, params: list[list[str]]) -> dict[str, object]:
    return {
        "code": "", "name": name, "param_names": [f"p{i}" for i in range(len(params))], "params": params,
        "type": "time", "unit": "seconds", "version": "1" * 64, "timeout": 60.0, "min_run_count": 2, "number": 0,
        "repeat": 0, "rounds": 2, "sample_time": 0.01, "warmup_time": -1,
    }  # fmt: skip
