"""``tbp report``: the site of a results folder, built unless it stands already."""

from __future__ import annotations

import argparse
import os
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tbp.commands.options import add_site_options
from tbp.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from tbp.asv.result_folder import Reading
    from tbp.project.asv_config import AsvConfig
    from tbp.report.site.load import Stored
    from tbp.report.site.terminal import ReportSummary
    from tbp.report.site.unchanged import Inputs, Present

HELP = "HTML from asv's results and the traces beside them"
DEFAULT_PORT = 8765
SINGLE = "report.html"
_BLAS_THREADS = "OPENBLAS_NUM_THREADS"
# Of the last report: taking it apart takes as long as writing it, and a command ends first.
_kept: list[object] = []


def add_options(parser: argparse.ArgumentParser) -> None:
    add_site_options(parser)
    parser.add_argument("--base", default="", metavar="REV", help="count only changes after this revision")
    parser.add_argument("--single-file", action="store_true", help="the whole site as DIR/report.html, to send")
    meaning = "serve the site on 127.0.0.1 until Ctrl-C"
    parser.add_argument("--serve", action="store_true", help=meaning)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, metavar="N", help="of --serve (default: %(default)s)")
    parser.add_argument("--open", action="store_true", help="open it in the browser")


def run(options: argparse.Namespace) -> ExitCode:
    """3 when a confirmed regression stands at the newest commit that nobody acknowledged."""
    from tbp.commands.output import print_summary, verdict_code
    from tbp.report.site.serve import serve, show

    files = (options.config, options.results, options.out, options.acks)
    request = ReportRequest(*files, options.base, options.single_file, options.branch)
    summary = report(request)
    print_summary(summary)
    if options.serve:
        forget()
        serve(request.first_page, options.port, options.open)
    elif options.open:
        show(request.first_page.resolve().as_uri())
    return verdict_code(summary.is_regressed, options.exit_zero)


class ReportRequest(NamedTuple):
    """The files to read and write, and how the site is to look."""

    config: Path | None
    results: Path | None
    out: Path
    acks: Path | None = None
    base: str = ""
    is_single: bool = False  # one file instead of a folder
    branch: str = ""  # in place of the configured one

    @property
    def first_page(self) -> Path:
        """The page that a reader opens."""
        from tbp.report.parts.addresses import INDEX

        if not self.is_single:
            return self.out / INDEX
        return self.out if self.out.suffix == ".html" else self.out / SINGLE


def report(request: ReportRequest) -> ReportSummary:
    """The site is in ``request.out`` when this returns.

    Raises:
        NothingMeasured: there is no result.
        UsageError: something cannot be read, written or meant.
    """
    from tbp.project.asv_config import configuration, own_config
    from tbp.report.site.terminal import ReportSummary
    from tbp.report.site.unchanged import Present, said_before

    config = configuration(request.config, request.results, request.branch)
    if request.branch and own_config(config, request.results) is None:
        raise UsageError(
            f"--branch {request.branch}: these results are not those of asv.conf.json; leave one of the two"
        )
    index = request.first_page
    # Looked at before anything is read, so that what changes meanwhile is seen the next time.
    with Present(inputs(request, config)) as present:
        before = said_before(index, present)
        if before is not None:
            return ReportSummary(*before)
        return _built(request, config, present)


def inputs(request: ReportRequest, config: AsvConfig | None) -> Inputs:
    """All that the site is made from."""
    from tbp.project.asv_config import ACKS, results_folder
    from tbp.report.site.unchanged import Inputs

    own = () if config is None else (config.path, config.policy_file, config.acks_file)
    named = request.acks or ACKS  # where the results are from elsewhere
    repository = config.repository if config is not None else None
    return Inputs(results_folder(config, request.results), (*own, named), repository, repr((request, Path.cwd())))


def _built(request: ReportRequest, config: AsvConfig | None, present: Present) -> ReportSummary:
    """Most of it takes as long to import as to do, so each import stands where others are at work meanwhile."""
    from msgspec.structs import astuple

    from tbp.asv.result_folder import Reading
    from tbp.report.site.unchanged import Said, note
    from tbp.system import cache
    from tbp.system.worker_pool import Workers

    forget()
    index = request.first_page
    with Workers() as workers:
        reading = Reading(inputs(request, config).results_dir, workers, seen=present.seen)
        held = _stored(request, config, present, reading)
        from tbp.report.site.load import View, judged

        workers.later(partial(import_module, "tbp.report.site.build"))
        if cache.folder() is not None:
            workers.later(lambda: (present.fingerprint, cache.code_version()))
        data = judged(held, workers, View(request.acks, request.base))
        from tbp.report.site.build import write_files, write_single_file

        if request.is_single:
            names: tuple[str, ...] = (write_single_file(data, index).name,)
        else:
            names = write_files(data, request.out, workers)
        from tbp.report.site.terminal import report_summary

        summed = report_summary(data, index)
        note(index, present, names, Said(*astuple(summed)))
    _kept[:] = present, held, data
    return summed


def forget() -> None:
    """Free what the last report was made from, for a process that goes on."""
    _kept.clear()


def _stored(request: ReportRequest, config: AsvConfig | None, present: Present, reading: Reading) -> Stored:
    from tbp.project.asv_config import own_config
    from tbp.project.commits import asked_of

    own = own_config(config, request.results)
    present.hear_git()
    with asked_of(own) as asked:
        _import_numpy()
        from tbp.report.site.load import stored

        return stored(config, request.results, reading, asked)


def _import_numpy() -> None:
    """Without the threads of its linear algebra: a report gives them nothing to do, and at first they wait busily."""
    asked = os.environ.get(_BLAS_THREADS)
    os.environ.setdefault(_BLAS_THREADS, "1")
    try:
        import numpy as np  # noqa: F401 - for its effect
    finally:
        if asked is None:
            del os.environ[_BLAS_THREADS]
