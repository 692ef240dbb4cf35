"""Forms to files and to stdout, the terminal's width and colours, and exit codes: what verbs do with their results."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from tbp.commands.options import STDOUT
from tbp.errors import ExitCode, UsageError
from tbp.system.printing import say, show, warn
from tbp.system.whole_files import write_whole

if TYPE_CHECKING:
    from tbp.model.comparison import Comparison
    from tbp.nightly.exchange import Exchange
    from tbp.nightly.sharing import Exchanged
    from tbp.report.site.terminal import ReportSummary

# Where stdout is no terminal, such as a log of CI: names need not be cut much.
WIDTH_OF_NO_TERMINAL = 120

Forms = Mapping[str, tuple[Path | None, Callable[[], str]]]
"""Flag of a form → its file, STDOUT or None where it is not wanted, and what makes its text."""


class ComparisonOutput(Struct, frozen=True):
    """The forms in which a comparison is wanted, and what decides its exit code."""

    json: Path | None
    markdown: Path | None
    junit: Path | None
    svg: Path | None
    strict: bool
    verbose: bool
    exit_zero: bool

    @classmethod
    def of(cls, options: argparse.Namespace) -> ComparisonOutput:
        """The output that ``add_comparison_options`` asks for; to be made before anything is measured.

        Raises:
            UsageError: two forms would go to stdout, or a file into a folder there is none of.
        """
        forms = ("json", "markdown", "junit", "svg")
        require_writable({f"--{form}": getattr(options, form) for form in forms})
        return cls(**{name: getattr(options, name) for name in cls.__struct_fields__})


def require_writable(files: Mapping[str, Path | None]) -> None:
    """Raises UsageError where two of ``files``, by flag, go to stdout, or one into a folder there is none of."""
    *flags, last = [flag for flag, path in files.items() if path == STDOUT] or [""]
    if flags:
        raise UsageError(f"only one of {', '.join(flags)} and {last} can go to stdout: give the other a FILE")
    for path in files.values():
        if path is not None and not path.parent.is_dir():
            raise UsageError(f"cannot write {path}: there is no folder {path.parent}; make it first")


def write_comparison(comparison: Comparison, output: ComparisonOutput) -> ExitCode:
    """Writes the forms, or the table to stdout, and gives the exit code.

    Raises:
        UsageError: a file cannot be written.
    """
    from tbp.comparison.json_form import to_json
    from tbp.comparison.junit import junit
    from tbp.comparison.markdown import markdown
    from tbp.comparison.svg import svg
    from tbp.comparison.table import table
    from tbp.model.changes import State
    from tbp.wording.phrases import exit_code

    forms: Forms = {
        "--json": (output.json, lambda: to_json(comparison)),
        "--markdown": (output.markdown, lambda: markdown(comparison)),
        "--junit": (output.junit, lambda: junit(comparison)),
        "--svg": (output.svg, lambda: svg(comparison)),
    }
    width, colour = terminal_width(), has_colours()
    write_forms(forms, lambda: table(comparison, verbose=output.verbose, colour=colour, width=width))
    undecided = len(comparison.of(State.UNDECIDED))
    if undecided and not output.strict:
        warn(f"tbp: {undecided:,} undecided, which --strict would tell in the exit code")
    return forgiven(exit_code(comparison, output.strict), output.exit_zero)


def write_forms(forms: Forms, otherwise: Callable[[], str]) -> None:
    """Writes each form to its file, and prints the one for stdout; ``otherwise`` makes what is printed without one.

    Raises:
        UsageError: a file cannot be written.
    """
    printed = otherwise
    for path, form in forms.values():
        if path == STDOUT:
            printed = form
        elif path is not None:
            write_file(path, form())
    show(printed())


def write_file(path: Path, text: str) -> None:
    """Writes a file that appears whole; what is no plain file, such as /dev/stderr or a pipe, is written to.

    Raises:
        UsageError: ``path`` cannot be written.
    """
    content = text.encode("utf-8", "replace")
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(content)
        else:
            write_whole(path.resolve(), content)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}; name another file") from None


def exchange_results(options: argparse.Namespace, act: Callable[[Exchange], Exchanged]) -> ExitCode:
    """Lets the results folder and its data branch exchange files by ``act``; prints which, or writes them as JSON.

    Raises:
        UsageError: a file cannot be written, or the configuration cannot be read.
        RunFailed: the remote cannot be reached or refuses; nothing is lost then.
    """
    from tbp.nightly.data_branch import account, account_as_json, shared_with
    from tbp.nightly.night_lock import only_night
    from tbp.project.asv_config import read_config

    require_writable({"--json": options.json})
    config = read_config(options.config)
    exchange = shared_with(config, options.data)
    with only_night(config.results_dir):
        exchanged = act(exchange)
    warn(*(f"tbp: {note}" for note in exchanged.notes))
    forms: Forms = {"--json": (options.json, lambda: account_as_json(exchange, exchanged))}
    write_forms(forms, lambda: f"{account(exchange, exchanged)}\n")
    return ExitCode.OK


def say_waiting() -> None:
    """Says on stderr that another report is waited for."""
    warn("tbp: another report is being written to this folder; this one begins when it has ended")


def print_summary(summary: ReportSummary) -> None:
    """Prints the lines of a report, and its problems on stderr."""
    warn(*(f"tbp: {problem}" for problem in summary.problems))
    say(*summary.lines)


def forgiven(code: ExitCode, exit_zero: bool) -> ExitCode:
    """``code``; with ``exit_zero`` OK in place of a verdict, which a fault is not."""
    is_verdict = code in (ExitCode.REGRESSION, ExitCode.UNDECIDED)
    return ExitCode.OK if exit_zero and is_verdict else code


def verdict_code(is_regressed: bool, is_measured: bool, exit_zero: bool) -> ExitCode:
    """REGRESSION where there is one, unless ``exit_zero`` keeps it out; else NOTHING_MEASURED where nothing was."""
    if is_regressed:
        return forgiven(ExitCode.REGRESSION, exit_zero)
    if not is_measured:
        warn("tbp: nothing was measured; the reasons are on the pages of the benchmarks")
        return ExitCode.NOTHING_MEASURED
    return ExitCode.OK


def terminal_width() -> int:
    """Characters in a line of the terminal, or WIDTH_OF_NO_TERMINAL."""
    return shutil.get_terminal_size((WIDTH_OF_NO_TERMINAL, 24)).columns


def has_colours() -> bool:
    """True where stdout is a terminal with colours and neither NO_COLOR nor TERM=dumb speaks against them."""
    from rich.console import Console

    console = Console()
    return console.color_system is not None and not console.no_color
