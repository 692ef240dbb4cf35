"""The settings of a project for its verdicts: ``[tool.tbp]`` in its pyproject.toml.

    [tool.tbp]
    relevant = 0.05               # alert from 5 % on; smaller changes stay suspect
    stale_days = 30               # a machine silent for longer than the others is stale
    false_discovery_rate = 0.05   # expected share of false changes among those of a report
    paired_budget = 10            # minutes that `tbp nightly` spends on pairs of processes; 0: none
    keep_traces_of_newest_runs = 10   # raw traces that `tbp trace prune` keeps, besides those around changes
    claims = "docs/claims.toml"   # the file of claims, unless it is claims.toml beside the benchmarks
    pass_environment = ["MY_DATA", "MYLIB_*"]   # what benchmarks get besides the list of docs/explanation/security.md
    [tool.tbp.better]
    "track_metric$" = "lower"     # regular expression, searched in the benchmark's name → better direction
    [tool.tbp.names]
    '^request_\\d+$' = "request"   # regular expression, searched in an operator's name → the text to compare
    '^graph_\\w+$' = "graph {n}"   # {n}: the different ones of a trace are numbered, not made one
    [tool.tbp.machines]
    "^fv-az" = "hosted {processor}"   # regular expression, searched in a machine's identifier → its name

Takes the file, gives a ``Policy``; ``tbp.history`` applies its numbers, ``tbp.traces`` its names, ``tbp.asv`` those of
its machines.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from tbp.errors import UsageError
from tbp.project.machine_rules import MachineRule, machine_rule
from tbp.project.patterns import compiled, finds
from tbp.project.toml_file import read_toml
from tbp.wording.words import MOST_SHOWN, shortened, value_text

if TYPE_CHECKING:
    from tbp.model.series import Better
    from tbp.traces.calls.names import NameRule

KEYS = (
    "better", "names", "relevant", "stale_days", "false_discovery_rate", "keep_traces_of_newest_runs", "paired_budget",
    "pass_environment", "machines", "claims",
)  # fmt: skip
MOST_COUNT = 1_000_000_000  # runs; nobody has as many, and Python writes no number of more than 4,300 digits
MOST_PATH = 1_000  # characters; Linux takes 4,096 bytes
# "*" alone would pass every token.
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[A-Za-z_][A-Za-z0-9_]{2,}\*")


class Policy(Struct, frozen=True):
    """The settings of one project; the defaults hold where it sets nothing."""

    better: tuple[tuple[re.Pattern[str], Better], ...] = ()  # the first pattern found in a benchmark's name decides
    names: tuple[NameRule, ...] = ()  # of operators, applied before tbp's own (tbp/traces/calls/names.py)
    # Smallest relative change to alert about, 0.05 is 5 %. 0: every change that the detector confirms, which is at
    # least 1 % in a long series and 5 % in a short one.
    relevant: float = 0.0
    stale_days: float = 30.0  # a machine that nightly jobs left out for a month is not merely late
    false_discovery_rate: float = (
        0.05  # the usual choice; docs/explanation/change-points.md has what it costs and saves
    )
    # Minutes of a night. Four pairs of each of 100 benchmarks and fresh pairs of a few take about ten on two cores.
    paired_budget: float = 10.0
    # Of each series. A choice: traces opened in a viewer are recent ones, and the report needs operator tables only.
    keep_traces_of_newest_runs: int = 10
    pass_environment: tuple[str, ...] = ()  # names, or beginnings of names with a star behind them
    machines: tuple[MachineRule, ...] = ()  # the first pattern found in a machine's identifier decides
    claims: str = ""  # path of the claims file, from the folder of asv.conf.json; empty: beside the benchmarks

    def direction(self, benchmark: str) -> Better | None:
        """The better direction of ``benchmark`` that the project sets; None where it sets none."""
        return next((better for pattern, better in self.better if finds(pattern, benchmark)), None)


def read_policy(path: Path) -> Policy:
    """The policy in the pyproject.toml at ``path``; the default one without such a file or table.

    Raises:
        UsageError: the file cannot be read, or the table has an unknown key or a value that is not allowed.
    """
    content = read_toml(path)
    if content is None:
        return Policy()
    tools = content.get("tool")
    table = tools.get("tbp", {}) if isinstance(tools, dict) else {}
    if not isinstance(table, dict):
        raise UsageError(f"{path}: [tool.tbp] must be a table, not {value_text(table)}")
    unknown = sorted(set(table) - set(KEYS))
    if unknown:
        name = shortened(unknown[0], MOST_SHOWN)
        raise UsageError(f"{path}: [tool.tbp] has no key {name}; the keys are {', '.join(KEYS)}")
    otherwise = Policy()
    return Policy(
        better=_better(path, table.get("better", {})),
        names=_names(path, table.get("names", {})),
        relevant=_number(path, table, "relevant", otherwise.relevant, most=1.0),
        stale_days=_number(path, table, "stale_days", otherwise.stale_days, most=float("inf")),
        false_discovery_rate=_number(path, table, "false_discovery_rate", otherwise.false_discovery_rate, most=1.0),
        paired_budget=_number(path, table, "paired_budget", otherwise.paired_budget, most=float("inf")),
        keep_traces_of_newest_runs=_count(
            path, table, "keep_traces_of_newest_runs", otherwise.keep_traces_of_newest_runs
        ),
        pass_environment=_variables(path, table.get("pass_environment", [])),
        machines=_machines(path, table.get("machines", {})),
        claims=_path(path, table.get("claims", "")),
    )


def _better(path: Path, table: object) -> tuple[tuple[re.Pattern[str], Better], ...]:
    from tbp.model.series import Better

    if not isinstance(table, dict):
        shown = value_text(table)
        raise UsageError(f"{path}: [tool.tbp.better] must be a table of regular expression = direction, not {shown}")
    known = []
    for pattern, direction in table.items():
        if direction not in (Better.LOWER.value, Better.HIGHER.value):
            shown = f'{value_text(pattern)} must be "lower" or "higher", not {value_text(direction)}'
            raise UsageError(f"{path}: [tool.tbp.better] {shown}")
        known.append((compiled(pattern, f"{path}: [tool.tbp.better]"), Better(direction)))
    return tuple(known)


def _names(path: Path, table: object) -> tuple[NameRule, ...]:
    if not isinstance(table, dict):
        shown = value_text(table)
        raise UsageError(f"{path}: [tool.tbp.names] must be a table of regular expression = text, not {shown}")
    from tbp.project.name_rules import MOST_RULES, name_rule

    if len(table) > MOST_RULES:
        raise UsageError(f"{path}: [tool.tbp.names] has {len(table)} rules, and at most {MOST_RULES} are applied")
    return tuple(name_rule(f"{path}: [tool.tbp.names]", *item) for item in table.items())


def _machines(path: Path, table: object) -> tuple[MachineRule, ...]:
    if not isinstance(table, dict):
        shown = value_text(table)
        raise UsageError(f"{path}: [tool.tbp.machines] must be a table of regular expression = name, not {shown}")
    return tuple(machine_rule(f"{path}: [tool.tbp.machines]", *item) for item in table.items())


def _number(path: Path, table: Mapping[str, object], key: str, default: float, most: float) -> float:
    value = table.get(key, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= most:
        limit = "" if most == float("inf") else f" and at most {most:g}, where 0.05 is 5 %"
        raise UsageError(f"{path}: [tool.tbp] {key} must be a number of at least 0{limit}, not {value_text(value)}")
    return float(value) if value <= sys.float_info.max else math.inf


def _count(path: Path, table: Mapping[str, object], key: str, default: int) -> int:
    value = table.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_COUNT:
        limit = f"at least 0 and at most {MOST_COUNT:,}"
        raise UsageError(f"{path}: [tool.tbp] {key} must be a whole number of {limit}, not {value_text(value)}")
    return value


def _path(path: Path, name: object) -> str:
    if not isinstance(name, str) or len(name) > MOST_PATH or not name.isprintable():
        raise UsageError(f"{path}: [tool.tbp] claims must be the path of a file, not {value_text(name)}")
    return name


def _variables(path: Path, names: object) -> tuple[str, ...]:
    if not isinstance(names, list):
        shown = value_text(names)
        raise UsageError(f"{path}: [tool.tbp] pass_environment must be a list of names of variables, not {shown}")
    for name in names:
        if not isinstance(name, str) or not _VARIABLE.fullmatch(name):
            shown = f"{value_text(name)}: write the name of a variable, or at least three characters of its beginning"
            raise UsageError(f"{path}: [tool.tbp] pass_environment has {shown} and a star")
    return tuple(names)
