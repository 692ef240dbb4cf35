"""``tbp gate``: two commits measured in turns."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tbp.commands.options import (
    add_comparison_options,
    add_measuring_options,
    add_revision,
    gate_request,
)
from tbp.errors import ExitCode
from tbp.system.printing import warn

if TYPE_CHECKING:
    from tbp.model.comparison import ComparedCommit

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
    from tbp.turns.run import gate

    output = ComparisonOutput.of(options)
    config = read_config(options.config)
    require_asv()
    repository = config.local_repository
    baseline, contender = (judged(repository, name) for name in (options.baseline, options.contender))
    if not options.tip:
        baseline = _parted(repository, baseline, contender)
    gated = gate(config, baseline, contender, gate_request(options))
    return gated.exit_code(write_comparison(gated.comparison, output))
