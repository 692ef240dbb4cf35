"""``tbp check``: the files in which a project sets tbp up, checked without measuring anything."""

from __future__ import annotations

import argparse
from pathlib import Path

from tbp.commands.options import add_config_option
from tbp.errors import ExitCode
from tbp.system.printing import say

HELP = "find faults in asv.conf.json, [tool.tbp], acks.toml and claims.toml, and measure nothing"
EXAMPLES = (
    ("the files of the project in this folder", "tbp check"),
    ("some files, as a hook of pre-commit names them", "tbp check asv.conf.json pyproject.toml reports/acks.toml"),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    meaning = "asv.conf.json, pyproject.toml, acks.toml or claims.toml (default: those of the project in this folder)"
    parser.add_argument("files", type=Path, nargs="*", metavar="FILE", help=meaning)
    add_config_option(parser)


def run(options: argparse.Namespace) -> ExitCode:
    """Returns 2 where there is a fault."""
    from tbp.project.asv_config import DEFAULT_NAMES, default_path, read_config
    from tbp.project.faults import faults, faults_of, files_of
    from tbp.wording import words

    paths = options.files
    if not paths:
        config = options.config or default_path() or Path(DEFAULT_NAMES[0])
        unreadable = faults_of(config)
        paths = [config, *(() if unreadable else files_of(read_config(config)))]
    known = faults(paths)
    if not known:
        say(f"no fault in {', '.join(map(str, paths))}")
        return ExitCode.OK
    say(*map(str, known), f"{words.count(len(known), 'fault')}; nothing was measured")
    return ExitCode.USAGE
