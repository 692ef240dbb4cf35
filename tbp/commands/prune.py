"""``tbp trace prune``: the raw traces of old runs make room, their operator tables stay."""

from __future__ import annotations

import argparse

from tbp.commands.options import add_results_options, find_config
from tbp.errors import ExitCode
from tbp.system.printing import say, warn

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
    from tbp.history.kept_traces import account, promise, prune_plan
    from tbp.history.stored import stored
    from tbp.project.asv_config import configuration
    from tbp.traces.pruned import prune

    find_config(options)
    store = stored(configuration(options.config, options.results), options.results)
    plan = prune_plan(store)
    if not options.apply or not plan.removable:
        say(*promise(plan))
        return ExitCode.OK
    pruned = prune(plan.removable, store.policy.names)
    warn(*(f"tbp: {problem}" for problem in pruned.problems))
    say(account(plan, pruned))
    return ExitCode.USAGE if pruned.problems else ExitCode.OK
