"""Parts of the docs that are made from the code when the site is built, so that they are never out of date.

Takes the parser of the command line and the settings, gives Markdown. ``GENERATED`` has the marker that stands in a
page for each part.
"""

from __future__ import annotations

import argparse
import json
import textwrap
from collections.abc import Iterator
from importlib import import_module
from importlib.resources import files
from typing import Any

from tbp.cli import AIMS, VERBS, parser

WIDTH = 100  # characters of a line of code: more would be scrolled on a laptop


def verbs() -> str:
    """A section for each verb: its aim, its use, its examples, its arguments and options with their defaults."""
    known = dict(parsers(parser()))
    return "\n".join(
        f"## To {aim}\n\n" + "\n".join(_verb(words, known[words]) for words in grouped) for aim, grouped in AIMS.items()
    )


def parsers(top: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Each verb, as it is typed behind ``tbp``, with its parser."""
    for action in top._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, subparser in action.choices.items():
                deeper = list(parsers(subparser))
                yield from ((f"{name} {words}", below) for words, below in deeper)
                if not deeper:
                    yield name, subparser


def _verb(words: str, subparser: argparse.ArgumentParser) -> str:
    command = import_module(f"tbp.commands.{VERBS[words]}")
    usage = " ".join(subparser.format_usage().removeprefix("usage: ").split())
    wrapped = "\n".join(
        textwrap.wrap(usage, WIDTH, subsequent_indent="    ", break_on_hyphens=False, break_long_words=False)
    )
    examples = "\n\n".join(
        "\n".join([*(f"# {line}" for line in textwrap.wrap(aim, WIDTH)), line]) for aim, line in command.EXAMPLES
    )
    actions = [action for action in subparser._actions if not isinstance(action, argparse._HelpAction)]
    rows = [_row(action, subparser) for action in actions if action.help != argparse.SUPPRESS]
    table = "\n".join(["| argument or option | meaning |", "| --- | --- |", *rows]) if rows else ""
    blocks = (f"### tbp {words}", _prose(command.HELP).capitalize() + ".", f"```text\n{wrapped}\n```",
              f"```sh\n{examples}\n```", table)  # fmt: skip
    return "\n\n".join(block for block in blocks if block) + "\n"


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


def schemas() -> str:
    """A section for each JSON Schema of ``tbp.schemas`` that is of JSON: a row for each field, at any depth."""
    sections = []
    for path in sorted(files("tbp.schemas").iterdir(), key=lambda path: path.name):
        if path.name.endswith(".json") and path.name not in OF_TOML:
            schema = json.loads(path.read_text("utf-8"))
            rows = list(dict.fromkeys(_fields(schema, "")))
            head = f"## {path.name.removesuffix('.json')}\n\n{_prose(schema['title'])}."
            sections.append("\n".join([f"{head}\n", "| field | type | meaning |", "| --- | --- | --- |", *rows]))
    return "\n\n".join(sections) + "\n"


OF_TOML = ("acks.json", "policy.json")  # files that a project writes, and that have pages of their own


def _fields(schema: dict[str, Any], path: str) -> Iterator[str]:
    """A row for each field below ``path``: of an object, of the items of a list, and of each choice."""
    for choice in (*schema.get("oneOf", ()), *schema.get("anyOf", ())):
        yield from _fields(choice, path)
    for name, field in schema.get("properties", {}).items():
        inside = f"{path}.{name}".lstrip(".")
        yield f"| `{inside}` | {_cell(_type(field))} | {_cell(_prose(field.get('description', '')))} |"
        yield from _fields(field, inside)
    for of_many in ("items", "additionalProperties"):
        if isinstance(schema.get(of_many), dict):
            yield from _fields(schema[of_many], f"{path}[]")


def _type(field: dict[str, Any]) -> str:
    if "const" in field:
        return f"`{json.dumps(field['const'])}`"
    if "enum" in field:
        return ", ".join(f"`{json.dumps(value, ensure_ascii=False)}`" for value in field["enum"])
    choices = [_type(choice) for choice in (*field.get("oneOf", ()), *field.get("anyOf", ()))]
    if choices:
        return " or ".join(dict.fromkeys(choices))
    kind = field.get("type", "any")
    if kind == "array" and isinstance(field.get("items"), dict):
        return f"list of {_type(field['items'])}"
    return field.get("format", "") or (" or ".join(kind) if isinstance(kind, list) else str(kind))


GENERATED = {"<!-- generated: every verb -->": verbs, "<!-- generated: every schema -->": schemas}
