"""Writes the site: every page, the charts' data and the static files, each file replaced whole.

Takes ``ReportData`` and a folder. What the pages say belongs to ``summary`` and ``detail``.

    index.html  changes.html …  benchmarks/*.html  data/index.js  data/layout.js  data/*.js  static/*
    summary.json  points.csv  feed.xml
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from tbp import __version__
from tbp.asv.whole_files import write_whole
from tbp.errors import UsageError
from tbp.report import figures, flame, words
from tbp.report.data_files import points, points_file, summary_json
from tbp.report.detail import benchmark_page
from tbp.report.feed import feed_xml
from tbp.report.index_data import index_data
from tbp.report.model import ReportData
from tbp.report.pages import MARK, Frame, benchmark_html, index_html, script_call
from tbp.report.single import single_file
from tbp.report.summary import summary
from tbp.report.views import views

INDEX = "index.html"
SINGLE = "report.html"
DATA_FILES = ("summary.json", "points.csv", "points.csv.gz", "feed.xml")


def write_site(data: ReportData, out: Path) -> Path:
    """The site of ``data`` in ``out``; gives the path of its index.html.

    The same data gives the same bytes. The index is put in place last, so that it never links to a page that is not
    there. Pages of an earlier site in ``out`` are removed, other files are left alone; raises ``UsageError`` if
    ``out`` cannot be written or holds an index.html that is not a site's.
    """
    index = out / INDEX
    try:
        out.mkdir(parents=True, exist_ok=True)
        if index.exists() and not _is_ours(index):
            raise UsageError(f"{index} was not written by tbp; choose an empty folder for the report")
        foreign = [] if index.exists() else [name for name in DATA_FILES if (out / name).exists()]
        if foreign:
            raise UsageError(f"{out / foreign[0]} was not written by tbp; choose an empty folder for the report")
        with tempfile.TemporaryDirectory(prefix=".tbp-", dir=out) as folder:
            written = [_write(Path(folder), name, content) for name, content in _contents(data)]
            for name in sorted(written, key=lambda name: name == INDEX):
                (out / name).parent.mkdir(exist_ok=True)
                Path(folder, name).replace(out / name)
        _remove_stale(out, set(written))
    except OSError as error:
        raise UsageError(f"cannot write the report to {out}: {error}") from error
    return index


def write_single_file(data: ReportData, out: Path) -> Path:
    """The whole site as one file, ``out`` itself where it ends in .html, else report.html in it; gives its path.

    Raises ``UsageError`` if it cannot be written, or is there and not a report.
    """
    path = out if out.suffix == ".html" else out / SINGLE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not _is_ours(path):
            raise UsageError(f"{path} was not written by tbp; choose another name for the report")
        write_whole(path, single_file(dict(_pages(data, is_single=True)), INDEX))
    except OSError as error:
        raise UsageError(f"cannot write the report to {path}: {error}") from error
    return path


def _contents(data: ReportData) -> Iterator[tuple[str, bytes]]:
    """Every file of the site: its name, relative to the site, and its bytes."""
    yield from _pages(data)
    yield "summary.json", summary_json(data)
    yield points_file(data), points(data)
    yield "feed.xml", feed_xml(data)


def _pages(data: ReportData, is_single: bool = False) -> Iterator[tuple[str, bytes]]:
    """The pages and what they need."""
    newest = words.moment(data.newest.date) if data.newest else ""
    frame = Frame(data.project, newest, __version__, is_single=is_single, points=points_file(data))
    found = summary(data)
    yield INDEX, index_html(found, frame).encode()
    if data.histories:
        yield "data/index.js", script_call("tbp.index", index_data(found)).encode()
    below = replace(frame, root="../")
    for benchmark in sorted({history.key.benchmark for history in data.histories}):
        page = benchmark_page(benchmark, data)
        yield page.file, benchmark_html(page, below).encode()
        yield page.data_file, script_call("tbp.chart", page.chart.payload).encode()
        for name, payloads in flame.data_files(own for section in page.sections for own in section.flames):
            yield name, "".join(script_call("tbp.flame", payload) for payload in payloads).encode()
    if data.histories:
        yield "data/layout.js", script_call("tbp.layout", figures.layout()).encode()
    yield from views(data, frame)
    static = files("tbp.report").joinpath("static")
    for file in sorted(static.iterdir(), key=lambda file: file.name):
        is_needed = data.histories or not file.name.startswith("plotly")
        if is_needed and (is_single or file.name != "single.js"):
            yield f"static/{file.name}", file.read_bytes()


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
