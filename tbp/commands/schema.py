"""``tbp schema``: the JSON Schema of a file that tbp writes or reads."""

from __future__ import annotations

import argparse

from tbp.errors import ExitCode
from tbp.system.printing import show

HELP = "print the JSON Schema of what tbp writes or reads, for programs and editors"
EXAMPLES = (
    ("the names of all of them", "tbp schema"),
    ("of what `tbp gate --json` writes", "tbp schema comparison"),
    ("of acks.toml, for an editor that completes it", "tbp schema acks"),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    meaning = "which one (default: list them)"
    parser.add_argument("name", nargs="?", default="", metavar="NAME", help=meaning)


def run(options: argparse.Namespace) -> ExitCode:
    """Returns 0 when it is printed."""
    import json
    from importlib.resources import files

    from tbp.errors import UsageError

    texts = {
        path.name.removesuffix(".json"): path.read_text("utf-8")
        for path in files("tbp.schemas").iterdir()
        if path.name.endswith(".json")
    }
    if options.name and options.name not in texts:
        raise UsageError(f"there is no schema {options.name}; there are {', '.join(sorted(texts))}")
    titles = {name: json.loads(text)["title"] for name, text in texts.items()}
    width = max(map(len, titles)) + 2
    show(texts.get(options.name) or "".join(f"{name.ljust(width)}{titles[name]}\n" for name in sorted(titles)))
    return ExitCode.OK
