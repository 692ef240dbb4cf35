"""``tbp report``: the site of some results, built unless it stands already, and what is to be said of it.

What takes long to import is imported when there is something to build.
"""

from __future__ import annotations

import os
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tbp.errors import UsageError
from tbp.project.asv_config import ACKS, AsvConfig, configuration, own_config, results_folder
from tbp.report.parts.addresses import INDEX
from tbp.report.site.unchanged import Inputs, Present, Said, note, said_before
from tbp.system import cache

if TYPE_CHECKING:
    from tbp.asv.result_folder import Reading
    from tbp.report.base.report_data import ReportData
    from tbp.report.site.load import Stored

SINGLE = "report.html"
_BLAS_THREADS = "OPENBLAS_NUM_THREADS"
# Of the last report: taking it apart takes as long as writing it, and a command ends first.
_kept: list[object] = []


class Wanted(NamedTuple):
    """What the command line asks for."""

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
        if not self.is_single:
            return self.out / INDEX
        return self.out if self.out.suffix == ".html" else self.out / SINGLE


def report(wanted: Wanted) -> Said:
    """The site is in ``wanted.out`` when this returns.

    Raises:
        NothingMeasured: there is no result.
        UsageError: something cannot be read, written or meant.
    """
    config = configuration(wanted.config, wanted.results, wanted.branch)
    if wanted.branch and own_config(config, wanted.results) is None:
        raise UsageError(
            f"--branch {wanted.branch}: these results are not those of asv.conf.json; leave one of the two"
        )
    index = wanted.first_page
    # Looked at before anything is read, so that what changes meanwhile is seen the next time.
    with Present(inputs(wanted, config)) as present:
        before = said_before(index, present)
        if before is not None:
            return before
        return _built(wanted, config, present)


def inputs(wanted: Wanted, config: AsvConfig | None) -> Inputs:
    """All that the site is made from."""
    own = () if config is None else (config.path, config.policy_file, config.acks_file)
    named = wanted.acks or ACKS  # where the results are from elsewhere
    repository = config.repository if config is not None else None
    return Inputs(results_folder(config, wanted.results), (*own, named), repository, repr((wanted, Path.cwd())))


def said_of(data: ReportData, index: Path) -> Said:
    """What was found, a line per event with a change that stands, and where the report is."""
    from tbp.model.changes import State
    from tbp.project.directions import undirected
    from tbp.report.pages.index.notes import first
    from tbp.report.parts.series_order import ranked
    from tbp.report.parts.verdict_sentence import verdict
    from tbp.report.site.load import standing_regressions
    from tbp.report.site.terminal import event_lines

    histories = ranked(data.histories)
    found = event_lines(data, histories)
    changed = [history.key.benchmark for history in histories if history.state is State.CHANGED]
    remark = [undirected(changed)] if changed else []
    opening = [preface.said] if (preface := first(data)) is not None else []
    return Said(
        lines="\n".join([*opening, verdict(histories, data), *found, *remark, f"report: {index.resolve()}"]),
        problems="\n".join(f"tbp: {problem}" for problem in data.problems),
        is_regressed=bool(standing_regressions(data.histories)),
    )


def _built(wanted: Wanted, config: AsvConfig | None, present: Present) -> Said:
    """Most of it takes as long to import as to do, so each import stands where others are at work meanwhile."""
    from tbp.asv.result_folder import Reading
    from tbp.system.worker_pool import Workers

    forget()
    index = wanted.first_page
    with Workers() as workers:
        reading = Reading(inputs(wanted, config).results_dir, workers, seen=present.seen)
        held = _stored(wanted, config, present, reading)
        from tbp.report.site.load import View, judged

        workers.later(partial(import_module, "tbp.report.site.build"))
        if cache.folder() is not None:
            workers.later(lambda: (present.fingerprint, cache.code_version()))
        data = judged(held, workers, View(wanted.acks, wanted.base))
        from tbp.report.site.build import write_files, write_single_file

        if wanted.is_single:
            names: tuple[str, ...] = (write_single_file(data, index).name,)
        else:
            names = write_files(data, wanted.out, workers)
        said = said_of(data, index)
        note(index, present, names, said)
    _kept[:] = present, held, data
    return said


def forget() -> None:
    """Free what the last report was made from, for a process that goes on."""
    _kept.clear()


def _stored(wanted: Wanted, config: AsvConfig | None, present: Present, reading: Reading) -> Stored:
    from tbp.project.commits import asked_of

    own = own_config(config, wanted.results)
    present.hear_git()
    with asked_of(own) as asked:
        _import_numpy()
        from tbp.report.site.load import stored

        return stored(config, wanted.results, reading, asked)


def _import_numpy() -> None:
    """Without the threads of its linear algebra: a report gives them nothing to do, and at first they wait busily."""
    asked = os.environ.get(_BLAS_THREADS)
    os.environ.setdefault(_BLAS_THREADS, "1")
    try:
        import numpy as np  # noqa: F401 - for its effect
    finally:
        if asked is None:
            del os.environ[_BLAS_THREADS]
