"""Lines on the benchmark cells that failed in a run of asv: each reason once, with the cells and its traceback.

Takes the reasons beside asv's results (``tbp.asv.reasons``). A commit that lacks a dependency fails in every cell of
the same one, and asv itself would print that traceback for each.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tbp.asv.reasons import END, Cell, essence, is_skip, stored_outputs
from tbp.model.series import short_hash
from tbp.wording import words

MOST_REASONS = 5  # a screen: each has a paragraph
MOST_CELLS = 3  # named of one reason
MOST_LINES = 8  # of its output, the end: the innermost frames and the exception


def failures(results_dir: Path, commits: Iterable[str]) -> list[str]:
    """Lines for the terminal: each reason with its cells, that of most cells first; skipped cells are no failures."""
    by_reason: dict[str, tuple[str, list[str]]] = {}
    for commit in commits:
        for path in sorted(results_dir.glob(f"*/{short_hash(commit)}-*{END}")):
            for cell, output in stored_outputs(path).items():
                if not is_skip(output):
                    by_reason.setdefault(essence(output), (output, []))[1].append(
                        f"{_name(cell)} at {short_hash(commit)}"
                    )
    ordered = sorted(by_reason.items(), key=lambda entry: -len(entry[1][1]))
    lines = [line for reason, details in ordered[:MOST_REASONS] for line in _paragraph(reason, *details)]
    if len(ordered) > MOST_REASONS:
        lines.append(f"tbp: {words.count(len(ordered) - MOST_REASONS, 'more reason')}; the report shows each")
    return lines or ["tbp: some benchmarks failed; asv's words are above"]


def _paragraph(reason: str, output: str, cells: list[str]) -> list[str]:
    lines = [line for line in output.splitlines() if line.strip()]
    if len(lines) > MOST_LINES:
        lines = ["…", *lines[-MOST_LINES:]]
    return [
        f"tbp: {words.count(len(cells), 'benchmark cell')} failed: {reason}",
        f"  {words.named(cells, MOST_CELLS)}",
        *(f"    {line}" for line in (lines if len(lines) > 1 else ())),
    ]


def _name(cell: Cell) -> str:
    benchmark, values = cell
    return f"{benchmark}({', '.join(values)})" if values else benchmark
