"""``tbp bisect``: the commit that made one benchmark slower, by a binary search."""

from __future__ import annotations

import argparse

from tbp.commands.options import (
    add_benchmark,
    add_config_option,
    add_exit_zero_option,
    add_form_option,
    add_revision,
    add_turns_options,
)
from tbp.errors import ExitCode

HELP = "find the commit that made one benchmark slower, measuring few commits of many"
EXAMPLES = (
    (
        "the commit of a release that made this slower: some six of its commits are measured",
        "tbp bisect time_sort v1.2 main",
    ),
    ("one of several parameters, as tbp prints it", "tbp bisect 'speed.Sorted.time_sorted (n=1000)' v1.2 HEAD"),
    (
        "for a quarter of an hour; the same command goes on where that ended",
        "tbp bisect time_sort v1.2 main --budget 15",
    ),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    meaning = "the benchmark: its name or a part of it, with parameters as tbp prints them; it must match one only"
    add_benchmark(parser, "bench", meaning)
    add_revision(parser, "good", "GOOD", "the earlier commit, where it was fast: a revision")
    add_revision(parser, "bad", "BAD", "the later commit, where it is slow; . is the working tree")
    add_config_option(parser)
    add_turns_options(parser, "answer", "the next try goes on from there")
    meaning = "where the commit is a merge, search the commits that it brought, too"
    parser.add_argument("--into-merges", action="store_true", help=meaning)
    parser.add_argument("--restart", action="store_true", help="forget what an earlier try of the same measured")
    add_form_option(parser, "--json", "as JSON")
    add_exit_zero_option(parser)


def run(options: argparse.Namespace) -> ExitCode:
    """Returns 3 when the commit or range of a slowdown is known, 0 of a speed-up or without a change, 5 otherwise."""
    from tbp.asv.runner import require_asv
    from tbp.bisect.answer import exit_code
    from tbp.bisect.forms import text, to_json
    from tbp.bisect.run import bisect
    from tbp.bisect.turns import BisectRequest
    from tbp.commands.output import forgiven, has_colours, require_writable, terminal_width, write_forms
    from tbp.project.asv_config import read_config
    from tbp.project.working_tree import judged
    from tbp.turns.evidence import Limits

    require_writable({"--json": options.json})
    config = read_config(options.config)
    require_asv()
    good, bad = (judged(config.local_repository, name) for name in (options.good, options.bad))
    request = BisectRequest(
        options.bench,
        options.environment,
        options.threads,
        Limits(options.relevant),
        60 * options.budget,
        options.machine,
        options.into_merges,
        options.restart,
    )
    result = bisect(config, good, bad, request)
    width, colour = terminal_width(), has_colours()
    write_forms({"--json": (options.json, lambda: to_json(result))}, lambda: text(result, colour=colour, width=width))
    return forgiven(exit_code(result), options.exit_zero)
