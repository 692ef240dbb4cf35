"""Remarks on benchmarks whose parameters changed, so that series ended and others began.

Takes the runs with their parameters under today's names, gives a remark for each such benchmark.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from tbp.asv.declarations import Benchmark
from tbp.asv.parameters import Named
from tbp.asv.result_arrays import Files
from tbp.asv.result_files import Run


def parameter_remarks(files: Files, declared: Sequence[Benchmark], names: Sequence[Named | None]) -> Mapping[str, str]:
    """Remarks by benchmark, sorted: since which commit it has today's parameters, and how earlier runs are named.

    ``names`` has the parameters of each grid, None for a grid of no file; ``declared`` has the benchmark of each grid.
    """
    odd = {
        benchmark.name
        for benchmark, name in zip(declared, names, strict=True)
        if name is not None and _is_apart(name, benchmark)
    }
    if not odd:
        return {}
    grids_of: dict[str, list[int]] = {}
    for index, benchmark in enumerate(declared):
        if benchmark.name in odd:
            grids_of.setdefault(benchmark.name, []).append(index)
    run_of_row = np.repeat(np.arange(len(files.runs)), files.sizes)
    remarks = {}
    for name, indexes in sorted(grids_of.items()):
        today = [
            index for index in indexes if (now := names[index]) is not None and not _is_apart(now, declared[index])
        ]
        runs = (files.runs[run] for run in run_of_row[np.isin(files.grids, today)].tolist())
        since = min(runs, key=lambda run: (run.date_ms, run.commit), default=None)
        apart = [now for index in indexes if (now := names[index]) is not None and _is_apart(now, declared[index])]
        remarks[name] = " ".join(_sentences(apart, since))
    return remarks


def _is_apart(named: Named, benchmark: Benchmark) -> bool:
    """True where no cell of ``named`` is a cell of ``benchmark`` as it is today."""
    names = {name for name, _ in named.cells[0]} if named.cells else set(benchmark.parameter_names)
    return benchmark.parameters is not None and names != set(benchmark.parameter_names)


def _sentences(apart: Sequence[Named], since: Run | None) -> Iterator[str]:
    added = list(dict.fromkeys(name for named in apart for name in named.added))
    when = f"since {since.commit[:8]}" if since is not None else "today"
    if added:
        yield (
            f"it has the parameter {' and '.join(added)} {when}; the value in earlier runs is unknown, so "
            "they are series without it, which end there"
        )
    if any(named.removed for named in apart):
        yield f"{when} it has a parameter less; earlier runs are series of their own, which end there"
    if any(named.is_ambiguous for named in apart):
        yield (
            f"{when} it has other parameters, and the values of earlier runs fit them in several ways; there they "
            "are called param1, param2 … in their order"
        )
    elif any(not named.added and not named.removed for named in apart):
        yield f"{when} it has other parameters; those of earlier runs are called param1, param2 … in their order"
