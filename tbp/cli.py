"""The verbs: each is load → analyse → render → write, and imports what it needs when it runs.

Results go to stdout, progress and warnings to stderr. Exit codes are ``tbp.errors.ExitCode``.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tbp import __version__
from tbp.commands.options import add_bench_option, add_results_options, add_stored_options, count, minutes_or_none
from tbp.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tbp.asv.stored_traces import StoredTraces
    from tbp.commands.report import Said

EXIT_CODES = """exit codes:
  0  no confirmed regression        4  nothing measured, or benchmarks failed
  2  usage, configuration or input  5  something is undecided (only with --strict)
  3  confirmed regression          130  interrupted, no regression confirmed
"""


class Verb(NamedTuple):
    """One verb of the command line."""

    say: str
    add_options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], ExitCode]


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line; ``verb`` of the result is the function to run."""
    parser = argparse.ArgumentParser(
        prog="tbp",
        description="Which commit made what slower, by how much, how sure that is, and which operator did it.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"tbp {__version__}")
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB", prog="tbp")
    for name, verb in _verbs().items():
        own = verbs.add_parser(name, help=verb.say, description=verb.say)
        if name in arguments:  # the others' options would only take time
            own.set_defaults(verb=verb.run)
            verb.add_options(own)
    return parser.parse_args(arguments)


def _verbs() -> dict[str, Verb]:
    return {
        "report": Verb("HTML from asv's results and the traces beside them", _add_report_options, run_report),
        "ack": Verb(
            "accept a change: it stays in the report, and is no regression any more", _add_ack_options, run_ack
        ),
        "nightly": Verb("measure the commits that are new, then report", _add_nightly_options, run_nightly),
        "compare": Verb(
            "judge one stored commit against another, measuring nothing", _add_compare_options, run_compare
        ),
        "gate": Verb("measure two commits in turns and say what became slower", _add_gate_options, run_gate),
        "hotspots": Verb("the operators of a trace, or what separates two", _add_hotspots_options, run_hotspots),
        "export": Verb("copies of traces for TensorBoard or ui.perfetto.dev", _add_export_options, run_export),
        "trace": Verb("what is kept of the traces beside asv's results", _add_trace_verbs, run_trace_prune),
        "demo": Verb(
            "make a sample repository, time and trace its commits for real, and report", _add_demo_options, run_demo
        ),
    }


def _add_report_options(parser: argparse.ArgumentParser) -> None:
    from tbp.commands.report_options import add_report_options, add_showing_options

    add_report_options(parser)
    add_showing_options(parser)


def _add_ack_options(parser: argparse.ArgumentParser) -> None:
    from tbp.commands.report_options import add_ack_options

    add_ack_options(parser)


def _add_nightly_options(parser: argparse.ArgumentParser) -> None:
    from tbp.commands.report_options import add_report_options

    add_report_options(parser)
    add_bench_option(parser)
    parser.add_argument("--most", type=count, default=20, metavar="N", help="commits in one night (default: 20)")
    say = "time to measure new commits in turns with earlier ones; 0: none (default: [tool.tbp] paired_budget, or 10)"
    parser.add_argument("--paired-budget", type=minutes_or_none, metavar="MIN", help=say)


def _add_compare_options(parser: argparse.ArgumentParser) -> None:
    from tbp.commands.comparison_output import add_compare_options

    add_compare_options(parser)


def _add_gate_options(parser: argparse.ArgumentParser) -> None:
    from tbp.commands.comparison_output import add_gate_options

    add_gate_options(parser)


def _add_hotspots_options(parser: argparse.ArgumentParser) -> None:
    from tbp.commands.hotspots import add_hotspots_options

    add_hotspots_options(parser)
    add_stored_options(parser)


def _add_export_options(parser: argparse.ArgumentParser) -> None:
    from tbp.commands.export import add_export_options

    add_export_options(parser)
    add_stored_options(parser)


def _add_trace_verbs(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    say = "replace raw traces of old runs by their operator tables; says what it would do unless --apply is given"
    prune = verbs.add_parser("prune", help=say, description=say)
    add_results_options(prune)
    prune.add_argument("--apply", action="store_true", help="do it")


def _add_demo_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, default=Path("demo"), metavar="DIR", help="empty folder (default: demo)")


def run_report(options: argparse.Namespace) -> ExitCode:
    """``tbp report``: 3 when a confirmed regression stands at the newest commit that nobody acknowledged."""
    from tbp.commands.report import Wanted, report

    files = (options.config, options.results, options.out, options.acks)
    wanted = Wanted(*files, options.base, options.single_file, options.branch)
    said = report(wanted)
    _say(said)
    if options.serve:
        from tbp.report.site.serve import serve

        serve(wanted.first_page, options.port, options.open)
    elif options.open:
        from tbp.report.site.serve import show

        show(wanted.first_page.resolve().as_uri())
    return _verdict(said.is_regressed, options.exit_zero)


def run_ack(options: argparse.Namespace) -> ExitCode:
    """``tbp ack``: 0 when the acknowledgement is written."""
    from tbp.commands.acknowledge import new_ack, require_on_branch, write_ack
    from tbp.project.asv_config import ACKS, default_path, read_config

    own = options.config or default_path()
    config = read_config(own, options.branch) if own else None
    path = options.acks or (config.acks_file if config else ACKS)
    repository = config.repository if config else Path()
    ack = new_ack(options.benchmark, options.commit, options.reason, options.until, repository)
    if config is not None and config.repository is not None:
        require_on_branch(ack, config.repository, config.branch)
    write_ack(ack, path)
    print(f"{ack.benchmark} at {ack.commit[:8]} is acknowledged in {path}")
    return ExitCode.OK


def run_nightly(options: argparse.Namespace) -> ExitCode:
    """``tbp nightly``: 3 for a confirmed regression that no night before reported, 4 when a benchmark failed."""
    from tbp.commands.nightly import measure, measure_in_turns, pending
    from tbp.commands.report import said_of
    from tbp.history.already_reported import first_reported
    from tbp.project.asv_config import read_config
    from tbp.report.site.build import write_site
    from tbp.report.site.load import View, acknowledged_regressions, report_data, standing_regressions, stored

    config = read_config(options.config, options.branch)
    night = pending(config, options.most)
    print(f"{len(night.commits)} new commits to measure", file=sys.stderr)
    heard = partial(print, file=sys.stderr, flush=True)
    measured = measure(config, night, options.bench, heard)
    if measured.commits:
        held = stored(config, None)
        budget = held.policy.paired_budget if options.paired_budget is None else options.paired_budget
        measure_in_turns(held, measured.commits, budget, heard)
    data = report_data(config, None, View(options.acks))
    index = write_site(data, options.out)
    _say(said_of(data, index))
    accepted = acknowledged_regressions(data.histories)
    fresh = first_reported(standing_regressions(data.histories), config.results_dir, accepted)
    print(f"{len(fresh)} regressions that no night before reported", file=sys.stderr)
    verdict = _verdict(bool(fresh), options.exit_zero)
    if verdict is ExitCode.OK and measured.ran is not None and measured.ran.some_failed:
        print("tbp: some benchmarks failed; asv's words are above", file=sys.stderr)
        return ExitCode.NOTHING_MEASURED
    return verdict


def run_compare(options: argparse.Namespace) -> ExitCode:
    """``tbp compare``: 3 when the contender is confirmed to be worse, 4 when a benchmark failed in it."""
    from tbp.commands.comparison_output import output, write
    from tbp.comparison.stored_commits import CompareRequest, compared
    from tbp.project.asv_config import configuration

    wanted = output(options)
    sides = (options.baseline, options.contender)
    asked = CompareRequest(*sides, options.machine, options.environment, tuple(options.bench))
    config = configuration(options.config, options.results, options.branch)
    comparison = compared(config, options.results, asked)
    return write(comparison, wanted)


def run_gate(options: argparse.Namespace) -> ExitCode:
    """``tbp gate``: 3 when a benchmark of the contender is confirmed to be worse, 4 when one failed.

    130 when it was interrupted and no regression was confirmed by then.
    """
    from tbp.asv.runner import require_asv
    from tbp.commands.comparison_output import output, write
    from tbp.gate.evidence import Limits
    from tbp.gate.run import GateRequest, gate
    from tbp.project.asv_config import read_config
    from tbp.project.working_tree import judged

    wanted = output(options)
    config = read_config(options.config)
    require_asv()
    sides = [judged(config.local_repository, revision) for revision in (options.baseline, options.contender)]
    limits = Limits(options.relevant, options.excluded, options.false_discovery_rate)
    asked = GateRequest(tuple(options.bench), options.environment, options.threads, limits, 60 * options.budget)
    gated = gate(config, sides[0], sides[1], asked)
    return gated.exit_code(write(gated.comparison, wanted))


def run_hotspots(options: argparse.Namespace) -> ExitCode:
    """``tbp hotspots``: 0 whatever it shows, as a trace alone is no verdict."""
    from tbp.asv.stored_traces import chosen, chosen_pairs
    from tbp.commands.hotspots import shown, write_flames, write_views
    from tbp.hotspots.views import By, compared, ranking

    show, wanted = shown(options), _stored(options)
    if len(show.arguments) == 2:
        pairs = chosen_pairs(*show.arguments, wanted)
        write_flames(pairs, show)
        return write_views([compared(*pair) for pair in pairs], show)
    by, found = By(show.by) if show.by else None, chosen(show.arguments[0], wanted)
    write_flames([(source,) for source in found], show)
    return write_views([ranking(source, by) for source in found], show)


def run_export(options: argparse.Namespace) -> ExitCode:
    """``tbp export``: 0 when everything named was written."""
    from tbp.asv.stored_traces import sources
    from tbp.commands.export import say_exported
    from tbp.export.files import export_plain, export_tensorboard

    found = [source for argument in options.traces for source in sources(argument, _stored(options))]
    exported = (
        export_tensorboard(found, options.tensorboard) if options.tensorboard else export_plain(found, options.plain)
    )
    say_exported(exported, options)
    return ExitCode.OK


def run_trace_prune(options: argparse.Namespace) -> ExitCode:
    """``tbp trace prune``: 0, and 2 when a trace that should go had to stay."""
    from tbp.commands.prune import account, plan, promise, prune
    from tbp.project.asv_config import configuration
    from tbp.report.site.load import stored

    planned = plan(stored(configuration(options.config, options.results), options.results))
    if not options.apply or not planned.removable:
        sys.stdout.write(promise(planned))
        return ExitCode.OK
    pruned = prune(planned.removable)
    for problem in pruned.problems:
        print(f"tbp: {problem}", file=sys.stderr)
    sys.stdout.write(account(planned, pruned))
    return ExitCode.USAGE if pruned.problems else ExitCode.OK


def _stored(options: argparse.Namespace) -> StoredTraces:
    from tbp.asv.stored_traces import StoredTraces

    return StoredTraces(options.config, options.results, options.machine, options.environment, tuple(options.bench))


def run_demo(options: argparse.Namespace) -> ExitCode:
    """``tbp demo``: 0 whatever it finds, as finding is what it is for."""
    from tbp.commands.report import said_of
    from tbp.demo.run import measure, prepare, progress_bar
    from tbp.project.asv_config import read_config
    from tbp.report.site.build import write_site
    from tbp.report.site.load import report_data

    demo = measure(prepare(options.out), lambda words: print(words, file=sys.stderr), progress_bar)
    print(f"asv took {demo.seconds:.0f} s", file=sys.stderr)
    data = report_data(read_config(demo.sample / "asv.conf.json"), None)
    _say(said_of(data, write_site(data, demo.site)))
    return ExitCode.OK


def _say(said: Said) -> None:
    if said.problems:
        print(said.problems, file=sys.stderr)
    print(said.lines)


def _verdict(is_regressed: bool, exit_zero: bool) -> ExitCode:
    return ExitCode.REGRESSION if is_regressed and not exit_zero else ExitCode.OK
