"""The options of ``tbp hotspots``, and writing what they ask for.

Imports nothing heavy, as the command line is parsed with it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tbp.commands.comparison_output import STDOUT, require_folders, terminal_width, write_file
from tbp.commands.options import count
from tbp.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from tbp.asv.stored_traces import Source
    from tbp.hotspots.forms import Views

RANKS = ("self", "device", "total", "flops")


@dataclass(frozen=True)
class Shown:
    """What the command line wants shown, and where; None: not said."""

    arguments: tuple[str, ...]  # one, or two to compare
    by: str | None = None
    top: int | None = None
    shapes: bool = False
    json: Path | None = None
    csv: Path | None = None
    flame: Path | None = None


def add_hotspots_options(parser: argparse.ArgumentParser) -> None:
    """Adds what ``shown`` reads."""
    say = "a trace file, a folder or quoted pattern of one cell's, or a stored commit; two are compared"
    parser.add_argument("traces", nargs="+", metavar="TRACE|COMMIT", help=say)
    parser.add_argument("--by", choices=RANKS, help="rank by it (default: device if it has one, else self)")
    parser.add_argument("--top", type=count, metavar="N", help="so many operators (default: a screen)")
    parser.add_argument("--shapes", action="store_true", help="show the most common input shapes too")
    form = {"type": Path, "nargs": "?", "const": STDOUT, "metavar": "FILE"}
    parser.add_argument("--json", **form, help="as JSON; without FILE on stdout instead of the table")  # type: ignore[arg-type]
    parser.add_argument("--csv", **form, help="as CSV; without FILE on stdout instead of the table")  # type: ignore[arg-type]
    parser.add_argument("--flame", type=Path, metavar="FILE", help="also a flame graph, as one HTML file")


def shown(options: argparse.Namespace) -> Shown:
    """What the command line wants; to be asked before anything is read.

    Raises:
        UsageError: too many traces, two forms on stdout, a missing folder, or what a difference does not have.
    """
    wanted = Shown(
        tuple(options.traces), options.by, options.top, options.shapes, options.json, options.csv, options.flame
    )
    if len(wanted.arguments) > 2:
        raise UsageError(
            f"{len(wanted.arguments)} traces are named, and one is shown or two compared: "
            "put a pattern of one cell's traces in quotes"
        )
    if len(wanted.arguments) == 2 and (wanted.by or wanted.shapes):
        raise UsageError("--by and --shapes are for one trace: of two, what changed is shown")
    if (wanted.json, wanted.csv) == (STDOUT, STDOUT):
        raise UsageError("only one of --json and --csv can go to stdout: give the other a FILE")
    require_folders((wanted.json, wanted.csv, wanted.flame))
    return wanted


def write_flames(found: Sequence[tuple[Source, ...]], wanted: Shown) -> None:
    """Writes the flame graphs of one source each, or of two sides, where the command line wants them.

    Raises:
        UsageError: there is nothing to draw, or the file cannot be written.
    """
    if wanted.flame is not None:
        from tbp.hotspots.flame_file import flame_file

        write_file(wanted.flame, flame_file(found))
        print(f"flame graph: {wanted.flame}", file=sys.stderr)


def write_views(views: Views, wanted: Shown) -> ExitCode:
    """Writes the files, prints the form for stdout; 0, as a trace is no verdict.

    Raises:
        UsageError: a file cannot be written.
    """
    from tbp.hotspots.forms import to_csv, to_json

    for path, form in ((wanted.json, to_json), (wanted.csv, to_csv)):
        if path == STDOUT:
            sys.stdout.write(form(views, wanted.top))
        elif path is not None:
            write_file(path, form(views, wanted.top))
    if STDOUT not in (wanted.json, wanted.csv):
        sys.stdout.write(_text(views, wanted))
    return ExitCode.OK


def _text(views: Views, wanted: Shown) -> str:
    from tbp.hotspots.table import difference_table, ranking_table
    from tbp.hotspots.views import Ranking

    width = terminal_width()
    return "\n".join(
        ranking_table(view, top=wanted.top, with_shapes=wanted.shapes, width=width)
        if isinstance(view, Ranking)
        else difference_table(view, top=wanted.top, width=width)
        for view in views
    )
