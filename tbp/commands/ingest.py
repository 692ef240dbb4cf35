"""``tbp ingest``: results folders into a store of Parquet files."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tbp.commands.options import add_config_option, add_project_option
from tbp.errors import ExitCode, UsageError
from tbp.system.printing import say, warn

if TYPE_CHECKING:
    from tbp.dataset.compaction import Compacted
    from tbp.dataset.files import StoreFiles
    from tbp.dataset.ingest import Ingested
    from tbp.project.asv_config import AsvConfig

HELP = "put results folders into a store of Parquet files, which --store and `tbp sql` read"
EXAMPLES = (
    ("what is new in this project's results, into a folder", "tbp ingest .asv/results --store /data/tbp"),
    (
        "those of two runners into a bucket, and what a report finds in them",
        "tbp ingest runner-1/results runner-2/results --store s3://bench/tbp --judge",
    ),
    ("few large files instead of many small ones, once a night", "tbp ingest --store /data/tbp --compact"),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    meaning = "asv's results; what the store has of them already is passed over"
    parser.add_argument("results", type=Path, nargs="*", metavar="RESULTS", help=meaning)
    meaning = "the store: a folder, or a URL such as s3://bucket/path; made where there is none"
    parser.add_argument("--store", required=True, metavar="URI", help=meaning)
    add_config_option(parser)
    add_project_option(parser)
    meaning = "also keep what a report of the project finds, as the table of changes"
    parser.add_argument("--judge", action="store_true", help=meaning)
    meaning = "write many small files anew as few large ones, and remove what was replaced a day ago"
    parser.add_argument("--compact", action="store_true", help=meaning)


def run(options: argparse.Namespace) -> ExitCode:
    """Returns 0; what cannot be used of a folder is left out and named, as a report does it."""
    from tbp.dataset.compaction import compact
    from tbp.dataset.files import StoreFiles

    if not (options.results or options.compact):
        raise UsageError("name the results folders to ingest, or say --compact")
    store = StoreFiles(options.store)
    for project, config in dict.fromkeys(_ingest(store, folder, options) for folder in options.results):
        if options.judge:
            _judge(options.store, project, config)
    if options.compact:
        say(_compacted(compact(store, _now_ms()), store))
    return ExitCode.OK


def _ingest(store: StoreFiles, folder: Path, options: argparse.Namespace) -> tuple[str, AsvConfig | None]:
    """Adds what is new in one folder; the project it is of, with its configuration where there is one."""
    from tbp.dataset.ingest import ingest
    from tbp.project.asv_config import own_config, read_config, resolved
    from tbp.project.config_of_results import config_of_results
    from tbp.project.policy import Policy, read_policy

    path = options.config or config_of_results(folder).path
    config = own_config(read_config(path) if path is not None else None, folder)
    project = options.project or (config.project if config is not None else resolved(folder).name)
    policy = read_policy(config.policy_file) if config is not None else Policy()
    ingested = ingest(store, folder, project, policy.names, _now_ms())
    warn(*(f"tbp: {problem}" for problem in ingested.problems))
    say(_account(ingested, store))
    return project, config


def _account(ingested: Ingested, store: StoreFiles) -> str:
    from tbp.wording import words

    counts = {
        "run": ingested.runs,
        "value": ingested.points,
        "session": ingested.sessions,
        "trace": ingested.recordings,
    }
    added = words.joined([words.count(number, noun) for noun, number in counts.items() if number]) or "nothing new"
    known = f"; {words.count(ingested.known, 'file')} known already" if ingested.known else ""
    return f"{ingested.project}: {added} added to {store}{known}"


def _judge(uri: str, project: str, config: AsvConfig | None) -> None:
    from tbp.dataset.judged import change_rows
    from tbp.dataset.parts import put_part
    from tbp.dataset.source import store_source
    from tbp.report.data.frames import report_frames
    from tbp.report.site.load import report_data
    from tbp.wording import words

    source = store_source(uri, project)
    frames = report_frames(report_data(config, source))
    now_ms = _now_ms()
    put_part(source.store, [("changes", project, change_rows(project, now_ms, frames.changes))], now_ms)
    say(f"{project}: {words.count(len(frames.changes), 'change')} found: {frames.verdict}")


def _compacted(compacted: Compacted, store: StoreFiles) -> str:
    from tbp.wording import words

    removed = f"; {words.count(compacted.removed, 'file')} removed" if compacted.removed else ""
    return f"{store}: {words.count(compacted.files_before, 'file')} → {compacted.files_after:,}{removed}"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
