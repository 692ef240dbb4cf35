"""Writes the site: every page, the charts' data and the static files, each file replaced whole.

Takes ``ReportData`` and a folder. The content of the pages belongs to ``tbp.report.pages``.

    index.html  changes.html …  benchmarks/*.html  data/index.js  data/benchmarks.js  data/layout.js  data/commits.js
    data/search.js  data/*.js  static/*
    summary.json  points.csv  feed.xml
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from itertools import chain, islice
from operator import call
from pathlib import Path
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from tbp import __version__
from tbp.errors import UsageError
from tbp.report.base.digests import Digests
from tbp.report.base.render import SCRIPT_OF_SINGLE_FILE, STATIC, Frame, page_html, script_text, single_html
from tbp.report.base.report_data import ReportData
from tbp.report.data.atom_feed import feed_xml
from tbp.report.data.points_csv import points, points_file
from tbp.report.data.summary_json import summary_json
from tbp.report.pages import FORMER, PAGES, Page, PageData, data_of_pages, navigation, rendered, shown
from tbp.report.pages.benchmark.files import BenchmarkPageJob, benchmark_files, jobs, page_and_data
from tbp.report.pages.contents import SiteContents
from tbp.report.parts.addresses import INDEX
from tbp.report.site.folder import DATA_FILES, NEW, is_ours, moving_order, site_folder
from tbp.report.site.unchanged import EarlierFiles, FileDigests, file_digests, rest_of
from tbp.system.parallel import batched, mapped
from tbp.system.whole_files import write_whole
from tbp.wording import words

Making: TypeAlias = Callable[[], dict[str, bytes]]  # makes files: the content of each by its name in the site

FOLDERS = ("benchmarks", "data", "static/base", "static/charts", "static/pages", "static/vendor")
SERIES_S, RUN_S = 1e-3, 7e-6  # about what drawing a series and writing its points takes, and each of its runs
WORTH_S = 0.5  # of drawing and writing, from which on files of an earlier build are looked for: it takes 0.1 s
BATCH_RUNS = 20_000  # drawn at a time: a fifth of a second


def write_site(data: ReportData, out: Path, waits: Callable[[], None] = lambda: None) -> Path:
    """Writes the site of ``data`` to ``out`` and returns the path of its index.html.

    ``waits`` is called where another process writes to ``out``, which is waited for.

    The same data gives the same bytes. A file that is there already as it is to be is left alone. The index is put in
    place last, so that it never links to a page that is not there. Pages of an earlier site in ``out`` are removed,
    other files are left.

    Raises:
        UsageError: ``out`` cannot be written, or holds files that are not a site's.
    """
    index = out / INDEX
    try:
        with site_folder(out, waits):
            # A worker of a cluster may still write where this process is interrupted; the next report removes the rest.
            with tempfile.TemporaryDirectory(prefix=NEW, dir=out, ignore_cleanup_errors=True) as folder:
                destination = _Destination(out, Path(folder))
                build = _Build(data, destination)
                files = list(build.files())
                destination.move([file.name for file in files if file.is_new])
            _remove_stale(out, {file.name for file in files})
            build.earlier.keep()
    except OSError as error:
        raise UsageError(f"cannot write the report to {out}: {error}") from error
    return index


def write_single_file(data: ReportData, path: Path) -> Path:
    """The whole site as one file at ``path``. Raises ``UsageError`` if it cannot be written, or is no report."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not is_ours(path):
            raise UsageError(f"{path} was not written by tbp; choose another name for the report")
        site = SiteContents(data)
        frame = replace(_frame(site), is_single=True)
        made = [page_and_data(job) for job in jobs(data, frame)]
        pages = [*(rendered(page, site, frame) for page in shown(site)), *(page for page, _ in made)]
        files = [file for source in data_of_pages(site) for file in source.make(site)]
        files += [file for _, data_of_page in made for file in data_of_page]
        write_whole(path, single_html(pages, files, frame).encode())
    except OSError as error:
        raise UsageError(f"cannot write the report to {path}: {error}") from error
    return path


class _PutFile(Struct, frozen=True):
    """A file of the site."""

    name: str  # relative to the site
    is_new: bool  # it is not there yet as it is to be, and waits in the folder of new files


class _Destination:
    """The folder of a site: new files are in ``folder`` until all of them can take their places in ``out``."""

    def __init__(self, out: Path, folder: Path) -> None:
        self.out, self.folder = out, folder
        for name in FOLDERS:
            (folder / name).mkdir(parents=True)

    def put(self, contents: Mapping[str, bytes]) -> list[_PutFile]:
        """Write those of the files that are not there yet; ``contents`` has the content of each by its name."""
        put = []
        for name, content in contents.items():
            is_new = not _is_there(self.out / name, content)
            if is_new:
                (self.folder / name).write_bytes(content)
            put.append(_PutFile(name, is_new))
        return put

    def put_benchmarks(
        self, several: Sequence[tuple[bytes, BenchmarkPageJob]]
    ) -> list[tuple[bytes, FileDigests, list[_PutFile]]]:
        """Make and write the files of several benchmarks. Returns the key of each with its files and their digests."""
        made = [(key, benchmark_files(job)) for key, job in several]
        return [(key, file_digests(contents), self.put(contents)) for key, contents in made]

    def move(self, names: Sequence[str]) -> None:
        """Put the new files in their places, the index last."""
        for name in {name.rpartition("/")[0] for name in names if "/" in name}:
            (self.out / name).mkdir(parents=True, exist_ok=True)
        for name in sorted(names, key=moving_order):
            (self.folder / name).replace(self.out / name)


class _Build:
    """One build of a site. What an earlier build made of the same, and is still there, is not made again."""

    def __init__(self, data: ReportData, destination: _Destination) -> None:
        self._data, self._destination = data, destination
        site = SiteContents(data)
        self._frame = _frame(site)
        page_jobs = jobs(data, self._frame)
        digests = Digests()
        self._jobs = {job.key(digests): job for job in page_jobs}
        of_site = digests.of(list(self._jobs), rest_of(data), self._frame)
        self._shared = {digests.of(of_site, at): make for at, make in enumerate(_shared(site, self._frame))}
        self._of_points = digests.of(of_site, "points")
        keys = [*self._jobs, *self._shared, self._of_points]
        self.earlier = EarlierFiles(destination.out, keys, is_worth=_seconds(page_jobs) >= WORTH_S)

    def files(self) -> Iterator[_PutFile]:
        """Every file of the site, written: points and benchmarks by other processes, the rest meanwhile by this one."""
        earlier, destination, data = self.earlier, self._destination, self._data
        new: list[tuple[bytes, BenchmarkPageJob]] = []
        for key, job in self._jobs.items():
            if contents := earlier.of(key):
                page = job.page(contents[job.file].decode())
                yield from destination.put(contents | {job.file: page_html(page, job.frame).encode()})
            else:
                new.append((key, job))
        known_points = earlier.of(self._of_points)
        rows = [] if known_points else points(data)
        pages = batched(new, [job.runs for _, job in new], BATCH_RUNS)
        makings: list[Callable[[], Any]] = [*rows, *(partial(destination.put_benchmarks, several) for several in pages)]
        seconds = _seconds(self._jobs.values() if rows else [job for _, job in new])
        folder = [destination.folder]
        with closing(
            mapped(call, makings, seconds=seconds, paths=lambda _: folder, doing="drawing pages")
        ) as made:  # nobody writes to a folder that is gone
            yield from destination.put(dict(_static(data)))
            for key, make in self._shared.items():
                yield from self._put(key, earlier.of(key) or make())
            yield from self._put(
                self._of_points, known_points or {points_file(data): b"".join(islice(made, len(rows)))}
            )
            for key, digests, files in chain.from_iterable(made):
                earlier.note(key, digests)
                yield from files

    def _put(self, key: bytes, contents: Mapping[str, bytes]) -> list[_PutFile]:
        self.earlier.note(key, file_digests(contents))
        return self._destination.put(contents)


def _seconds(page_jobs: Iterable[BenchmarkPageJob]) -> float:
    """About what it takes to draw the series of ``page_jobs``, and to write their points."""
    return sum(len(job.data.histories) * SERIES_S + job.runs * RUN_S for job in page_jobs)


def _frame(site: SiteContents) -> Frame:
    data = site.data
    newest = words.moment(data.newest.date) if data.newest else ""
    return Frame(
        data.project, newest, __version__, points=points_file(data), navigation=navigation(site),
        has_search=bool(data.histories),
    )  # fmt: skip


def _shared(site: SiteContents, frame: Frame) -> list[Making]:
    """Makers of the files that are of no single benchmark."""
    pages = [partial(_page_file, page, site, frame) for page in shown(site)]
    data = [partial(_data_files, source, site) for source in data_of_pages(site)]
    return [*pages, *data, partial(_summary, site.data), partial(_feed, site.data)]


def _data_files(source: PageData, site: SiteContents) -> dict[str, bytes]:
    return {file.name: file.script.encode() for file in source.make(site)}


def _page_file(page: Page, site: SiteContents, frame: Frame) -> dict[str, bytes]:
    return {page.file: page_html(rendered(page, site, frame), frame).encode()}


def _summary(data: ReportData) -> dict[str, bytes]:
    return {"summary.json": summary_json(data)}


def _feed(data: ReportData) -> dict[str, bytes]:
    return {"feed.xml": feed_xml(data)}


def _static(data: ReportData) -> Iterator[tuple[str, bytes]]:
    for file in sorted(STATIC.glob("*/*")):
        name = file.relative_to(STATIC).as_posix()
        is_drawing = name.startswith("vendor/")  # which nothing needs where there is no series
        if name != f"{SCRIPT_OF_SINGLE_FILE}.js" and (data.histories or not is_drawing):
            yield f"static/{name}", script_text(name).encode() if file.suffix == ".js" else file.read_bytes()


def _is_there(path: Path, content: bytes) -> bool:
    try:
        return path.stat().st_size == len(content) and not path.is_symlink() and path.read_bytes() == content
    except OSError:
        return False


def _remove_stale(out: Path, written: set[str]) -> None:
    """Removes pages, data and scripts that no page has any more; only files that carry the mark, and the data files."""
    for name in set(DATA_FILES) - written:
        (out / name).unlink(missing_ok=True)
    stale = (*FORMER, *(page.file for page in PAGES), "benchmarks/*.html", "data/*.js", "static/**/*.js")
    for path in [path for pattern in stale for path in out.glob(pattern)]:
        name = path.relative_to(out).as_posix()
        if name not in written and not path.is_symlink() and is_ours(path):
            path.unlink()
