"""The report's charts for notebooks: each function takes results or traces and gives a ``plotly.graph_objects.Figure``.

The results are asv's folder, or rows of the frame of ``tbp.load``: choose rows to choose series. Commits are ordered by
their dates. What moved is found as the report finds it, without what sessions, traces and acknowledgements add; all of
that is in ``tbp.report_data``. ``compare`` takes a folder, with its sessions and its project.
"""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from tbp.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from tbp.model.changes import History
    from tbp.traces.frames.frames import Frames
    from tbp.traces.operators.operators import TraceSession

FilePath: TypeAlias = "str | PathLike[str]"
ResultSource: TypeAlias = "FilePath | pd.DataFrame"
TraceFiles: TypeAlias = "FilePath | Sequence[FilePath]"  # several are sessions of one benchmark

NAME_LENGTH = 36  # characters of a file in a title, which has two of them in 1,000 pixels
MOST_NAMED = 20
"""Names in a message; the rest is counted."""


def history(source: ResultSource, benchmark: str, *, is_dark: bool = False) -> go.Figure:
    """The history of every series of ``benchmark``: runs with quartiles, levels, changes and breaks.

    A legend entry switches its series off and on. Raises ``UsageError`` where there is no such benchmark.
    """
    from tbp.figures.history import history_figure
    from tbp.report.parts.series_names import dimensions, series_name
    from tbp.report.parts.series_order import ranked

    series = ranked(_histories(source, benchmark))
    differ = dimensions([each.key for each in series])
    return history_figure(series, [series_name(each.key, differ) for each in series], is_dark=is_dark)


def growth(source: ResultSource, benchmark: str, parameter: str, *, is_dark: bool = False) -> go.Figure:
    """The newest values of ``benchmark`` over a numeric parameter, both axes logarithmic.

    Raises ``UsageError`` where there is no such benchmark, or fewer than three sizes of ``parameter``.
    """
    from tbp.report.parts.growth import CHARTED, scalings
    from tbp.report.parts.series_names import dimensions

    series = _histories(source, benchmark)
    known = scalings(series, dimensions([each.key for each in series]))
    chart = next((scaling.chart for scaling in known if scaling.parameter == parameter), None)
    if chart is None:
        charted = [scaling.parameter for scaling in known if scaling.chart is not None]
        raise UsageError(
            f"{benchmark} has no {CHARTED} sizes of {parameter} with a value; {_named(charted, 'parameters that have')}"
        )
    return _themed(chart, is_dark)


def compression(source: ResultSource, suite: str, *, against: str = "size", is_dark: bool = False) -> go.Figure:
    """The variants of a compressed model by their time, and by ``against``: "size" or "error".

    ``suite`` is the class of the benchmarks, as in the heading of the report's page. Where it has several models,
    choose the rows of the frame that are of one. Raises ``UsageError`` where that is not one model.
    """
    from tbp.report.pages.compression.page import cost_charts
    from tbp.report.pages.compression.variants import groups

    models = groups(_histories(source))
    charts = [cost_charts(model) for model in models if model.suite == suite]
    if len(charts) != 1:
        suites = sorted({model.suite for model in models})
        raise UsageError(f"{suite} has {len(charts)} models with time and size; {_named(suites, 'suites that have')}")
    chart = next((chart for chart in charts[0] if chart.name == f"Time against {against}"), None)
    if chart is None:
        raise UsageError(f"the variants of {suite} have no {against}; against may be 'size' or 'error'")
    return _themed(chart.figure, is_dark)


def compare(
    results_dir: FilePath,
    baseline: str,
    contender: str,
    *,
    bench: str | Sequence[str] = (),
    machine: str = "",
    environment: str = "",
    is_dark: bool = False,
) -> go.Figure:
    """Two stored commits as `tbp compare` judges them: the effect on each benchmark in percent, with its interval.

    ``baseline`` and ``contender`` are revisions of the project's repository, or beginnings of hashes. ``bench`` are
    regular expressions on ``name(parameters)``, as in `asv run`. Marks to the right have larger values: longer times.
    Raises ``UsageError`` where a revision has no result, or the machine is not clear, and ``NothingMeasured`` without
    results of both.
    """
    from tbp.comparison.stored_commits import CompareRequest, compared
    from tbp.figures.comparison import comparison_figure
    from tbp.project.asv_config import read_config
    from tbp.project.config_of_results import config_of_results

    path = config_of_results(Path(results_dir)).path
    request = CompareRequest(
        baseline, contender, machine, environment, (bench,) if isinstance(bench, str) else tuple(bench)
    )
    comparison = compared(read_config(path) if path is not None else None, Path(results_dir), request)
    return comparison_figure(comparison, is_dark)


def flame(trace: TraceFiles, before: TraceFiles | None = None, *, clock: str = "", is_dark: bool = False) -> go.Figure:
    """The flame graph of a trace: a bar for each frame, as wide as its time in a step, below the one that called it.

    With ``before`` the bars are those of ``trace``, red where a frame takes longer than before, blue where shorter,
    purple where it is new, and faint where that may be noise. Several files are sessions of one benchmark. ``clock`` is
    "host" or "device"; by default the device's where there is one. Raises ``UsageError`` where there is nothing to
    draw, and ``UnreadableTrace`` where a file cannot be read.
    """
    from tbp.figures.flame import flame_figure
    from tbp.report.parts.flame import CLOCKS
    from tbp.report.parts.flame_bars import bars_of, bars_of_difference
    from tbp.traces.differences.difference import difference
    from tbp.traces.differences.frame_difference import frame_difference, pruned_difference
    from tbp.traces.frames.frames import DRAWN_SHARE, MOST_DRAWN, pruned

    if clock not in ("", *CLOCKS):
        raise UsageError(f"clock must be 'host' or 'device', not {clock!r}")
    sessions, frames = _sessions(trace)
    name = _name(trace)
    if before is None:
        clock = clock or ("device" if frames.rows["device_ns"].sum() > 0 else "host")
        return flame_figure(bars_of(pruned(frames, DRAWN_SHARE, MOST_DRAWN), clock), name, is_dark)
    old_sessions, old_frames = _sessions(before)
    change = difference(old_sessions, sessions)
    both = pruned_difference(frame_difference(old_frames, frames), DRAWN_SHARE, MOST_DRAWN)
    title = f"{_name(before)} → {name}"
    return flame_figure(bars_of_difference(both, change, clock or change.clock), title, is_dark)


def memory(trace: FilePath, *, is_dark: bool = False) -> go.Figure:
    """The bytes allocated on each device over the time of a trace, with their peaks.

    Raises ``UsageError`` where the trace has no memory events, and ``UnreadableTrace`` where it cannot be read.
    """
    from tbp.figures.memory import memory_figure
    from tbp.traces.read_recording import read_recording

    rank = read_recording(Path(trace)).rank
    if rank is None or rank.memory is None:
        raise UsageError(f"{trace} has no memory events: record it with profile_memory=True")
    return memory_figure(rank.memory, is_dark)


def _paths(files: TraceFiles) -> Sequence[FilePath]:
    return [files] if isinstance(files, str | PathLike) else files


def _name(files: TraceFiles) -> str:
    """The name of the first file, with how many follow."""
    from tbp.wording import words

    first, *rest = _paths(files)
    return words.shortened(Path(first).name, NAME_LENGTH) + (f" and {len(rest)} more" if rest else "")


def _sessions(files: TraceFiles) -> tuple[Sequence[TraceSession], Frames]:
    """The sessions of the files, and the frames of all of them together."""
    from tbp.traces.differences.typical import typical_frames
    from tbp.traces.read_recording import read_recording

    sessions = [read_recording(Path(path)).session for path in _paths(files)]
    frames = typical_frames(sessions)
    if frames is None or not len(frames.rows):
        raise UsageError(f"{files} has no operator with callers in its steps: name a raw trace, or record it again")
    return sessions, frames


def _histories(source: ResultSource, benchmark: str | None = None) -> tuple[History, ...]:
    """The series of ``source``, or those of one benchmark, with what moved in them."""
    import tbp
    from tbp.asv.results import Results
    from tbp.asv.sessions import Sessions
    from tbp.history.build import histories
    from tbp.history.trace_evidence import no_trace
    from tbp.model.series import Commit
    from tbp.project.commits import Commits

    frame = tbp.load(Path(source)) if isinstance(source, str | PathLike) else source
    if benchmark is not None:
        chosen = frame[frame["benchmark"] == benchmark]
        if chosen.empty:
            known = sorted(frame["benchmark"].unique().tolist())
            raise UsageError(f"there is no result of {benchmark}; {_named(known, 'benchmarks')}")
        frame = chosen
    dates = frame[["commit", "date"]].drop_duplicates("commit").sort_values(["date", "commit"])
    rows = zip(dates["commit"].tolist(), dates["date"].tolist(), strict=True)
    order = tuple(Commit(commit, date.to_pydatetime()) for commit, date in rows)
    results = Results(_with_used_categories(frame), benchmarks={}, machines=())
    return histories(results, Sessions(()), Commits(order), no_trace)


def _with_used_categories(frame: pd.DataFrame) -> pd.DataFrame:
    """``frame`` without the categories that none of its rows has, as the readers of asv's files leave it."""
    used = {name: frame[name].cat.remove_unused_categories() for name in frame.select_dtypes("category").columns}
    return frame.assign(**used)


def _themed(figure: go.Figure, is_dark: bool) -> go.Figure:
    from tbp.figures.look import template

    return figure.update_layout(template=template(is_dark))


def _named(names: Sequence[str], kind: str) -> str:
    from tbp.wording import words

    return f"{kind}: {words.named(names, MOST_NAMED)}" if names else f"there are no {kind.removesuffix(' that have')}"
