"""Parts of the docs that are made from the code when the site is built, so that they are never out of date.

Takes the parser of the command line and the settings, gives Markdown. ``GENERATED`` has the marker that stands in a
page for each part.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from tbp.cli import parser


def verbs() -> str:
    """A section for each verb of ``tbp``: its use, its arguments and options with their defaults, its examples."""
    return "\n".join(_verb(words, subparser) for words, subparser in parsers(parser()))


def parsers(top: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Each verb, as it is typed behind ``tbp``, with its parser; those of a group follow its first one."""
    for action in top._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, subparser in action.choices.items():
                deeper = list(parsers(subparser))
                yield from ((f"{name} {words}", below) for words, below in deeper)
                if not deeper:
                    yield name, subparser


def _verb(words: str, subparser: argparse.ArgumentParser) -> str:
    usage = " ".join(subparser.format_usage().removeprefix("usage: ").split())
    text = f"## tbp {words}\n\n{_prose(subparser.description or '')}\n\n```text\n{usage}\n```\n"
    actions = [action for action in subparser._actions if not isinstance(action, argparse._HelpAction)]
    rows = [_row(action, subparser) for action in actions if action.help != argparse.SUPPRESS]
    if rows:
        text += "\n| argument or option | meaning |\n| --- | --- |\n" + "\n".join(rows) + "\n"
    if subparser.epilog:
        text += f"\n```text\n{subparser.epilog.strip()}\n```\n"
    return text


def _row(action: argparse.Action, subparser: argparse.ArgumentParser) -> str:
    value = "" if action.nargs == 0 else subparser._get_formatter()._format_args(action, _value_name(action))
    names = [f"{name} {value}".strip() for name in action.option_strings] or [value]
    meaning = _prose(subparser._get_formatter()._expand_help(action))
    if _has_default(action) and "default" not in meaning:
        meaning += f" (default: {action.default})"
    return f"| {', '.join(f'`{_cell(name)}`' for name in names)} | {_cell(meaning)} |"


def _value_name(action: argparse.Action) -> str:
    if action.choices and not action.metavar:
        return "{" + ",".join(str(choice) for choice in action.choices) + "}"
    return action.dest.upper() if action.option_strings else action.dest


def _has_default(action: argparse.Action) -> bool:
    return bool(action.option_strings) and action.default not in (None, False, "", [], argparse.SUPPRESS)


def _prose(text: str) -> str:
    """Help as Markdown: what Markdown could take for a mark stands as it is."""
    joined = " ".join(text.split())
    return "".join(f"\\{character}" if character in "*_<>[]`#\\$" else character for character in joined)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


GENERATED = {"<!-- generated: every verb -->": verbs}
