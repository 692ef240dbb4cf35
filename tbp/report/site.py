"""Writes the site: every page, the charts' data and the static files, each file replaced whole.

Takes ``ReportData`` and a folder. What the pages say belongs to ``summary`` and ``detail``.

    index.html  changes.html …  benchmarks/*.html  data/layout.js  data/*.js  static/*
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from tbp import __version__
from tbp.errors import UsageError
from tbp.report import figures, words
from tbp.report.detail import benchmark_page
from tbp.report.flame import data_files
from tbp.report.model import ReportData
from tbp.report.pages import MARK, Frame, benchmark_html, index_html, script_call
from tbp.report.summary import summary
from tbp.report.views import views

INDEX = "index.html"


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
        with tempfile.TemporaryDirectory(prefix=".tbp-", dir=out) as folder:
            written = [_write(Path(folder), name, content) for name, content in _contents(data)]
            for name in sorted(written, key=lambda name: name == INDEX):
                (out / name).parent.mkdir(exist_ok=True)
                Path(folder, name).replace(out / name)
        _remove_stale(out, set(written))
    except OSError as error:
        raise UsageError(f"cannot write the report to {out}: {error}") from error
    return index


def _contents(data: ReportData) -> Iterator[tuple[str, bytes]]:
    """Every file of the site: its name, relative to the site, and its bytes."""
    frame = Frame(data.project, words.moment(data.built), __version__)
    yield INDEX, index_html(summary(data), frame).encode()
    below = replace(frame, root="../")
    for benchmark in sorted({history.key.benchmark for history in data.histories}):
        page = benchmark_page(benchmark, data)
        yield page.file, benchmark_html(page, below).encode()
        yield page.data_file, script_call("tbp.chart", page.chart.payload).encode()
        for name, payloads in data_files(own for section in page.sections for own in section.flames):
            yield name, "".join(script_call("tbp.flame", payload) for payload in payloads).encode()
    if data.histories:
        yield "data/layout.js", script_call("tbp.layout", figures.layout()).encode()
    yield from views(data, frame)
    static = files("tbp.report").joinpath("static")
    for file in sorted(static.iterdir(), key=lambda file: file.name):
        if data.histories or not file.name.startswith("plotly"):
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
    """Removes pages and data of benchmarks that are no more; only files that carry the mark."""
    for path in [*out.glob("benchmarks/*.html"), *out.glob("data/*.js")]:
        name = path.relative_to(out).as_posix()
        if name not in written and path.is_file() and not path.is_symlink() and _is_ours(path):
            path.unlink()
