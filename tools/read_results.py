"""The time to read a results folder, beside two peers in the same run.

    python tools/read_results.py [--scale 0.1] [--keep DIR]

Writes two folders of seeded random results as asv 0.6 writes them: ``large`` is like pandas' (165 files, 10,600 series
in each, 148 MB), ``many`` has 4,700 files with samples (109 MB). Each reader has a process of its own, so that its CPU
time and peak memory are its own; the files are in the page cache for all of them. Targets on two cores: large in 4 s,
many in 6 s, large again from the cache in 1 s of CPU time.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import shutil
import tempfile
import zlib
from itertools import product
from pathlib import Path

from own_process import Read, measure, reading

COLUMNS = ["result", "params", "version", "started_at", "duration", "stats_ci_99_a", "stats_ci_99_b", "stats_q_25",
           "stats_q_75", "stats_number", "stats_repeat", "samples", "profile"]  # fmt: skip
VALUES = ["'int64'", "'float64'", "'datetime64[ns, tz]'", "'object'", "None", "True", "<class 'str'>", "100000",
          "1.5", "('monotonic', False)", "'Int64'", "'category'"]  # fmt: skip
GRIDS = [(), (2,), (3,), (2, 2), (6,), (4, 3), (2, 3, 5), (12, 4), (12, 6)]
FOLDERS = {"large": (165, 10_600, 0), "many": (4_700, 76, 10)}  # files, series in each, samples of each
ENVIRONMENT = "conda-py3.11-Cython3.0-numpy"
PEER = "json + pandas"


def benchmarks(dice: random.Random, series: int) -> dict[str, list[list[str]]]:
    """Parameter values by benchmark, ``series`` cells in all."""
    values: dict[str, list[list[str]]] = {}
    while series > 0:
        grid = dice.choice([sizes for sizes in GRIDS if math.prod(sizes) <= series])
        kind = dice.choice([*["time"] * 18, "peakmem", "track"])
        name = f"module{dice.randrange(60)}.Class{dice.randrange(400)}.{kind}_method_{len(values)}"
        values[name] = [VALUES[:size] for size in grid]
        series -= math.prod(grid)
    return values


def result_file(dice: random.Random, declared: dict[str, list[list[str]]], commit: int, samples: int) -> str:
    rows = {name: row(dice, name, params, samples) for name, params in declared.items() if dice.random() > 0.002}
    requirements = {"Cython": "3.0", "numpy": ""}
    hardware = {"arch": "x86_64", "cpu": "Some CPU @ 2.60GHz", "num_cpu": "8", "ram": "33437564928"}
    return json.dumps({
        "commit_hash": f"{commit:040x}", "env_name": ENVIRONMENT, "date": 1_600_000_000_000 + commit * 3_600_000,
        "params": {**hardware, "machine": "box", "os": f"Linux 5.15.{commit // 40}", "python": "3.11", **requirements},
        "python": "3.11", "requirements": requirements, "env_vars": {},
        "result_columns": COLUMNS, "results": rows, "durations": {"<build>": 61.5}, "version": 2,
    })  # fmt: skip


def row(dice: random.Random, name: str, params: list[list[str]], samples: int) -> list[object]:
    size = math.prod(map(len, params))
    usual = 10 ** dice.uniform(-6, 0)
    head: list[object] = [params, f"{zlib.crc32(name.encode()):064x}", 1_700_000_000_000, round(dice.random() * 9, 4)]
    if dice.random() < 0.005:
        return [None, *head]
    values = [usual * dice.gauss(1, 0.05) for _ in range(size)]
    lost = [dice.random() for _ in range(size)]  # 2 % skipped, 0.5 % failed
    result = [math.nan if x < 0.02 else None if x < 0.025 else value for x, value in zip(lost, values, strict=True)]
    if "time_" not in name:
        return [result, *head]
    measured = [value if x >= 0.025 else None for x, value in zip(lost, values, strict=True)]
    stats = [[None if v is None else float(f"{v * f:.5g}") for v in measured] for f in (0.96, 1.05, 0.98, 1.02)]
    counts = [[None if v is None else n for v in measured] for n in (dice.randrange(1, 900), 10)]
    if dice.random() < 0.02:  # few samples have no confidence interval
        stats[0], stats[1] = [-math.inf] * size, [math.inf] * size
    if not samples:
        return [result, *head, *stats, *counts]
    raw = [None if v is None else [v * dice.gauss(1, 0.02) for _ in range(samples)] for v in measured]
    return [result, *head, *stats, *counts, raw]


def write(folder: Path, name: str, scale: float) -> None:
    files, series, samples = FOLDERS[name]
    dice = random.Random(name)
    declared = benchmarks(dice, series)
    (folder / "box").mkdir(parents=True)
    (folder / "box" / "machine.json").write_text(
        json.dumps({"machine": "box", "cpu": "Some CPU @ 2.60GHz", "version": 1})
    )
    for commit in range(max(2, round(files * scale))):
        path = folder / "box" / f"{commit:08x}-{ENVIRONMENT}.json"
        path.write_text(result_file(dice, declared, commit, samples))
        os.utime(path, (1_700_000_000, 1_700_000_000))


def asv() -> Read:
    from asv.results import iter_results

    return lambda folder: sum(
        len(result.get_result_value(key, params))
        for result in iter_results(str(folder))
        for key in result.get_all_result_keys()
        for params in [result.get_result_params(key)]
    )


def tbp(cache: bool) -> Read:
    from tbp.asv.results import read_results

    return lambda folder: len(read_results(folder, cache=cache).frame)


def json_and_pandas() -> Read:
    import pandas  # noqa: F401 - before the clock starts

    return read_naively


def read_naively(folder: Path) -> int:
    import pandas as pd

    rows = []
    for path in folder.glob("*/*-*.json"):
        content = json.loads(path.read_text())
        for name, values in content["results"].items():
            fields = dict(zip(content["result_columns"], values, strict=False))
            for i, cell in enumerate(product(*fields["params"])):
                row = {"benchmark": name, "parameters": cell, "commit": content["commit_hash"], "date": content["date"]}
                for column in ("result", "stats_q_25", "stats_q_75", "stats_number"):
                    row[column] = fields[column][i] if fields.get(column) else None
                rows.append(row)
    return len(pd.DataFrame(rows))


READERS = {
    PEER: json_and_pandas,
    "asv": asv,
    "tbp, no cache": lambda: tbp(cache=False),
    "tbp, writing the cache": lambda: tbp(cache=True),
    "tbp, from the cache": lambda: tbp(cache=True),
    "tbp, one new file": lambda: tbp(cache=True),
}


def compare(folder: Path, scale: float) -> None:
    shutil.rmtree(folder / "cache", ignore_errors=True)
    environment = os.environ | {"XDG_CACHE_HOME": str(folder / "cache")}
    for name in FOLDERS:
        results = folder / name
        if not results.exists():
            write(results, name, scale)
        paths = sorted(results.glob("box/*-*.json"))
        size_mb = sum(path.stat().st_size for path in paths) / 1e6
        print(f"\n{name}: {len(paths)} files, {size_mb:.0f} MB")
        print(f"{'':24}{'values':>10}{'wall s':>8}{'CPU s':>8}{'peak MiB':>10}{'CPU ratio':>11}")
        new = results / "box" / "ffffffff-new.json"
        peer_s = math.nan
        for reader in READERS:
            if reader == "tbp, one new file":
                new.write_text(paths[0].read_text().replace(f"{0:040x}", "f" * 40))
            cost = reading(__file__, reader, results, environment=environment)
            if isinstance(cost, str):
                print(f"{reader:24}{cost}")
                continue
            peer_s = cost.cpu_s if reader == PEER else peer_s
            figures = f"{cost.rows:>10}{cost.wall_s:>8.2f}{cost.cpu_s:>8.2f}{cost.peak_mib:>10.0f}"
            print(f"{reader:24}{figures}{cost.cpu_s / peer_s:>11.3f}", flush=True)
        new.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the files to write")
    parser.add_argument("--keep", type=Path, help="folder to write to and to leave; what is there is used again")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        reader, folder = arguments.measure
        measure(READERS[reader](), Path(folder))
    elif arguments.keep:
        compare(arguments.keep, arguments.scale)
    else:
        with tempfile.TemporaryDirectory() as folder:
            compare(Path(folder), arguments.scale)


if __name__ == "__main__":
    main()
