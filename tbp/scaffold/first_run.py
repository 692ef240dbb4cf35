"""The first benchmark, measured for real: asv runs it on the newest commit and keeps the result.

It shows that all works: asv, the environment, the checkout, and the suite. Takes a configuration and a benchmark, gives
its value.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from msgspec import Struct

from tbp.asv.failures import failures
from tbp.asv.passed_environment import passed_on
from tbp.asv.results import read_results
from tbp.asv.runner import require_asv, run_asv, run_commits
from tbp.errors import NothingMeasured, RunFailed
from tbp.project.asv_config import AsvConfig
from tbp.project.policy import read_policy
from tbp.wording.words import quantity


class FirstValue(Struct, frozen=True):
    """The value of the first benchmark, in words: ``pluralize.time_pluralize: 1.2 µs``; empty where it has none."""

    text: str
    is_skipped: bool = False  # the commit lacks what it times
    failure: tuple[str, ...] = ()  # lines on why it failed


def measured(config: AsvConfig, benchmark: str, commit: str, heard: Callable[[str], None]) -> FirstValue:
    """Measures ``benchmark`` of ``commit`` with asv.

    Raises:
        UsageError: asv, or virtualenv, is not installed.
        RunFailed: asv did not run.
    """
    require_asv("virtualenv")
    environment = passed_on(os.environ, read_policy(config.policy_file).pass_environment)
    # Without a description of the machine, asv would ask for one.
    run_asv(
        ["machine", "--yes", "--config", config.path.name], config.path.parent, environment=environment, heard=heard
    )
    ran = run_commits(
        config.path,
        [commit],
        bench=[f"^{re.escape(benchmark)}"],
        options=["--record-samples", "--show-stderr"],
        environment=environment,
        heard=heard,
    )
    if ran.some_failed:
        return FirstValue(benchmark, failure=tuple(failures(config.results_dir, [commit])))
    return _value(config, benchmark, commit)


def _value(config: AsvConfig, benchmark: str, commit: str) -> FirstValue:
    try:
        frame = read_results(config.results_dir).frame
    except NothingMeasured as error:
        raise RunFailed(f"asv stored no result: {error}") from None
    rows = frame[(frame["benchmark"] == benchmark) & (frame["commit"] == commit)]
    values = rows[rows["value"].notna()]
    if values.empty:
        return FirstValue(benchmark, is_skipped=True)
    row = values.iloc[0]
    cell = ", ".join(f"{name}={value}" for name, value in row["parameters"])
    shown = f"{benchmark} ({cell})" if cell else benchmark
    return FirstValue(f"{shown}: {quantity(float(row['value']), str(row['unit']))}")
