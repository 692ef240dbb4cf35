"""The command line: its parser, and the table of verbs.

Each verb is one module of ``tbp.commands`` with ``HELP``, ``EXAMPLES``, ``add_options(parser)`` and ``run(options)``,
which loads, analyses, renders and writes. Those modules import what is heavy when they run, so that help comes at once.
Results go to stdout, progress and warnings to stderr. Exit codes are ``tbp.errors.ExitCode``.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from functools import partial
from importlib import import_module
from typing import Any, NoReturn

from tbp import __version__
from tbp.errors import ExitCode
from tbp.system.foreign_text import line_of
from tbp.system.printing import warn

# Aim of a user → the verbs for it, each with its module in tbp.commands. A verb of two words belongs to a group.
AIMS = {
    "begin": {
        "init": "init",
        "demo": "demo",
        "check": "check",
        "doctor": "doctor",
        "selftest": "selftest",
    },
    "see which commit made what slower": {
        "report": "report",
        "compare": "compare",
        "claims": "claims",
        "hotspots": "hotspots",
        "export": "export",
    },
    "keep the history of many machines": {
        "ingest": "ingest",
        "sql": "sql",
    },
    "measure": {
        "gate": "gate",
        "bisect": "bisect",
        "nightly": "nightly",
        "data pull": "data_pull",
        "data push": "data_push",
    },
    "look after what was found": {
        "notify": "notify",
        "ack": "acknowledge",
        "trace prune": "prune",
    },
    "in a job of GitHub or GitLab": {
        "ci gate": "ci_gate",
        "ci comment": "ci_comment",
    },
    "serve shells, editors and programs": {
        "completion": "completion",
        "schema": "schema",
    },
}
GROUPS = {
    "ci": "what a job on a pull or merge request runs",
    "data": "the branch on which runners share results",
    "trace": "what is kept of the traces beside asv's results",
}
VERBS = {verb: module for verbs in AIMS.values() for verb, module in verbs.items()}

SUMMARY = "Which commit made what slower, by how much, how sure that is, and which operator did it."
EXAMPLES = (
    ("begin in this repository: a first benchmark over its own code (or see a sample: tbp demo)", "tbp init"),
    ("a site of asv's results, which says what became slower, and since which commit", "tbp report"),
    ("is this branch slower than main? Both are measured in turns", "tbp gate main HEAD"),
)
EXIT_CODES = """exit codes:
  0  no confirmed regression        4  nothing measured, or benchmarks failed
  2  usage, configuration or input  5  something is undecided (bisect, or --strict)
  3  confirmed regression          130  interrupted, no regression confirmed
"""
NARROWEST = 30  # characters of a line of help: what is left in a very narrow terminal


class Parser(argparse.ArgumentParser):
    """Names a bad argument in one line: it may be the name of somebody's branch."""

    def __init__(self, **settings: Any) -> None:
        if sys.version_info >= (3, 14):  # whose colours would be shown as text: all that tbp prints is guarded
            settings.setdefault("color", False)
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, **settings)

    def error(self, message: str) -> NoReturn:
        super().error(line_of(message))


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Returns the options on the command line; ``verb`` among them is the function to run."""
    if arguments[:1] == ["help"]:
        arguments = [*arguments[1:], "--help"]
    top = parser()
    if "_ARGCOMPLETE" in os.environ:  # a shell asks what could come next
        from tbp.commands.completers import complete

        complete(top)
    _require_verb(top, arguments)
    return top.parse_args(arguments)


def parser() -> Parser:
    """The parser of all verbs; its options have their ``verb``."""
    top = Parser(prog="tbp", usage="tbp VERB …", description=_overview(), epilog=EXIT_CODES)
    top.add_argument("--version", action="version", version=f"tbp {__version__}")
    parents = {"": top}
    menus = {"": _menu(top, help=argparse.SUPPRESS)}
    for words, module in VERBS.items():
        group, _, name = words.rpartition(" ")
        if group not in menus:
            parents[group] = menus[""].add_parser(group, help=GROUPS[group], description=GROUPS[group])
            menus[group] = _menu(parents[group], title="verbs")
        command = import_module(f"tbp.commands.{module}")
        description = "\n".join(_wrapped(command.HELP, ""))
        verb = menus[group].add_parser(
            name, help=command.HELP, description=description, epilog=examples(command.EXAMPLES)
        )
        verb.set_defaults(verb=command.run)
        command.add_options(verb)
    return top


def examples(examples: Iterable[tuple[str, str]]) -> str:
    """The lines of a help on them: what each does, and below it the command line."""
    lines = [line for aim, command in examples for line in (*_wrapped(aim, "  # "), f"  {command}", "")]
    return "\n".join(["examples:", *lines[:-1]])


def _menu(parent: Parser, **settings: Any) -> argparse._SubParsersAction[Parser]:
    """The verbs below ``parent``; without one of them, its help is shown."""
    parent.set_defaults(verb=partial(_without_verb, parent))
    return parent.add_subparsers(prog=parent.prog, metavar="VERB", **settings)


def _without_verb(parent: Parser, options: argparse.Namespace) -> ExitCode:
    """Shows the help of ``parent`` on stderr; no command that decides nothing may end as one that finds no fault."""
    warn(*parent.format_help().splitlines())
    return ExitCode.USAGE


def _require_verb(top: Parser, arguments: Sequence[str]) -> None:
    """Ends with an error that names the nearest verb, where the first words are none of them."""
    known = {verb.partition(" ")[0] for verb in VERBS}
    if arguments[:1] and arguments[0] in GROUPS:
        known, arguments = {verb for verb in VERBS if " " in verb}, [" ".join(arguments[:2]), *arguments[1:]]
    name = next(iter(arguments), "-")
    if name in known or name in GROUPS or name.rpartition(" ")[2].startswith("-"):
        return
    from difflib import get_close_matches

    nearest = get_close_matches(name, sorted(known), 1)
    hint = f"did you mean `tbp {nearest[0]}`?" if nearest else "`tbp help` lists them"
    top.exit(ExitCode.USAGE, f"tbp: there is no verb {line_of(name)}: {hint}\n")


def _overview() -> str:
    """Examples, and every verb by the aim that it is for."""
    blocks = ["\n".join(_wrapped(SUMMARY, "")), examples(EXAMPLES)]
    indent = max(map(len, VERBS)) + 4
    for aim, verbs in AIMS.items():
        lines = []
        for verb, module in verbs.items():
            first, *rest = _wrapped(import_module(f"tbp.commands.{module}").HELP, " " * indent)
            lines += [f"  {verb}".ljust(indent) + first.lstrip(), *rest]
        blocks.append("\n".join([f"{aim}:", *lines]))
    return "\n\n".join([*blocks, "`tbp help VERB` has the options of a verb, and examples."])


def _wrapped(text: str, indent: str) -> list[str]:
    """The lines of ``text`` in the width that argparse gives its own."""
    import shutil
    from textwrap import wrap

    width = max(shutil.get_terminal_size().columns - 2, len(indent) + NARROWEST)
    return wrap(text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
