"""Writes the site: every page, the charts' data and the static files, each file replaced whole.

Takes ``ReportData`` and a folder. What the pages say belongs to ``summary`` and ``detail``.

    index.html  changes.html …  benchmarks/*.html  data/index.js  data/benchmarks.js  data/layout.js  data/commits.js
    data/*.js  static/*
    summary.json  points.csv  feed.xml
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from itertools import chain
from pathlib import Path

from msgspec.structs import replace

from tbp import __version__
from tbp.asv.whole_files import write_whole
from tbp.cache.digests import digest
from tbp.cache.known_pages import KnownPages
from tbp.errors import UsageError
from tbp.report import figures, words
from tbp.report.addresses import INDEX
from tbp.report.benchmark_files import Wanted, benchmark_files, files_of_all, shared_by_pages, wanted
from tbp.report.chart_data import commits_payload, site_commits
from tbp.report.charts import charts_page
from tbp.report.compression_data import groups
from tbp.report.data_files import points, points_file, summary_json
from tbp.report.feed import feed_xml
from tbp.report.index_data import index_data
from tbp.report.model import ReportData
from tbp.report.neighbours import benchmark_list
from tbp.report.pages import MARK, Frame, index_html, page_html, script_call
from tbp.report.single import single_file
from tbp.report.summary import summary
from tbp.report.views import views
from tbp.scale.workers import Workers, batched

SINGLE_SCRIPT = "static/single.js"  # of a report of one file only
DATA_FILES = ("summary.json", "points.csv", "points.csv.gz", "feed.xml")
DRAWN_S = 10e-6  # about what a run takes to be drawn on a page on a slow core
BATCH_RUNS = 20_000  # drawn at a time: a fifth of a second


def write_site(data: ReportData, out: Path, workers: Workers | None = None) -> Path:
    """The site of ``data`` in ``out``; gives the path of its index.html. See ``write_files``."""
    write_files(data, out, workers)
    return out / INDEX


def write_files(data: ReportData, out: Path, workers: Workers | None = None) -> tuple[str, ...]:
    """The site of ``data`` in ``out``; gives the names of its files, relative to it.

    The same data gives the same bytes. What is there already is left as it is, and pages that did not change since the
    last time are not made again (see ``tbp.cache.known_pages``). The index is put in place last, so that it never links
    to a page that is not there. Pages of an earlier site in ``out`` are removed, other files are left alone; raises
    ``UsageError`` if ``out`` cannot be written or holds an index.html that is not a site's.
    """
    index = out / INDEX
    try:
        out.mkdir(parents=True, exist_ok=True)
        if index.exists() and not _is_ours(index):
            raise UsageError(f"{index} was not written by tbp; choose an empty folder for the report")
        foreign = [] if index.exists() else [name for name in DATA_FILES if (out / name).exists()]
        if foreign:
            raise UsageError(f"{out / foreign[0]} was not written by tbp; choose an empty folder for the report")
        known = KnownPages(out)
        names: list[str] = []
        with tempfile.TemporaryDirectory(prefix=".tbp-", dir=out) as folder:
            written = []
            for name, content in _contents(data, known, workers or Workers(1)):
                names.append(name)
                if content is not None and not _is_there(out / name, content):
                    written.append(_write(Path(folder), name, content))
            for name in sorted(written, key=lambda name: name == INDEX):
                (out / name).parent.mkdir(exist_ok=True)
                Path(folder, name).replace(out / name)
        _remove_stale(out, set(names))
        known.save()
    except OSError as error:
        raise UsageError(f"cannot write the report to {out}: {error}") from error
    return tuple(names)


def write_single_file(data: ReportData, path: Path) -> Path:
    """The whole site as one file at ``path``. Raises ``UsageError`` if it cannot be written, or is no report."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not _is_ours(path):
            raise UsageError(f"{path} was not written by tbp; choose another name for the report")
        frame = replace(_frame(data), is_single=True)
        contents = {INDEX: b"", **dict(_shared(data, frame))}
        for own in wanted(data, frame):
            contents |= benchmark_files(own)
        write_whole(path, single_file(contents, INDEX))
    except OSError as error:
        raise UsageError(f"cannot write the report to {path}: {error}") from error
    return path


def _contents(data: ReportData, known: KnownPages, workers: Workers) -> Iterator[tuple[str, bytes | None]]:
    """Every file of the site: its name, relative to the site, and its bytes; None for one that stands already."""
    frame = _frame(data)
    # The workers begin with these, and this process does the rest meanwhile.
    pages = _benchmarks(data, frame, known, workers)
    rows = points(data, workers)
    yield from ((name, content) for name, content in _shared(data, frame) if name != SINGLE_SCRIPT)
    yield "summary.json", summary_json(data)
    yield "feed.xml", feed_xml(data)
    yield from pages
    yield points_file(data), b"".join(rows)


def _frame(data: ReportData) -> Frame:
    newest = words.moment(data.newest.date) if data.newest else ""
    has_compression = bool(groups(data.histories))
    return Frame(data.project, newest, __version__, points=points_file(data), has_compression=has_compression)


def _shared(data: ReportData, frame: Frame) -> Iterator[tuple[str, bytes]]:
    """The files that are of no single benchmark."""
    found = summary(data)
    yield INDEX, index_html(found, frame).encode()
    yield "charts.html", page_html("charts.html", charts_page(found), frame).encode()
    if data.histories:
        yield "data/index.js", script_call("tbp.index", index_data(found)).encode()
        yield "data/benchmarks.js", script_call("tbp.benchmarks", benchmark_list(found)).encode()
        yield "data/layout.js", script_call("tbp.layout", figures.layout()).encode()
        commits = commits_payload(site_commits(data), data.commit_url)
        yield "data/commits.js", script_call("tbp.commits", commits).encode()
    yield from views(data, frame)
    static = files("tbp.report").joinpath("static")
    for file in sorted(static.iterdir(), key=lambda file: file.name):
        if data.histories or not file.name.startswith("plotly"):
            yield f"static/{file.name}", file.read_bytes()


def _benchmarks(
    data: ReportData, frame: Frame, known: KnownPages, workers: Workers
) -> Iterator[tuple[str, bytes | None]]:
    """The files of every benchmark, those first that stand already."""
    asked = wanted(data, frame)
    keys = dict.fromkeys((own.benchmark for own in asked), b"")
    if known.is_noted:
        # Of the site's commits a page has the places of its own: one more at the end changes no other page.
        shared = digest(replace(shared_by_pages(data), commits=()), frame)
        keys = {own.benchmark: digest(shared, *own.key) for own in asked}
    standing: list[str] = []
    new: list[Wanted] = []
    for own in asked:
        names = known.standing(own.benchmark, keys[own.benchmark])
        standing += names
        new += [] if names else [own]
    runs = [own.runs for own in new]
    batches = batched(new, runs, workers.share(sum(runs), BATCH_RUNS))
    expected_s = sum(runs) * DRAWN_S
    made = workers.map(files_of_all, batches, expected_s)
    return chain(((name, None) for name in standing), _noted(new, chain.from_iterable(made), keys, known))


def _noted(
    asked: Sequence[Wanted], made: Iterable[Mapping[str, bytes]], keys: Mapping[str, bytes], known: KnownPages
) -> Iterator[tuple[str, bytes]]:
    """What was made, and noted as that."""
    for own, contents in zip(asked, made, strict=True):
        known.made(own.benchmark, keys[own.benchmark], contents)
        yield from contents.items()


def _is_there(path: Path, content: bytes) -> bool:
    try:
        return path.stat().st_size == len(content) and not path.is_symlink() and path.read_bytes() == content
    except OSError:
        return False


def _write(folder: Path, name: str, content: bytes) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return name


def _is_ours(path: Path) -> bool:
    with path.open("rb") as file:
        return MARK.encode() in file.read(200)


def _remove_stale(out: Path, written: set[str]) -> None:
    """Removes pages and data of benchmarks that are no more; only files that carry the mark, and the data files."""
    for name in set(DATA_FILES) - written:
        (out / name).unlink(missing_ok=True)
    for path in [*out.glob("benchmarks/*.html"), *out.glob("data/*.js")]:
        name = path.relative_to(out).as_posix()
        if name not in written and path.is_file() and not path.is_symlink() and _is_ours(path):
            path.unlink()
