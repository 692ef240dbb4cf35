"""``tbp gate``: two commits measured in turns."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tbp.commands.options import (
    CLAIMS,
    add_bench_option,
    add_comparison_options,
    add_config_option,
    add_revision,
    add_turns_options,
    group_of,
    percent,
)
from tbp.errors import ExitCode
from tbp.model import relevance
from tbp.system.printing import warn

if TYPE_CHECKING:
    from tbp.gate.run import Gated
    from tbp.model.comparison import ComparedCommit
    from tbp.project.asv_config import AsvConfig

HELP = "measure two commits in turns and say what became slower"
EXAMPLES = (
    ("is this branch slower than where it left main?", "tbp gate main HEAD"),
    ("what the uncommitted changes cost, in five minutes at most", "tbp gate HEAD . --bench attention --budget 5"),
    (
        "in CI: a comment, a file for other programs, and exit code 5 where it cannot tell",
        "tbp gate origin/main HEAD --strict --markdown comment.md --json gate.json",
    ),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    add_revision(parser, "baseline", "BASE", "the commit compared against: a revision")
    add_revision(parser, "contender", "HEAD", "the commit judged; . is the working tree as it is")
    meaning = "measure BASE itself, also where HEAD left it at an earlier commit (default: at that commit)"
    parser.add_argument("--tip", action="store_true", help=meaning)
    add_measuring_options(parser)
    add_comparison_options(parser)


def add_measuring_options(parser: argparse.ArgumentParser) -> None:
    """Adds what is measured, where, for how long, and what is claimed of it."""
    add_config_option(parser)
    add_bench_option(parser)
    add_turns_options(parser, "verdict", "what it does not decide is undecided")
    claims = group_of(parser, CLAIMS)
    meaning = "a change that 'no change' must exclude (default: 5)"
    claims.add_argument("--excluded", type=percent, default=relevance.EXCLUDED, metavar="PERCENT", help=meaning)
    meaning = "expected share of false ones among the changes claimed (default: 5)"
    claims.add_argument("--false-discovery-rate", type=percent, default=0.05, metavar="PERCENT", help=meaning)


def measured(
    options: argparse.Namespace, config: AsvConfig, baseline: ComparedCommit, contender: ComparedCommit
) -> Gated:
    """Both commits measured as ``add_measuring_options`` asks. Raises what ``tbp.gate.run.gate`` does."""
    from tbp.gate.evidence import Limits
    from tbp.gate.run import GateRequest, gate

    limits = Limits(options.relevant, options.excluded, options.false_discovery_rate)
    bench = tuple(options.bench)
    request = GateRequest(bench, options.environment, options.threads, limits, 60 * options.budget, options.machine)
    return gate(config, baseline, contender, request)


def _parted(repository: Path, baseline: ComparedCommit, contender: ComparedCommit) -> ComparedCommit:
    """The commit at which the contender left the baseline, whose later commits are not the contender's doing."""
    from tbp.project.working_tree import left_from
    from tbp.wording.phrases import judged as shown

    base = left_from(repository, baseline, contender)
    if base.commit != baseline.commit:
        warn(
            f"tbp: {shown(baseline)} is no ancestor of {shown(contender)}: the base is {shown(base)}, "
            "where the two part; --tip measures the other"
        )
    return base


def run(options: argparse.Namespace) -> ExitCode:
    """Returns 3 when a benchmark of the contender is confirmed to be worse, 4 when one failed.

    It is 130 when it was interrupted and no regression was confirmed by then.
    """
    from tbp.asv.runner import require_asv
    from tbp.commands.output import ComparisonOutput, write_comparison
    from tbp.project.asv_config import read_config
    from tbp.project.working_tree import judged

    output = ComparisonOutput.of(options)
    config = read_config(options.config)
    require_asv()
    repository = config.local_repository
    baseline, contender = (judged(repository, name) for name in (options.baseline, options.contender))
    if not options.tip:
        baseline = _parted(repository, baseline, contender)
    gated = measured(options, config, baseline, contender)
    return gated.exit_code(write_comparison(gated.comparison, output))
