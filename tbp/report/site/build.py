"""Writes the site: every page, the charts' data and the static files, each file replaced whole.

Takes ``ReportData`` and a folder. What the pages say belongs to ``summary`` and ``detail``.

    index.html  changes.html …  benchmarks/*.html  data/index.js  data/benchmarks.js  data/layout.js  data/commits.js
    data/*.js  static/*
    summary.json  points.csv  feed.xml
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, islice
from operator import call
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import replace

from tbp import __version__
from tbp.errors import UsageError
from tbp.report.base.render import MARK, STATIC, Frame, index_html, page_html, script_call
from tbp.report.base.report_data import ReportData
from tbp.report.data import chart_layout
from tbp.report.data.history_chart import commits_payload, site_commits
from tbp.report.data.summary_and_points import points, points_file, summary_json
from tbp.report.pages.benchmark.files import Wanted, benchmark_files, files_of_all, shared_by_pages, wanted
from tbp.report.pages.charts import charts_page
from tbp.report.pages.compression.variants import groups
from tbp.report.pages.index.benchmark_list import benchmark_list
from tbp.report.pages.index.data import index_data
from tbp.report.pages.index.page import summary
from tbp.report.pages.views import Making, views
from tbp.report.parts.addresses import INDEX
from tbp.report.site.digests import digest
from tbp.report.site.known_pages import KnownPages, Made
from tbp.report.site.single_file import single_file
from tbp.system.whole_files import write_whole
from tbp.system.worker_pool import Workers
from tbp.wording import words

SINGLE_SCRIPT = "static/single.js"  # of a report of one file only
FOLDERS = ("benchmarks", "data", "static")
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
    last time are not made again (see ``tbp.report.site.known_pages``). The index is put in place last, so that it
    never links to a page that is not there. Pages of an earlier site in ``out`` are removed, other files are left
    alone; raises ``UsageError`` if ``out`` cannot be written or holds an index.html that is not a site's.
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
        # Others end before the folder goes that they write to, also where this process is interrupted.
        with tempfile.TemporaryDirectory(prefix=".tbp-", dir=out) as folder, workers or Workers(1) as own:
            place = _Place(out, Path(folder))
            put = list(_put_all(data, known, place, own))
            new = sorted((one.name for one in put if one.is_new), key=lambda name: name == INDEX)
            for part in {name.partition("/")[0] for name in new if "/" in name}:
                (out / part).mkdir(exist_ok=True)
            for name in new:
                (place.folder / name).replace(out / name)
        names = tuple(one.name for one in put)
        _remove_stale(out, set(names))
        known.save()
    except OSError as error:
        raise UsageError(f"cannot write the report to {out}: {error}") from error
    return names


def write_single_file(data: ReportData, path: Path) -> Path:
    """The whole site as one file at ``path``. Raises ``UsageError`` if it cannot be written, or is no report."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not _is_ours(path):
            raise UsageError(f"{path} was not written by tbp; choose another name for the report")
        frame = replace(_frame(data), is_single=True)
        contents: dict[str, bytes] = {}
        for making in _shared(data, frame):
            contents |= making()
        contents |= dict(_static(data))
        for own in wanted(data, frame):
            contents |= benchmark_files(own)
        write_whole(path, single_file(contents, INDEX))
    except OSError as error:
        raise UsageError(f"cannot write the report to {path}: {error}") from error
    return path


class _Put(NamedTuple):
    """A file of the site."""

    name: str  # relative to the site
    is_new: bool  # it is not there yet as it is to be, and waits in the folder of new files


class _Place:
    """Where a site is written: its new files are in ``folder`` until all of them can take their places in ``out``."""

    def __init__(self, out: Path, folder: Path) -> None:
        self.out, self.folder = out, folder
        for own in FOLDERS:
            (folder / own).mkdir()

    def put(self, contents: Mapping[str, bytes]) -> list[_Put]:
        """These files."""
        put = []
        for name, content in contents.items():
            is_new = not _is_there(self.out / name, content)
            if is_new:
                (self.folder / name).write_bytes(content)
            put.append(_Put(name, is_new))
        return put

    def put_made(self, making: Making) -> list[_Put]:
        """What ``making`` gives."""
        return self.put(making())

    def put_benchmarks(self, asked: Sequence[Wanted], shared: bytes | None) -> list[tuple[str, Made, list[_Put]]]:
        """The files of these benchmarks, with what is to be noted of each."""
        return [(own.benchmark, own.noted, self.put(own.contents)) for own in files_of_all(asked, shared)]


def _put_all(data: ReportData, known: KnownPages, place: _Place, workers: Workers) -> Iterator[_Put]:
    """Every file of the site, put by whoever made it."""
    frame = _frame(data)
    standing, batches, shared = _benchmarks(data, frame, known, workers)
    rows = points(data)
    pages = [partial(place.put_benchmarks, batch, shared) for batch in batches]
    others: list[Making] = [partial(_summary, data), partial(_feed, data), *_shared(data, frame)]
    # What takes longest comes first.
    makings: list[Callable[[], Any]] = [*rows, *pages, *(partial(place.put_made, making) for making in others)]
    expected_s = sum(len(own.points) for own in data.histories) * DRAWN_S
    made = workers.map(call, makings, expected_s)
    yield from (_Put(name, is_new=False) for name in standing)
    # Others are at work meanwhile.
    yield from place.put({name: content for name, content in _static(data) if name != SINGLE_SCRIPT})
    yield from place.put({points_file(data): b"".join(islice(made, len(rows)))})
    for benchmark, noted, put in chain.from_iterable(islice(made, len(pages))):
        known.made(benchmark, noted)
        yield from put
    yield from chain.from_iterable(made)


def _frame(data: ReportData) -> Frame:
    newest = words.moment(data.newest.date) if data.newest else ""
    has_compression = bool(groups(data.histories))
    return Frame(data.project, newest, __version__, points=points_file(data), has_compression=has_compression)


def _shared(data: ReportData, frame: Frame) -> list[Making]:
    """What makes the pages that are of no single benchmark, with their data."""
    return [partial(_index, data, frame), *views(data, frame)]


def _index(data: ReportData, frame: Frame) -> dict[str, bytes]:
    """The pages of all series, and the data that they share with others."""
    found = summary(data)
    pages = {
        INDEX: index_html(found, frame).encode(),
        "charts.html": page_html("charts.html", charts_page(found), frame).encode(),
    }
    if not data.histories:
        return pages
    commits = commits_payload(site_commits(data), data.commit_url)
    return pages | {
        "data/index.js": script_call("tbp.index", index_data(found)).encode(),
        "data/benchmarks.js": script_call("tbp.benchmarks", benchmark_list(found)).encode(),
        "data/layout.js": script_call("tbp.layout", chart_layout.layout()).encode(),
        "data/commits.js": script_call("tbp.commits", commits).encode(),
    }


def _summary(data: ReportData) -> dict[str, bytes]:
    return {"summary.json": summary_json(data)}


def _feed(data: ReportData) -> dict[str, bytes]:
    from tbp.report.data.atom_feed import (
        feed_xml,  # here, so that one process imports the library, and not while others wait
    )

    return {"feed.xml": feed_xml(data)}


def _static(data: ReportData) -> Iterator[tuple[str, bytes]]:
    for file in sorted(STATIC.iterdir()):
        name = f"static/{file.name}"
        if data.histories or not file.name.startswith("plotly"):
            yield name, file.read_bytes()


def _benchmarks(
    data: ReportData, frame: Frame, known: KnownPages, workers: Workers
) -> tuple[list[str], list[list[Wanted]], bytes | None]:
    """The files of benchmarks that stand already; the others to make, in batches; and a digest of what they share."""
    asked = wanted(data, frame)
    # Of the site's commits a page has the places of its own: one more at the end changes no other page.
    shared = digest(replace(shared_by_pages(data), commits=()), frame) if known.is_noted else None
    standing: list[str] = []
    new: list[Wanted] = []
    for own in asked:
        names = known.standing(own.benchmark, partial(own.key, shared)) if shared is not None else ()
        standing += names
        new += [] if names else [own]
    runs = [own.runs for own in new]
    return standing, workers.batched(new, runs, BATCH_RUNS), shared


def _is_there(path: Path, content: bytes) -> bool:
    try:
        return path.stat().st_size == len(content) and not path.is_symlink() and path.read_bytes() == content
    except OSError:
        return False


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
