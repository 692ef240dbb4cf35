"""``tbp trace prune``: the raw traces of old runs make room, their operator tables stay."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from tbp.commands.options import add_results_options, find_config
from tbp.errors import ExitCode
from tbp.system.printing import say, warn

if TYPE_CHECKING:
    from pathlib import Path

    from tbp.history.kept_traces import PrunePlan
    from tbp.project.asv_config import AsvConfig
    from tbp.project.policy import Policy
    from tbp.traces.pruned import Pruned

HELP = "replace raw traces of old runs by their operator tables; says what it would do unless --apply is given"
EXAMPLES = (
    ("how much room old traces take, and which would go", "tbp trace prune"),
    ("replace them by their operator tables", "tbp trace prune --apply"),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    add_results_options(parser)
    parser.add_argument("--apply", action="store_true", help="do it")


def run(options: argparse.Namespace) -> ExitCode:
    """Returns 0, and 2 when a trace that should go had to stay."""
    from tbp.project.asv_config import configuration
    from tbp.traces.pruned import prune

    find_config(options)
    plan, policy = plan_of(configuration(options.config, options.results), options.results)
    if not options.apply or not plan.removable:
        say(*promise(plan))
        return ExitCode.OK
    pruned = prune(plan.removable, policy.names)
    warn(*(f"tbp: {problem}" for problem in pruned.problems))
    say(account(plan, pruned))
    return ExitCode.USAGE if pruned.problems else ExitCode.OK


def plan_of(config: AsvConfig | None, results_dir: Path | None) -> tuple[PrunePlan, Policy]:
    """Returns what may go of the results, as the project's policy, which comes with it, has it."""
    from tbp.history.kept_traces import prune_plan
    from tbp.report.site.load import stored

    results = stored(config, results_dir)
    return prune_plan(results.results, results.sessions, results.commits, results.policy), results.policy


def promise(plan: PrunePlan) -> tuple[str, ...]:
    """Lines on what would be done."""
    from tbp.wording import words

    if not plan.removable:
        return (f"nothing to prune: all {words.count(plan.kept_traces, 'raw trace')} are kept; {_kept(plan)}",)
    would = (
        f"would replace {words.count(len(plan.removable), 'raw trace')} by operator tables and free at most "
        f"{words.quantity(plan.bytes, 'bytes')}; {plan.kept_traces:,} stay: {_kept(plan)}"
    )
    return would, "nothing was changed; --apply does it"


def account(plan: PrunePlan, pruned: Pruned) -> str:
    """A sentence on what was done."""
    from tbp.wording import words

    return (
        f"replaced {words.count(pruned.removed, 'raw trace')} by operator tables and freed "
        f"{words.quantity(pruned.freed_bytes, 'bytes')}; {plan.kept_traces:,} stay: {_kept(plan)}"
    )


def _kept(plan: PrunePlan) -> str:
    from tbp.wording import words

    changes = words.count(plan.changes, "change")
    unplaced = f", and {plan.unplaced:,} of runs without a result or of other lines" if plan.unplaced else ""
    return f"those of the {plan.newest_runs} newest runs of each series, those beside {changes}{unplaced}"
