"""``tbp check``: the files in which a project sets tbp up, checked without measuring anything."""

from __future__ import annotations

import argparse
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
    from tbp.project.asv_config import DEFAULT_NAMES, default_path, read_config
    from tbp.project.faults import faults, faults_of, files_of
    from tbp.wording import words

    paths, read = options.files, None
    if not paths:
        config = options.config or default_path() or Path(DEFAULT_NAMES[0])
        read = None if faults_of(config) else read_config(config)
        paths = [config, *(files_of(read) if read is not None else ())]
    known = faults(paths)
    if not known:
        say(f"no fault in {', '.join(map(str, paths))}", *(_hints(read) if read is not None else ()))
        return ExitCode.OK
    say(*map(str, known), f"{words.count(len(known), 'fault')}; nothing was measured")
    return ExitCode.USAGE


def _hints(config: AsvConfig) -> list[str]:
    """A sentence on a pool of runners that no rule gives a name, told from the names of files."""
    from tbp.asv.machine_folders import machine_folders
    from tbp.history.lone_machines import pool_of
    from tbp.project.machine_rules import rule_of
    from tbp.project.policy import read_policy

    rules = read_policy(config.policy_file).machines
    folders = machine_folders(config.results_dir)
    ruled = {machine for machine in folders.commits if rule_of(rules, machine) is not None}
    pool = pool_of(folders.commits, folders.facts, ruled)
    return [f"hint: {pool.sentence}"] if pool is not None else []
