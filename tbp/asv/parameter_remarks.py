"""Remarks on benchmarks whose parameters changed, so that series ended and others began.

Takes the files with the parameters of their benchmarks by the names of today, gives a sentence for each such benchmark.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tbp.asv.declarations import Benchmark
from tbp.asv.parameters import NamedCells
from tbp.asv.result_file import RecordedBenchmark, ResultFile, ResultHead
from tbp.model.series import short_hash


def parameter_remarks(
    files: Sequence[ResultFile], today: Mapping[RecordedBenchmark, tuple[Benchmark, NamedCells]]
) -> Mapping[str, str]:
    """By benchmark, sorted: since when it has the parameters of today, and how its runs before that are named.

    ``today`` has the declaration of each benchmark of ``files``, and its cells.
    """
    apart: dict[str, list[NamedCells]] = {}
    for declared, cells in today.values():
        if _is_apart(cells, declared):
            apart.setdefault(declared.name, []).append(cells)
    if not apart:
        return {}
    newest_first = sorted(files, key=lambda file: (file.head.date_ms, file.head.commit), reverse=True)
    since: dict[str, ResultHead] = {}
    for file in newest_first:
        for declared, cells in (today[benchmark] for benchmark in file.benchmarks):
            if declared.name in apart and not _is_apart(cells, declared):
                since[declared.name] = file.head
    return {name: " ".join(_sentences(apart[name], since.get(name))) for name in sorted(apart)}


def _is_apart(cells: NamedCells, benchmark: Benchmark) -> bool:
    """True where none of ``cells`` is one of today's benchmark."""
    names = {name for name, _ in cells.cells[0]} if cells.cells else set(benchmark.parameter_names)
    return benchmark.parameters is not None and names != set(benchmark.parameter_names)


def _sentences(apart: Sequence[NamedCells], since: ResultHead | None) -> Iterator[str]:
    added = list(dict.fromkeys(name for cells in apart for name in cells.added))
    when = f"since {short_hash(since.commit)}" if since is not None else "today"
    if added:
        yield (
            f"it has the parameter {' and '.join(added)} {when}; the value in earlier runs is unknown, so "
            "they are series without it, which end there"
        )
    if any(cells.removed for cells in apart):
        yield f"{when} it has a parameter less; earlier runs are series of their own, which end there"
    if any(cells.is_ambiguous for cells in apart):
        yield (
            f"{when} it has other parameters, and the values of earlier runs fit them in several ways; there they "
            "are called param1, param2 … in their order"
        )
    elif any(not cells.added and not cells.removed for cells in apart):
        yield f"{when} it has other parameters; those of earlier runs are called param1, param2 … in their order"
