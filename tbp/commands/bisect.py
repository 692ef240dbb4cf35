"""``tbp bisect``: the commit that made one benchmark slower, by a binary search."""

from __future__ import annotations

import argparse
from math import inf

from tbp.commands.options import (
    add_config_option,
    add_exit_zero_option,
    add_form_option,
    count,
    minutes,
    percent,
)
from tbp.errors import ExitCode
from tbp.model import relevance

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
    parser.add_argument("bench", metavar="BENCH", help=meaning)
    parser.add_argument("good", metavar="GOOD", help="the earlier commit, where it was fast: a revision")
    parser.add_argument("bad", metavar="BAD", help="the later commit, where it is slow; . is the working tree")
    add_config_option(parser)
    meaning = "what this machine is called in the answer (default: its host name)"
    parser.add_argument("--machine", default="", metavar="NAME", help=meaning)
    parser.add_argument("-E", "--environment", default="", metavar="SPEC", help="asv's; default: its first")
    parser.add_argument("--threads", type=count, default=1, metavar="N", help="of the benchmark (default: 1)")
    meaning = "wall time for everything; the next try goes on from there (default: as long as it takes)"
    parser.add_argument("--budget", type=minutes, default=inf, metavar="MIN", help=meaning)
    meaning = "smallest change that is claimed (default: 2)"
    parser.add_argument("--relevant", type=percent, default=relevance.TWO_COMMITS, metavar="PERCENT", help=meaning)
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
    from tbp.commands.output import has_colours, require_writable, terminal_width, write_forms
    from tbp.gate.evidence import Limits
    from tbp.project.asv_config import read_config
    from tbp.project.working_tree import judged

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
    code = exit_code(result)
    is_verdict = code in (ExitCode.REGRESSION, ExitCode.UNDECIDED)
    return ExitCode.OK if options.exit_zero and is_verdict else code
