"""The series that a benchmark's page holds itself, and the data of the others."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tbp.model.changes import State
from tbp.report.base.render import Frame, main_html
from tbp.report.pages.benchmark.listing import FILTERED, ROWS, SUMMARIES, WHOLE_BYTES
from tbp.report.pages.benchmark.page import BenchmarkPage

from ...histories import page_of
from ...packed_data import unpacked


@pytest.fixture
def page(make_history, make_report) -> Callable[..., BenchmarkPage]:
    def of(changed: int, quiet: int = 0) -> BenchmarkPage:
        found = [make_history(parameters=(("size", f"v{at}"),)) for at in range(changed)]
        found += [make_history([1.0] * 5, State.NO_CHANGE, parameters=(("size", f"q{at}"),)) for at in range(quiet)]
        return page_of(found[0].key.benchmark, make_report(*found))

    return of


def pieces(page: BenchmarkPage) -> dict[int, list[Any]]:
    """What the files of data hold of each series, by its place in the list."""
    parts = [unpacked(value[1]) for file in page.listing.files for _, value in file.calls]
    return {place: piece for _, several in parts for place, *piece in several}


def html(page: BenchmarkPage) -> str:
    return main_html("benchmark.html", page, Frame("example", "today", "0", root="../"))


def test_a_page_of_few_series_holds_them_all(page) -> None:
    few = page(2, 3)
    assert [listed.body is None for listed in few.listing.sections] == [False] * 5
    assert (few.listing.files, few.listing.payload, few.listing.left_out) == ((), {}, "")
    assert "noscript><p" not in html(few).split('id="sections"')[1]


def test_from_twelve_series_on_there_is_a_filter(page) -> None:
    assert not page(FILTERED - 1).listing.is_filtered
    assert page(FILTERED).listing.is_filtered
    assert 'id="series-filter"' in html(page(FILTERED))


def test_evidence_that_has_no_room_is_data(page) -> None:
    many = page(30)
    in_page = [place for place, listed in enumerate(many.listing.sections) if listed.body is not None]
    assert in_page == list(range(len(in_page)))
    assert 1 < len(in_page) < 30
    assert sum(len(listed.body or "") for listed in many.listing.sections) < WHOLE_BYTES
    later = pieces(many)
    assert sorted(later) == list(range(len(in_page), 30))
    assert all(not head and "moved-block" in body for head, body, _ in later.values())


def test_series_that_have_no_room_are_data_whole(page) -> None:
    many = page(SUMMARIES + 7, ROWS + 5)
    text, later = html(many), pieces(many)
    anchors = [section.anchor for section in (*many.sections, *many.quiet)]
    listed = re.findall(r'id="(s-[a-z0-9]+)"', text)
    assert listed == [*anchors[:SUMMARIES], *anchors[SUMMARIES + 7 :][:ROWS]]
    for place, anchor in enumerate(anchors):
        assert (anchor in listed) != (place in later and f'id="{anchor}"' in later[place][0])
    last = later[len(anchors) - 1]
    assert last[0].startswith("<tr id=")
    assert last[1:] == ["", []]
    assert "12 more series need JavaScript." in many.listing.left_out
    payload = many.listing.payload
    assert payload["sections"] == SUMMARIES + 7
    assert [place for place, part in enumerate(payload["part"]) if part >= 0] == sorted(later)  # type: ignore[arg-type]


def test_a_summary_that_waits_is_not_open(page) -> None:
    text = html(page(30))
    waiting = re.findall(r"<details class=\"one [^>]*>(?:(?!</details>).)*?data-waits", text, re.DOTALL)
    assert waiting
    assert not any(re.match(r"<details[^>]* open", one) for one in waiting)


def test_the_order_of_the_list_names_the_series_of_the_chart(page) -> None:
    many = page(14, 6)
    ids = [series["id"] for series in many.chart.payload["series"]]  # type: ignore[attr-defined]
    order = many.listing.payload["order"]
    assert [ids[place] for place in order] == [one.anchor for one in (*many.sections, *many.quiet)]  # type: ignore[attr-defined]


def test_pages_of_1632_series_are_below_400_kb(page) -> None:
    many = page(232, 1400)
    assert len(html(many)) < 60_000
    assert len(many.listing.files) < 10
