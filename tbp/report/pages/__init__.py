"""The registry of pages: each page of the site that is not of one benchmark, in the order of the navigation.

A page x is its maker ``pages/x.py`` (or a folder of that name), ``templates/x.html``, ``static/pages/x.js`` if it has a
script, and an entry of ``PAGES``. The pages of the benchmarks, of which there are many, are made by
``pages.benchmark.files``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct

from tbp.report.base.render import DataFile, Frame, NavigationEntry, RenderedPage, main_html, packed_call
from tbp.report.data.run_grid import payload
from tbp.report.data.tables_to_take import files_to_take
from tbp.report.pages.benchmark.files import shared_data
from tbp.report.pages.changes.page import changes_page
from tbp.report.pages.compare.page import compare_page, states
from tbp.report.pages.compare.rules import rules
from tbp.report.pages.compression.variants import groups
from tbp.report.pages.contents import SiteContents
from tbp.report.pages.heatmap import heatmap_page
from tbp.report.pages.index.data import index_files
from tbp.report.pages.search import search_data
from tbp.report.pages.words import words_file, words_page
from tbp.report.parts.addresses import INDEX


class PageData(Struct, frozen=True):
    """Data files of pages. Sites without any series have none."""

    make: Callable[[SiteContents], Iterable[DataFile]]
    opens: tuple[str, ...] = ()  # files that are loaded with the page; the others are when a reader asks for them


class Page(Struct, frozen=True):
    """A page of the site. Its scripts and data are loaded where the site has series."""

    file: str  # of the site; its template has the same name
    title: str  # in the navigation
    about: str  # what it shows, for whoever searches
    make: Callable[[SiteContents], object]  # gives what the template knows as ``page``
    scripts: tuple[str, ...] = ()  # see ``RenderedPage``
    data: tuple[PageData, ...] = ()
    is_in_navigation: bool = True  # False: only the foot of each page leads to it
    is_shown: Callable[[SiteContents], bool] = lambda site: True  # False: the page has nothing to show


def _grid(site: SiteContents) -> Iterable[DataFile]:
    grid = {**payload(site.data), "states": states(), "rules": rules()}
    yield DataFile("data/grid.js", (packed_call("tbp.grid", grid),))


def _search(site: SiteContents) -> Iterable[DataFile]:
    pages = [(page.title, page.file, page.about) for page in shown(site)]
    yield DataFile("data/search.js", (packed_call("tbp.searchable", search_data(site, pages)),))


BASICS = ("base/address_state", "base/facets", "base/number_words", "base/take")
INDEX_DATA = PageData(lambda site: index_files(site.summary), ("data/index.js",))
GRID = PageData(_grid, ("data/grid.js",))
COMPRESSION = PageData(
    lambda site: (DataFile("data/compression.js", (packed_call("tbp.compression", site.compression.figures),)),),
    ("data/layout.js", "data/compression.js"),
)
CLAIMS = PageData(
    lambda site: (DataFile("data/claims.js", (packed_call("tbp.claims", site.claims.figures),)),),
    ("data/layout.js", "data/claims.js"),
)
WORDS = PageData(lambda _: words_file())  # which every page asks for
SEARCH = PageData(_search)  # of the field that every page has
BENCHMARK_DATA = PageData(lambda site: shared_data(site.data))  # of the pages of all benchmarks
TO_TAKE = PageData(lambda site: files_to_take(site.data))  # which several pages ask for

INDEX_SCRIPTS = ("base/chunks", "pages/series", "pages/filter", "pages/answer", "pages/index")
GRID_SCRIPTS = ("base/run_grid",)
COMPARE = (*GRID_SCRIPTS, "pages/foreign", "pages/judge", "pages/setups", "pages/columns", "pages/compare")
HEATMAP = ("pages/filter", "base/rownames", *GRID_SCRIPTS, "pages/heatmap")

PAGES = (
    Page(INDEX, "Summary", "what is new, what to do next, and all series as rows or charts", lambda site: site.summary,
         (*BASICS, *INDEX_SCRIPTS), (INDEX_DATA, TO_TAKE)),
    Page("changes.html", "Changes", "every commit that moved something, newest first",
         lambda site: changes_page(site.data), (*BASICS, "pages/changes")),
    Page("heatmap.html", "Heatmap", "every series at every commit, in colours", lambda site: heatmap_page(site.data),
         (*BASICS, *HEATMAP), (GRID,)),
    Page("compare.html", "Compare", "two commits or machines side by side", lambda site: compare_page(site.data),
         (*BASICS, *COMPARE), (GRID,)),
    Page("machines.html", "Machines", "hardware, noise, and what is installed where", lambda site: site.machines,
         (*BASICS, "pages/machines")),
    Page("compression.html", "Compression", "size, speed and loss of compressed models",
         lambda site: site.compression,
         ("vendor/plotly-basic.min", *BASICS, "charts/benchmark_data", "charts/chart",
          "charts/figure", "pages/compression"),
         (COMPRESSION,), is_shown=lambda site: bool(groups(site.data.histories))),
    Page("claims.html", "Claims", "which practices hold, where, and by how much; what naive code gets wrong",
         lambda site: site.claims,
         ("vendor/plotly-basic.min", *BASICS, "charts/benchmark_data", "charts/chart", "charts/figure", "pages/claims"),
         (CLAIMS,), is_shown=lambda site: site.data.claims is not None),
    Page("words.html", "Words", "what the words and symbols of the report mean", lambda _: words_page(), (), (WORDS,),
         is_in_navigation=False),
)  # fmt: skip

FORMER = ("charts.html",)
"""Pages that earlier versions wrote: a build removes them. The charts are a view of the summary now."""


def shown(site: SiteContents) -> tuple[Page, ...]:
    """The pages that have something to show."""
    return tuple(page for page in PAGES if page.is_shown(site))


def navigation(site: SiteContents) -> tuple[NavigationEntry, ...]:
    """The links that every page has to the others."""
    return tuple(NavigationEntry(page.file, page.title) for page in shown(site) if page.is_in_navigation)


def data_of_pages(site: SiteContents) -> tuple[PageData, ...]:
    """The data of all pages, each once; that which takes longest to make is first."""
    if not site.data.histories:
        return ()
    used = (data for page in shown(site) for data in page.data)
    return tuple(dict.fromkeys((GRID, *used, SEARCH, BENCHMARK_DATA)))


def rendered(page: Page, site: SiteContents, frame: Frame) -> RenderedPage:
    """The page without its surroundings."""
    has_series = bool(site.data.histories)
    project = frame.project
    return RenderedPage(
        file=page.file,
        title=f"{project}: performance" if page.file == INDEX else f"{page.title} · {project}",
        main=main_html(page.file, page.make(site), frame),
        scripts=page.scripts if has_series else (),
        opens=tuple(name for data in page.data for name in data.opens) if has_series else (),
    )
