"""``tbp check``: the files in which a project sets tbp up, checked without measuring anything."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tbp.commands.options import add_config_option
from tbp.errors import ExitCode
from tbp.system.printing import say

if TYPE_CHECKING:
    from tbp.project.asv_config import AsvConfig

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
    from tbp.project.asv_config import required_path
    from tbp.project.faults import faults, files_of, readable
    from tbp.wording import words

    paths, read = options.files, None
    if not paths:
        path = required_path(options.config)
        read = readable(path)
        paths = [path, *(files_of(read) if read is not None else ())]
    known = faults(paths)
    if not known:
        hints = _hints(read) if read is not None else ()
        say(f"no fault in {', '.join(map(str, paths))}", *(f"hint: {hint}" for hint in hints))
        return ExitCode.OK
    say(*map(str, known), f"{words.count(len(known), 'fault')}; nothing was measured")
    return ExitCode.USAGE


def _hints(config: AsvConfig) -> Iterator[str]:
    """Sentences on what no verb refuses: keys, folders and patterns of no effect, a pool of runners without a name.

    Of the results only benchmarks.json is read, and the names of files.
    """
    from tbp.asv.declarations import declarations
    from tbp.asv.machine_folders import machine_folders
    from tbp.history.lone_machines import pool_of
    from tbp.project.config_faults import config_hints
    from tbp.project.idle_patterns import idle_patterns
    from tbp.project.machine_rules import rule_of
    from tbp.project.policy import read_policy

    yield from config_hints(config)
    policy, folders = read_policy(config.policy_file), machine_folders(config.results_dir)
    benchmarks = declarations(config.results_dir / "benchmarks.json", [])
    yield from idle_patterns(policy, benchmarks, folders.commits)
    ruled = {machine for machine in folders.commits if rule_of(policy.machines, machine) is not None}
    pool = pool_of(folders.commits, folders.facts, ruled)
    if pool is not None:
        yield pool.sentence
