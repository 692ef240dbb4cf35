"""Results of asv as frames: every value, and all that a report says of them."""

from __future__ import annotations

import warnings
from pathlib import Path

import pandas as pd
from msgspec.structs import replace

from tbp.api.arguments import FilePath, path_or_none
from tbp.asv.results import Results, read_results
from tbp.errors import UsageError
from tbp.project.asv_config import configuration
from tbp.project.config_of_results import config_of_results
from tbp.report.data.frames import ReportFrames, report_frames
from tbp.report.site.load import View
from tbp.report.site.load import report_data as loaded
from tbp.system.foreign_text import line_of


def load(
    results_dir: FilePath | None = None,
    *,
    store: str = "",
    project: str = "",
    benchmark: str = "",
    machine: str = "",
    environment: str = "",
) -> pd.DataFrame:
    """Every value of an asv results folder, one row per benchmark, parameters, machine, environment and commit.

    ``store`` is read in its place: a folder or URL that `tbp ingest` wrote, of ``project`` if it has several. There,
    ``benchmark``, ``machine`` and ``environment``, whole names, choose what is read: nothing else is opened.

    | column | dtype | |
    | --- | --- | --- |
    | ``benchmark`` | category | asv's name |
    | ``parameters`` | category | ``((name, value), …)`` in asv's order; ``()`` without parameters |
    | ``machine``, ``environment``, ``commit`` | category | the commit as its full hash |
    | ``date`` | datetime64[ms, UTC] | of the commit |
    | ``outcome`` | category | ``"measured"``, ``"failed"`` or ``"skipped"`` |
    | ``value`` | float64 | in ``unit``, per call: the median of the samples, or what ``track_`` returned; else NaN |
    | ``q25``, ``q75`` | float64 | quartiles of the samples, in ``unit``; NaN where asv kept none |
    | ``number`` | float64 | calls timed together; NaN where asv kept none |
    | ``version`` | category | of the benchmark: values of two versions measure two things |
    | ``unit``, ``type`` | category | ``"seconds"``, ``"bytes"``, …; ``"time"``, ``"peakmemory"``, ``"track"``, … |
    | ``python`` | category | ``"3.11"`` |
    | ``requirements`` | category | ``"numpy=1.26;torch="``: as asv was asked for them |
    | ``hardware`` | category | ``"cpu=…;num_cpu=…;…;gpu=…"``: all that the run says of its machine; empty for nothing |
    | ``started`` | datetime64[ms, UTC] | when the benchmark's measuring began; NaT where the file does not say |

    >>> frame = tbp.load("results")
    >>> len(frame), frame["benchmark"].nunique(), frame["commit"].nunique()
    (72, 3, 8)

    Needs neither asv nor torch. Files that cannot be used are left out, with one warning that says which and what to
    do. What was read is kept in ``~/.cache/tbp`` where that saves time, unless ``TBP_NO_CACHE`` is set.

    Raises:
        tbp.errors.NothingMeasured: there is no such folder or store, or no usable result in it.
        tbp.errors.UsageError: the arguments cannot be meant together, or what a store needs is not installed.
    """
    if store and results_dir is None:
        results = _of_store(store, project, benchmark, machine, environment)
    elif results_dir is not None and not any((store, project, benchmark, machine, environment)):
        results = read_results(Path(results_dir))
    else:
        raise UsageError("name a results folder alone, or a store and what is wanted of it")
    if results.problems:
        shown = "\n".join(map(line_of, results.problems[:3]))
        rest = f"\n… and {len(results.problems) - 3} more" if len(results.problems) > 3 else ""
        warnings.warn(f"{shown}{rest}", stacklevel=2)
    return results.frame


def _of_store(store: str, project: str, benchmark: str, machine: str, environment: str) -> Results:
    from tbp.dataset.source import store_source

    source = store_source(store, project)
    benchmarks = (benchmark,) if benchmark else ()
    wanted = replace(source.wanted, benchmarks=benchmarks, machine=machine, environment=environment)
    return replace(source, wanted=wanted).results()


def report_data(
    results_dir: FilePath | None = None,
    *,
    config: FilePath | None = None,
    branch: str = "",
    base: str = "",
    acks: FilePath | None = None,
) -> ReportFrames:
    """All that `tbp report` says of a results folder, as pandas frames: nothing is written.

    The project of the folder (its name, repository, ``[tool.tbp]`` and acks.toml) is that of the asv.conf.json beside
    or above it, or of ``config``; without ``results_dir``, the results are those that the configuration names, by
    default that in the current folder. ``branch``, ``base`` and ``acks`` are as those of `tbp report`.

    The result has ``project``, ``verdict``, ``problems`` and three frames. Values are in ``unit``, times in seconds per
    call; effects, intervals and noises are relative, 0.1 is 10 %; dates are datetime64[ms, UTC].

    | frame | a row for | columns |
    | --- | --- | --- |
    | ``series`` | each series, worst first | ``benchmark``, ``parameters``, ``machine``, ``environment`` as in ``load``; ``state``, ``finding``, ``unit``, ``better``; ``value``, the newest; ``before``, ``after`` and ``effect`` of all its changes together; ``noise_within``, ``noise_between``, ``runs``; ``commit``, ``date``, ``subject`` of the last run; ``page`` |
    | ``changes`` | each change of a series | the same four; ``commit``, ``date``, ``subject`` of the first run at the new level; ``last_before``, ``commits``, ``event``; ``before``, ``after``, ``effect``, ``low``, ``high``, ``p_value``; ``confirmed``, ``doubt``, ``kind``, ``what``, ``is_worse``, ``is_recovery``, ``counted``; ``acknowledged``, ``status``, ``owner``, ``link``; ``operators``, a list of sentences |
    | ``events`` | each event, newest first; its index is ``event`` | ``commit``, ``date``, ``subject``, ``last_before``, ``commits``, ``kind``, ``what``; the number of ``series``, ``suspects``, ``benchmarks``, ``machines``; ``least_effect`` and ``most_effect``; ``seen``, ``status``, ``owner``, ``link`` |

    >>> report = tbp.report_data("results")
    >>> sorted(set(report.changes[report.changes["confirmed"]]["commit"].str[:8]))
    ['ca4fdcd0', 'ed5bf5e8']

    Raises:
        tbp.errors.NothingMeasured: there is no usable result.
        tbp.errors.UsageError: a file of the project cannot be read, or an argument cannot be meant.
    """  # noqa: E501 - rows of a table
    folder, path = path_or_none(results_dir), path_or_none(config)
    if path is None and folder is not None:
        path = config_of_results(folder).path
    project = configuration(path, folder, branch) if path is not None or folder is None else None
    return report_frames(loaded(project, folder, View(path_or_none(acks), base)))
