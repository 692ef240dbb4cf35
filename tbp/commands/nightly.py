"""``tbp nightly``: the commits that are new, timed and measured in turns with earlier ones, then reported."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from tbp.commands.options import add_bench_option, add_site_options, count, find_config, machine_name, minutes_or_none
from tbp.errors import ExitCode, UsageError
from tbp.system.printing import warn

if TYPE_CHECKING:
    from tbp.model.runs import Run
    from tbp.project.asv_config import AsvConfig

HELP = "measure the commits that are new, then report"
EXAMPLES = (
    ("measure what is new on the branch, and report it", "tbp nightly"),
    (
        "a runner with another host name every night, and at most five commits",
        "tbp nightly --machine hosted-4core --most 5",
    ),
    ("only some benchmarks, without measuring in turns", "tbp nightly --bench attention --paired-budget 0"),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    add_site_options(parser)
    add_bench_option(parser)
    meaning = "what asv calls this machine (default: its host name); a name for all of a fleet's equal machines"
    parser.add_argument("--machine", type=machine_name, metavar="NAME", help=meaning)
    parser.add_argument("--most", type=count, default=20, metavar="N", help="commits in one night (default: 20)")
    meaning = "time to measure new commits in turns with earlier ones; 0: none (default: [tool.tbp] paired_budget)"
    parser.add_argument("--paired-budget", type=minutes_or_none, metavar="MIN", help=meaning)


def run(options: argparse.Namespace) -> ExitCode:
    """Returns 3 for a confirmed regression that no night before reported, 4 when one failed or nothing was measured."""
    from tbp.asv.night_lock import only_night
    from tbp.project.asv_config import own_config, read_config

    find_config(options)
    config = read_config(options.config, options.branch)
    if own_config(config, options.results) is None:
        raise UsageError(
            f"--results {options.results}: a night measures into results_dir of {config.path}; "
            "leave --results, or name their asv.conf.json with --config"
        )
    with only_night(config.results_dir):
        return _night(config, options)


def _night(config: AsvConfig, options: argparse.Namespace) -> ExitCode:
    from tbp.asv.failures import failures
    from tbp.asv.new_commits import measure, pending
    from tbp.asv.runner import hear_asv
    from tbp.commands.output import print_summary, say_waiting, verdict_code
    from tbp.notify.news import first_told
    from tbp.report.site.build import write_site
    from tbp.report.site.load import View, report_data
    from tbp.report.site.terminal import report_summary
    from tbp.system.progress import Progress
    from tbp.wording import words

    night = pending(config, options.most)
    warn(f"{words.count(len(night.commits), 'new commit')} to measure")
    with Progress() as progress:
        ran = measure(config, night, options.bench, partial(hear_asv, progress), options.machine or "")
    _measure_in_turns(config, night.commits, options.paired_budget)
    data = report_data(config, None, View(options.acks, site=options.out))
    summary = report_summary(data, write_site(data, options.out, say_waiting))
    print_summary(summary)
    fresh = first_told(data, config.results_dir)
    warn(f"{words.count(len(fresh), 'event')} with regressions that no night before reported")
    verdict = verdict_code(
        bool(fresh), summary.is_measured and _has_values(data.runs, night.commits), options.exit_zero
    )
    if ran is not None and ran.some_failed:
        warn(*failures(config.results_dir, night.commits))
        return ExitCode.NOTHING_MEASURED if verdict is ExitCode.OK else verdict
    return verdict


def _has_values(runs: Iterable[Run], commits: Sequence[str]) -> bool:
    """False where the night measured ``commits`` and none of them has a value."""
    return not commits or any(run.measured for run in runs if run.commit.hash in commits)


def _measure_in_turns(config: AsvConfig, commits: Sequence[str], budget: float | None) -> None:
    """Measures the night's commits in turns with earlier ones, for ``budget`` minutes or as the project has it."""
    from tbp.gate.night import measure_in_turns, tracked_series
    from tbp.report.site.load import by_themselves, stored
    from tbp.system.progress import Progress

    if not commits:
        return
    results = stored(config, None)
    minutes = results.policy.paired_budget if budget is None else budget
    if minutes:
        histories = by_themselves(results)
        tracked = tracked_series(histories, results.ratios, results.policy.relevant, config.results_dir, commits)
        with Progress() as progress:
            progress.say("measuring in turns")
            measure_in_turns(config, tracked, commits, 60 * minutes, progress.line)
