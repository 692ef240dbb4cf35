"""Options that several verbs share, so that each is named and explained once."""

from __future__ import annotations

import argparse
import re
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tbp.commands.completers import benchmarks, revisions
from tbp.errors import UsageError
from tbp.model import relevance
from tbp.system.printing import warn
from tbp.system.schedulers import checked

if TYPE_CHECKING:
    from tbp.asv.stored_traces import StoredTraces
    from tbp.dataset.source import StoreSource
    from tbp.turns.run import GateRequest

DATA_BRANCH = "tbp-data"
STDOUT = Path("-")
"""The file of a form that is printed instead of the table."""


# Titles of the groups in which a help shows options that several verbs have.
RESULTS, BENCHMARKS = "the project and its results", "which benchmarks"
MEASURING, CLAIMS = "how it is measured", "what is claimed"
OUTPUT, VERDICT = "what is written", "the exit code"
SHARED = "how the work is shared out"


def group_of(parser: argparse.ArgumentParser, title: str) -> argparse._ArgumentGroup:
    """The group of this title, made on first use."""
    known = {group.title: group for group in parser._action_groups}
    return known.get(title) or parser.add_argument_group(title)


def add_config_option(parser: argparse.ArgumentParser) -> None:
    group_of(parser, RESULTS).add_argument(
        "--config", type=Path, metavar="FILE", help="asv's configuration (default: asv.conf.json)"
    )


def add_branch_option(parser: argparse.ArgumentParser) -> None:
    meaning = "the series are this branch's first parents (default: the first of branches in asv.conf.json)"
    group_of(parser, RESULTS).add_argument("--branch", default="", metavar="NAME", help=meaning)


def add_results_options(parser: argparse.ArgumentParser) -> None:
    """Adds where asv's results are: beside its configuration, or in a folder named here."""
    add_config_option(parser)
    meaning = "asv's results, with the asv.conf.json beside or above them that has them (default: what the config says)"
    sources = group_of(parser, RESULTS).add_mutually_exclusive_group()
    sources.add_argument("--results", type=Path, metavar="DIR", help=meaning)
    meaning = "the results that `tbp ingest` put into this store: a folder, or a URL such as s3://bucket/path"
    sources.add_argument("--store", default="", metavar="URI", help=meaning)
    add_project_option(parser)
    add_scheduler_option(parser)


def add_project_option(parser: argparse.ArgumentParser) -> None:
    meaning = "of several projects in a store (default: that of the configuration, or the only one)"
    group_of(parser, RESULTS).add_argument("--project", default="", metavar="NAME", help=meaning)


def add_scheduler_option(parser: argparse.ArgumentParser) -> None:
    """Adds who does work that is shared out: ``tbp.__main__`` has it in force while the verb runs."""
    meaning = (
        "who shares the work out: serial, processes, or a Dask scheduler such as tcp://10.0.0.1:8786, "
        "which has to be trusted (default: $TBP_SCHEDULER, or processes where they are worth their start)"
    )
    group_of(parser, SHARED).add_argument("--scheduler", type=scheduler, default="", metavar="WHO", help=meaning)


def scheduler(text: str) -> str:
    """An engine, as ``tbp.system.schedulers`` names it."""
    try:
        return checked(text)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def find_config(options: argparse.Namespace) -> None:
    """Sets ``options.config`` to the configuration of ``--results`` where none is named, and says which it is.

    That in the current folder goes first where the results are its own. With ``--store``, ``options.results`` becomes
    the source of what is in the store, and the folder that was ingested is looked at, if it is here.
    """
    if options.store:
        options.results = _source_of_store(options)
    elif options.project:
        raise UsageError(f"--project {options.project} chooses among those of a store: say --store URI too")
    if options.results is None or options.config is not None:
        return
    from tbp.project.asv_config import default_path, own_config, read_config, results_folder
    from tbp.project.config_of_results import config_of_results

    here = default_path()
    if here is not None and own_config(read_config(here), options.results) is not None:
        return
    config = config_of_results(results_folder(None, options.results))
    warn(*(f"tbp: {note}" for note in config.notes))
    if config.path is not None:
        options.config = config.path
        warn(f"tbp: the results are those of {config.path}")


def _source_of_store(options: argparse.Namespace) -> StoreSource:
    from tbp.dataset.source import store_source
    from tbp.project.asv_config import default_path, read_config

    config = options.config or default_path()
    return store_source(options.store, options.project, read_config(config).project if config is not None else "")


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """Adds which data branch is meant, and the form of the answer."""
    add_config_option(parser)
    meaning = f"the data branch (default: {DATA_BRANCH}, of the remote origin)"
    parser.add_argument("--data", default=DATA_BRANCH, metavar="[REMOTE/]BRANCH", help=meaning)
    add_form_option(parser, "--json", "as JSON")


def add_acks_option(parser: argparse.ArgumentParser) -> None:
    meaning = "accepted changes (default: reports/acks.toml beside the configuration)"
    group_of(parser, RESULTS).add_argument("--acks", type=Path, metavar="FILE", help=meaning)


def add_exit_zero_option(parser: argparse.ArgumentParser) -> None:
    group_of(parser, VERDICT).add_argument(
        "--exit-zero", action="store_true", help="do not let a verdict set the exit code: 0 in place of 3 and 5"
    )


def add_site_options(parser: argparse.ArgumentParser) -> None:
    """Adds what ``tbp report`` and ``tbp nightly`` need to build a site."""
    add_results_options(parser)
    add_branch_option(parser)
    group_of(parser, OUTPUT).add_argument(
        "--out", type=Path, default=Path("reports/site"), metavar="DIR", help="default: reports/site"
    )
    add_acks_option(parser)
    add_exit_zero_option(parser)


def add_setup_options(parser: argparse.ArgumentParser, meaning: str) -> None:
    """Adds which machine's and which environment's results are meant; ``meaning`` is the help of both."""
    group_of(parser, BENCHMARKS).add_argument("--machine", default="", metavar="NAME", help=meaning)
    group_of(parser, BENCHMARKS).add_argument("--environment", default="", metavar="NAME", help=meaning)


def add_revision(parser: argparse.ArgumentParser, name: str, metavar: str, meaning: str) -> None:
    """Adds an argument that is a revision, which a shell completes with branches and tags."""
    parser.add_argument(name, metavar=metavar, help=meaning).completer = revisions  # type: ignore[attr-defined]


def add_benchmark(parser: argparse.ArgumentParser, name: str, meaning: str, **settings: Any) -> None:
    """Adds an argument that is a benchmark, which a shell completes; ``settings`` are argparse's."""
    argument = parser.add_argument(name, metavar=name.upper(), help=meaning, **settings)
    argument.completer = benchmarks  # type: ignore[attr-defined]


def add_bench_option(parser: argparse.ArgumentParser) -> None:
    meaning = (
        "only benchmarks whose name has it: a part of it, a name as tbp prints it, or asv's regex; may be repeated"
    )
    bench = group_of(parser, BENCHMARKS).add_argument(
        "--bench", action="append", default=[], metavar="NAME", help=meaning
    )
    bench.completer = benchmarks  # type: ignore[attr-defined]  # argcomplete's


def add_turns_options(parser: argparse.ArgumentParser, result: str, out_of_time: str) -> None:
    """Adds how commits are measured in turns, and the smallest change that is claimed.

    ``result`` is what names the machine, ``out_of_time`` what becomes of the rest when the time is up.
    """
    measuring = group_of(parser, MEASURING)
    meaning = f"what this machine is called in the {result} (default: its host name)"
    measuring.add_argument("--machine", default="", metavar="NAME", help=meaning)
    measuring.add_argument("-E", "--environment", default="", metavar="SPEC", help="asv's; default: its first")
    measuring.add_argument("--threads", type=count, default=1, metavar="N", help="of each benchmark (default: 1)")
    meaning = f"wall time for everything; {out_of_time} (default: as long as it takes)"
    measuring.add_argument("--budget", type=minutes, default=inf, metavar="MIN", help=meaning)
    meaning = "smallest change that is claimed (default: 2)"
    group_of(parser, CLAIMS).add_argument(
        "--relevant", type=percent, default=relevance.TWO_COMMITS, metavar="PERCENT", help=meaning
    )


def add_measuring_options(parser: argparse.ArgumentParser) -> None:
    """Adds what a gate is made of: what is measured, where, for how long, and what is claimed of it."""
    add_config_option(parser)
    add_bench_option(parser)
    add_turns_options(parser, "verdict", "what it does not decide is undecided")
    claims = group_of(parser, CLAIMS)
    meaning = "a change that 'no change' must exclude (default: 5)"
    claims.add_argument("--excluded", type=percent, default=relevance.EXCLUDED, metavar="PERCENT", help=meaning)
    meaning = "expected share of false ones among the changes claimed (default: 5)"
    claims.add_argument("--false-discovery-rate", type=percent, default=0.05, metavar="PERCENT", help=meaning)


def gate_request(options: argparse.Namespace) -> GateRequest:
    """Returns what ``add_measuring_options`` added."""
    from tbp.turns.evidence import Limits
    from tbp.turns.run import GateRequest

    limits = Limits(options.relevant, options.excluded, options.false_discovery_rate)
    bench = tuple(options.bench)
    return GateRequest(bench, options.environment, options.threads, limits, 60 * options.budget, options.machine)


def add_stored_traces_options(parser: argparse.ArgumentParser) -> None:
    """Adds where a stored commit's traces are, and which of its benchmark cells are meant."""
    add_results_options(parser)
    add_setup_options(parser, "of a commit's traces; default: any")
    add_bench_option(parser)


def stored_traces(options: argparse.Namespace) -> StoredTraces:
    """Returns what ``add_stored_traces_options`` added, with the configuration of the results."""
    from tbp.asv.stored_traces import StoredTraces

    find_config(options)

    return StoredTraces(options.config, options.results, options.machine, options.environment, tuple(options.bench))


def add_form_option(parser: argparse.ArgumentParser, flag: str, form: str) -> None:
    """Adds a form that goes to a file, or in place of the table to stdout."""
    group_of(parser, OUTPUT).add_argument(
        flag,
        type=Path,
        nargs="?",
        const=STDOUT,
        metavar="FILE",
        help=f"{form}; without FILE to stdout, and nothing else there",
    )


def add_comparison_options(parser: argparse.ArgumentParser) -> None:
    """Adds the forms of a comparison and what becomes of its exit code."""
    add_form_option(parser, "--json", "as JSON")
    add_form_option(parser, "--markdown", "as a comment on a pull request")
    group_of(parser, OUTPUT).add_argument("--junit", type=Path, metavar="FILE", help="as JUnit XML")
    group_of(parser, OUTPUT).add_argument("--svg", type=Path, metavar="FILE", help="as a picture of the effects")
    group_of(parser, VERDICT).add_argument("--strict", action="store_true", help="exit with 5 if anything is undecided")
    group_of(parser, OUTPUT).add_argument(
        "--verbose", action="store_true", help="list what did not change or was skipped too"
    )
    add_exit_zero_option(parser)


def percent(text: str) -> float:
    """A share, of which ``5`` and ``5%`` both are 0.05."""
    value = float(text.removesuffix("%"))
    if not 0 < value < 100:
        raise argparse.ArgumentTypeError("must be above 0 and below 100")
    return value / 100


def minutes(text: str) -> float:
    """A number above 0."""
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError("must be above 0")
    return value


def minutes_or_none(text: str) -> float:
    """A number of at least 0."""
    value = float(text)
    if not value >= 0:
        raise argparse.ArgumentTypeError("must be at least 0")
    return value


def machine_name(text: str) -> str:
    """A name of a folder, as asv makes one of it in the results."""
    if not re.fullmatch(r"\w[\w.+ -]{0,99}", text):
        raise argparse.ArgumentTypeError("must be a letter or digit and up to 99 more, or any of . _ + - and spaces")
    return text


def count(text: str) -> int:
    """A number of at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number
