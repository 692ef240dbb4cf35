"""``tbp compare``: one stored commit judged against another."""

from __future__ import annotations

import argparse

from tbp.commands.options import (
    add_bench_option,
    add_branch_option,
    add_comparison_options,
    add_results_options,
    add_revision,
    add_setup_options,
    find_config,
)
from tbp.errors import ExitCode

HELP = "judge one stored commit against another, measuring nothing"
EXAMPLES = (
    ("what became slower between two releases, of what is stored", "tbp compare v1.1 v1.2"),
    (
        "attention benchmarks only, as a comment for a pull request",
        "tbp compare main HEAD --bench attention --markdown comment.md",
    ),
    ("for another program; 4 of a hash are enough", "tbp compare 3f2a 91cc --json"),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    add_revision(parser, "baseline", "A", "the commit compared against: a revision, or 4 of a hash")
    add_revision(parser, "contender", "B", "the commit judged")
    add_results_options(parser)
    add_branch_option(parser)
    add_setup_options(parser, "default: the one with most in common")
    add_bench_option(parser)
    add_comparison_options(parser)


def run(options: argparse.Namespace) -> ExitCode:
    """Returns 3 when the contender is confirmed to be worse, 4 when a benchmark failed in it."""
    from tbp.commands.output import ComparisonOutput, write_comparison
    from tbp.comparison.stored_commits import CompareRequest, compared
    from tbp.project.asv_config import configuration

    output = ComparisonOutput.of(options)
    find_config(options)
    config = configuration(options.config, options.results, options.branch)
    request = CompareRequest(
        options.baseline, options.contender, options.machine, options.environment, tuple(options.bench)
    )
    return write_comparison(compared(config, options.results, request), output)
