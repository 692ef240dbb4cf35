"""A pool of runners made from real results: is it a handful of machines again, with the verdicts of the real ones?

    python tools/ephemeral_runners.py RESULTS OUT [--names fv-az|ip|container]

OUT gets a project whose results are those of RESULTS, each commit measured by a machine with a name of its own: hosted
runners, cloud instances and containers have such names. tbp's proposal for pyproject.toml is put into it. Then every
series must have the state and the changes that it has in RESULTS. Exit code 1 where one has not.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from tbp.asv.machine_folders import machine_folders
from tbp.history.lone_machines import pool_of
from tbp.history.stored import by_themselves, stored
from tbp.model.changes import History
from tbp.project.asv_config import read_config

Verdicts: TypeAlias = dict[tuple[object, ...], tuple[object, ...]]

# asv stores no facts of a machine that it is given a name for; those of the real ones come first where they are known.
FACTS = {"cpu": "AMD EPYC 7763 64-Core Processor", "num_cpu": "4", "ram": str(2**34), "arch": "x86_64"}
NAMES: dict[str, Callable[[random.Random], str]] = {
    "fv-az": lambda dice: f"fv-az{dice.randrange(100, 2000)}-{dice.randrange(1000)}",
    "ip": lambda dice: f"ip-10-{'-'.join(str(dice.randrange(256)) for _ in range(3))}",
    "container": lambda dice: f"{dice.randrange(16**12):012x}",
}


def made(results: Path, project: Path, kind: str) -> int:
    """The number of machines: each machine's runs of a commit get a name of their own."""
    dice, names = random.Random(1), dict[tuple[str, str], str]()
    (project / "benchmarks").mkdir(parents=True)
    config = {"version": 1, "project": "pool", "repo": ".", "results_dir": "results"}
    (project / "asv.conf.json").write_text(json.dumps(config))
    (project / "results").mkdir()
    shutil.copy(results / "benchmarks.json", project / "results")
    for path in sorted(results.glob("*/*-*.json")):
        content = json.loads(path.read_text())
        name = names.setdefault((path.parent.name, content["commit_hash"]), NAMES[kind](dice))
        known = {key: value for key, value in content["params"].items() if key in FACTS}
        content["params"] |= {**FACTS, **known, "machine": name}
        folder = project / "results" / name
        folder.mkdir(exist_ok=True)
        (folder / path.name).write_text(json.dumps(content))
        (folder / "machine.json").write_text(json.dumps({**FACTS, **known, "machine": name, "version": 1}))
    return len(names)


def verdicts(histories: tuple[History, ...]) -> Verdicts:
    """The state of each series, and the commits and sizes of its changes, without the name of its machine."""
    known: Verdicts = {}
    for history in histories:
        changes = [
            (at.commit.short if (at := history.points[each.change.index]) else "", round(each.change.effect, 9))
            for each in history.changes
        ]
        key = history.key.benchmark, history.key.parameters, history.key.environment
        known[key] = (str(history.state), len(history.points), *changes)
    return known


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("project", type=Path)
    parser.add_argument("--names", choices=NAMES, default="fv-az")
    options = parser.parse_args()
    names = made(options.results, options.project, options.names)
    config = read_config(options.project / "asv.conf.json")
    folders = machine_folders(config.results_dir)
    pool = pool_of(folders.commits, folders.facts, frozenset())
    if pool is None or not pool.lines:
        print(f"{names} names, and no line is proposed")
        return 1
    print(f"{names} names; {pool.sentence}")
    (options.project / "pyproject.toml").write_text("\n".join(["[tool.tbp.machines]", *pool.lines, ""]))
    begun = time.process_time()
    store = stored(config, None)
    after = verdicts(by_themselves(store))
    used = time.process_time() - begun
    before = verdicts(by_themselves(stored(None, options.results)))
    differing = [key for key in before.keys() | after.keys() if before.get(key) != after.get(key)]
    machines = [machine.name for machine in store.results.machines]
    longest = max(runs for _, runs, *_ in after.values())
    print(f"{len(machines)} machines: {machines}; {len(after)} series, the longest with {longest} runs")
    print(f"{len(differing)} of {len(before)} series judged otherwise than under their real name; {used:.1f} CPU s")
    for key in differing[:5]:
        print(f"  {key}: {before.get(key)} → {after.get(key)}")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
