"""The options of ``tbp gate`` and ``tbp compare``, and writing a comparison in the forms they ask for.

Imports nothing heavy, as the command line is parsed with it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from tbp.commands.options import (
    add_bench_option,
    add_branch_option,
    add_config_option,
    add_place_options,
    add_results_options,
    count,
    minutes,
    percent,
)
from tbp.errors import ExitCode, UsageError
from tbp.model import relevance

if TYPE_CHECKING:
    from tbp.model.comparison import Comparison

STDOUT = Path("-")
# Where stdout is no terminal, such as a log of CI: names need not be cut much.
WIDTH_OF_NO_TERMINAL = 120


@dataclass(frozen=True)
class Output:
    """Where which form goes; None: not wanted, STDOUT: printed instead of the table."""

    json: Path | None = None
    markdown: Path | None = None
    junit: Path | None = None
    strict: bool = False
    verbose: bool = False
    exit_zero: bool = False


def add_compare_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("baseline", metavar="A", help="the commit compared against: a revision, or 4 of a hash")
    parser.add_argument("contender", metavar="B", help="the commit judged")
    add_results_options(parser)
    add_branch_option(parser)
    add_place_options(parser, "default: the one with most in common")
    add_bench_option(parser)
    add_output_options(parser)


def add_gate_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("baseline", metavar="BASE", help="the commit compared against: a revision")
    parser.add_argument("contender", metavar="HEAD", help="the commit judged; . is the working tree as it is")
    add_config_option(parser)
    add_bench_option(parser)
    parser.add_argument("-E", "--environment", default="", metavar="SPEC", help="asv's; default: its first")
    parser.add_argument("--threads", type=count, default=1, metavar="N", help="of each benchmark (default: 1)")
    say = "wall time for everything; what it does not decide is undecided (default: as long as it takes)"
    parser.add_argument("--budget", type=minutes, default=inf, metavar="MIN", help=say)
    say = "smallest change that is claimed (default: 2)"
    parser.add_argument("--relevant", type=percent, default=relevance.TWO_COMMITS, metavar="PERCENT", help=say)
    say = "a change that 'no change' must exclude (default: 5)"
    parser.add_argument("--excluded", type=percent, default=relevance.EXCLUDED, metavar="PERCENT", help=say)
    say = "expected share of false ones among the changes claimed (default: 5)"
    parser.add_argument("--false-discovery-rate", type=percent, default=0.05, metavar="PERCENT", help=say)
    add_output_options(parser)


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """Adds what ``output`` reads."""
    form = {"type": Path, "nargs": "?", "const": STDOUT, "metavar": "FILE"}
    parser.add_argument("--json", **form, help="as JSON; without FILE on stdout instead of the table")  # type: ignore[arg-type]
    parser.add_argument("--markdown", **form, help="for a comment on a pull request; without FILE on stdout")  # type: ignore[arg-type]
    parser.add_argument("--junit", type=Path, metavar="FILE", help="as JUnit XML")
    parser.add_argument("--strict", action="store_true", help="exit with 5 if anything is undecided")
    parser.add_argument("--verbose", action="store_true", help="list what did not change or was skipped too")
    parser.add_argument("--exit-zero", action="store_true", help="do not let a regression set the exit code")


def output(options: argparse.Namespace) -> Output:
    """What the command line wants written; to be asked before anything is measured.

    Raises:
        UsageError: two forms on stdout, or a file in a folder there is none of.
    """
    wanted = Output(options.json, options.markdown, options.junit, options.strict, options.verbose, options.exit_zero)
    paths = (wanted.json, wanted.markdown, wanted.junit)
    if paths.count(STDOUT) > 1:
        raise UsageError("only one of --json, --markdown and --junit can go to stdout: give the others a FILE")
    require_folders(paths)
    return wanted


def require_folders(paths: Iterable[Path | None]) -> None:
    """Raises UsageError where a file is to be written into a folder there is none of."""
    for path in paths:
        if path is not None and not path.parent.is_dir():
            raise UsageError(f"cannot write {path}: there is no folder {path.parent}; make it first")


def write(comparison: Comparison, wanted: Output) -> ExitCode:
    """Writes the files, prints the form for stdout, and gives the exit code.

    Raises:
        UsageError: a file cannot be written.
    """
    from tbp.comparison.json_form import to_json
    from tbp.comparison.junit import junit
    from tbp.comparison.markdown import markdown
    from tbp.model.changes import State
    from tbp.wording.comparison_summary import exit_code

    printed = False
    for path, form in ((wanted.json, to_json), (wanted.markdown, markdown), (wanted.junit, junit)):
        if path == STDOUT:
            sys.stdout.write(form(comparison))
            printed = True
        elif path is not None:
            write_file(path, form(comparison))
    if not printed:
        sys.stdout.write(_table(comparison, wanted.verbose))
    undecided = len(comparison.of(State.UNDECIDED))
    if undecided and not wanted.strict:
        print(f"tbp: {undecided:,} undecided, which --strict would tell in the exit code", file=sys.stderr)
    code = exit_code(comparison, wanted.strict)
    is_verdict = code in (ExitCode.REGRESSION, ExitCode.UNDECIDED)
    return ExitCode.OK if wanted.exit_zero and is_verdict else code


def _table(comparison: Comparison, verbose: bool) -> str:
    from tbp.comparison.table import table

    is_terminal = sys.stdout.isatty()
    # https://no-color.org
    return table(
        comparison, verbose=verbose, colour=is_terminal and not os.environ.get("NO_COLOR"), width=terminal_width()
    )


def terminal_width() -> int:
    """Characters in a line of the terminal, or WIDTH_OF_NO_TERMINAL."""
    return shutil.get_terminal_size((WIDTH_OF_NO_TERMINAL, 24)).columns


def write_file(path: Path, text: str) -> None:
    """Raises UsageError where ``path`` cannot be written."""
    try:
        path.write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}; name another file") from None
