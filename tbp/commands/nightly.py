"""``tbp nightly``: commits that are new, timed and measured in turns with earlier ones, then reported."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from tbp.commands.options import (
    DATA_BRANCH,
    add_bench_option,
    add_site_options,
    count,
    find_config,
    machine_name,
    minutes,
    minutes_or_none,
)
from tbp.errors import ExitCode, UsageError
from tbp.system.printing import warn

if TYPE_CHECKING:
    from tbp.asv.sources import ResultsSource
    from tbp.model.runs import Run
    from tbp.nightly.budget import NightBudget
    from tbp.nightly.night import NightWork
    from tbp.nightly.night_lock import NightLock
    from tbp.nightly.sharing import Sharing
    from tbp.project.asv_config import AsvConfig

HELP = "measure the commits that are new, then report"
EXAMPLES = (
    ("measure what is new on the branch, and report it", "tbp nightly"),
    (
        "a runner with another host name every night, and at most five commits",
        "tbp nightly --machine hosted-4core --most 5",
    ),
    (
        "runners that share results and commits, for an hour",
        "tbp nightly --machine hosted-4core --data origin/tbp-data --budget 60",
    ),
    (
        "runners that share results and commits in a store, and report of all of them",
        "tbp nightly --machine hosted-4core --store s3://bench/tbp",
    ),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    add_site_options(parser)
    add_bench_option(parser)
    meaning = "what asv calls this machine (default: its host name); a name for all equal runners of a pool"
    parser.add_argument("--machine", type=machine_name, metavar="NAME", help=meaning)
    parser.add_argument("--most", type=count, default=20, metavar="N", help="commits in one night (default: 20)")
    meaning = "time for the night, but for its report: no commit begins that would take longer (default: none)"
    parser.add_argument("--budget", type=minutes, metavar="MIN", help=meaning)
    meaning = "time to measure new commits in turns with earlier ones; 0: none (default: [tool.tbp] paired_budget)"
    parser.add_argument("--paired-budget", type=minutes_or_none, metavar="MIN", help=meaning)
    meaning = f"share results and commits with other runners through this branch; without a name {DATA_BRANCH}"
    parser.add_argument("--data", nargs="?", const=DATA_BRANCH, metavar="[REMOTE/]BRANCH", help=meaning)


def run(options: argparse.Namespace) -> ExitCode:
    """Returns 3 for a confirmed regression that no night before reported, 4 when one failed or nothing was measured.

    4, too, when the data branch, or the store, did not get the results.
    """
    from tbp.nightly.night_lock import only_night
    from tbp.project.asv_config import own_config, read_config

    if not options.store:
        find_config(options)
    config = read_config(options.config, options.branch)
    if options.store:
        options.results = None  # what is measured; the store gets it, and the report is of the store
    if own_config(config, options.results) is None:
        raise UsageError(
            f"--results {options.results}: a night measures into results_dir of {config.path}; "
            "leave --results, or name their asv.conf.json with --config"
        )
    branch = _branch(config, options) if options.data else None
    store = _store(config, options) if options.store else None
    with only_night(config.results_dir) as lock:
        if (sharing := branch or store) is not None:
            sharing.pull()
        return _night(config, options, lock, branch, store)


def _branch(config: AsvConfig, options: argparse.Namespace) -> Sharing:
    from tbp.nightly.data_branch import shared_with

    return shared_with(config, options.data)


def _store(config: AsvConfig, options: argparse.Namespace) -> Sharing:
    from tbp.dataset.files import StoreFiles
    from tbp.nightly.store_sharing import StoreSharing
    from tbp.project.policy import read_policy

    project = options.project or config.project
    return StoreSharing(StoreFiles(options.store), config.results_dir, project, read_policy(config.policy_file))


def _night(
    config: AsvConfig, options: argparse.Namespace, lock: NightLock, branch: Sharing | None, store: Sharing | None
) -> ExitCode:
    """The night; the branch gives out the commits, or else the store."""
    from tbp.asv.failures import failures
    from tbp.commands.output import print_summary, say_waiting, verdict_code
    from tbp.notify.news import first_told
    from tbp.report.site.build import write_site
    from tbp.report.site.load import View, report_data
    from tbp.report.site.terminal import report_summary
    from tbp.wording import words

    paired_s = 60 * _paired_minutes(config, options)
    budget = _budget(options, paired_s)
    work = _measured(config, options, lock, budget, branch or store)
    is_in_store = store is not None and branch is None and not work.unsent
    earlier = _stored_source(config, options) if is_in_store else None
    _measure_in_turns(config, earlier, work.commits, min(paired_s, budget.left_s), options.machine)
    unsent, not_in_store = _shared(branch), _shared(store)
    source = _stored_source(config, options) if store is not None and not not_in_store else None
    data = report_data(config, source, View(options.acks, site=options.out))
    summary = report_summary(data, write_site(data, options.out, say_waiting))
    print_summary(summary)
    fresh = first_told(data, config.results_dir)
    warn(f"{words.count(len(fresh), 'event')} with regressions that no night before reported")
    if branch is not None:
        _prune(config)
        unsent = _shared(branch)
    verdict = verdict_code(bool(fresh), summary.is_measured and _has_values(data.runs, work), options.exit_zero)
    if work.some_failed:
        warn(*failures(config.results_dir, work.commits))
    is_incomplete = work.some_failed or unsent or not_in_store
    return ExitCode.NOTHING_MEASURED if verdict is ExitCode.OK and is_incomplete else verdict


def _stored_source(config: AsvConfig, options: argparse.Namespace) -> ResultsSource:
    """The results of all runners in the store."""
    from tbp.dataset.source import store_source

    return store_source(options.store, options.project or config.project)


def _paired_minutes(config: AsvConfig, options: argparse.Namespace) -> float:
    from tbp.project.policy import read_policy

    return read_policy(config.policy_file).paired_budget if options.paired_budget is None else options.paired_budget


def _budget(options: argparse.Namespace, paired_s: float) -> NightBudget:
    from tbp.nightly.budget import NightBudget

    return NightBudget(60 * options.budget, paired_s) if options.budget else NightBudget()


def _measured(
    config: AsvConfig, options: argparse.Namespace, lock: NightLock, budget: NightBudget, sharing: Sharing | None
) -> NightWork:
    """Measures the night's commits, and says what is left for the next one."""
    from tbp.asv.runner import hear_asv
    from tbp.nightly.new_commits import machine_name, name_of
    from tbp.nightly.night import Night, Wish, left_over
    from tbp.system.progress import Progress

    machine = machine_name(options.machine or "")
    wish = Wish(machine, options.most, options.bench, name_of(config, machine))
    with Progress() as progress:
        night = Night(config, wish, lock, budget, sharing, progress.line)
        work = night.run(lambda line, done, total: hear_asv(progress, line, done=done, total=total))
    warn(*left_over(work))
    return work


def _prune(config: AsvConfig) -> None:
    """Replaces the raw traces of old runs as ``tbp trace prune --apply`` does, so that the branch does not grow on."""
    from tbp.history.kept_traces import account, prune_plan
    from tbp.history.stored import stored
    from tbp.traces.pruned import prune

    store = stored(config, None)
    plan = prune_plan(store)
    if plan.removable:
        pruned = prune(plan.removable, store.policy.names)
        warn(*(f"tbp: {problem}" for problem in pruned.problems), account(plan, pruned))


def _shared(sharing: Sharing | None) -> str:
    """Shares what the folder has by now; the reason where that fails, and nothing is lost."""
    from tbp.errors import RunFailed

    if sharing is None:
        return ""
    try:
        exchanged = sharing.push("Ratios and notes of a night")
    except RunFailed as failed:
        warn(f"tbp: {failed}")
        return str(failed)
    warn(*(f"tbp: {note}" for note in exchanged.notes))
    return ""


def _has_values(runs: Iterable[Run], work: NightWork) -> bool:
    """False where there was something to measure tonight, and nothing of it has a value."""
    commits = work.commits
    return any(run.measured for run in runs if run.commit.hash in commits) if commits else not work.left.commits


def _measure_in_turns(
    config: AsvConfig, source: ResultsSource | None, commits: Sequence[str], budget_s: float, machine: str | None
) -> None:
    """Measures the night's commits, oldest first, in turns with earlier ones of ``source`` for ``budget_s``."""
    from tbp.history.stored import stored
    from tbp.nightly.new_commits import machine_name
    from tbp.nightly.night_pairs import measure_in_turns, tracked_series
    from tbp.system.progress import Progress

    if not commits or not budget_s:
        return
    tracked = tracked_series(stored(config, source), machine_name(machine or ""))
    with Progress() as progress:
        progress.say("measuring in turns")
        measure_in_turns(config, tracked, commits, budget_s, progress.line)
