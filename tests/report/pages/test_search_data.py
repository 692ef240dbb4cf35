"""The data of the search: every entry leads to a place that is there."""

from urllib.parse import parse_qs

from msgspec.structs import replace

from tbp.model.changes import State
from tbp.model.runs import Run
from tbp.report.base.render import DataFile
from tbp.report.pages import SEARCH, words
from tbp.report.pages.changes import page as changes_page
from tbp.report.pages.contents import SiteContents
from tbp.report.pages.index.data import benchmark_list
from tbp.report.pages.search import search_data
from tbp.report.parts import addresses
from tbp.report.site.build import write_site

from ...histories import changes, commit, history, report
from ...packed_data import unpacked

STEP = changes((3, 1e-3, 1.2e-3))


def data_of(*histories, **fields):
    return search_data(SiteContents(report(*histories, **fields)), ())


def two_sizes():
    return [history((1.0,), State.NO_CHANGE, benchmark="b.time_y", parameters=(("n", size),)) for size in ("64", "256")]


def test_series_stand_in_the_order_of_the_list_of_benchmarks() -> None:
    moved = history(changes=STEP)
    large, small = reversed(two_sizes())
    site = SiteContents(report(large, moved, small))
    series = search_data(site, ())["series"]
    assert [name for name, *_ in benchmark_list(site.summary)] == ["attention.Quick.torchtime_step", "b.time_y"]
    assert series["counts"] == [1, 2]
    assert series["labels"] == ["variant=sdpa", "n=64", "n=256"]
    assert series["anchors"] == "".join(addresses.anchor(each.key)[2:] for each in (moved, small, large))


def test_the_states_are_ranked_and_series_have_theirs() -> None:
    data = data_of(history(changes=STEP), *two_sizes())
    assert data["states"][0] == ["regression", "✖", "regression"]
    assert [data["states"][at][2] for at in data["series"]["state"]] == ["regression", "no change", "no change"]


def test_a_machine_is_found_by_its_identifier_also_where_it_is_the_only_one() -> None:
    assert data_of(history())["series"]["setups"] == [["", "bench-1 py3.13"]]


def test_an_event_has_its_commit_and_the_benchmarks_that_it_moved() -> None:
    both = (history(changes=STEP), history(changes=STEP, benchmark="b.time_y"))
    (event,) = data_of(*both)["events"]
    anchor = addresses.commit_anchor(commit(3).hash)
    moved = "2 series of 2 benchmarks: attention.Quick.torchtime_step, b.time_y"
    assert event[:5] == ["regression", "▲ +20 % slower", moved, "", commit(3).hash[:12]]
    assert event[-2:] == [f"changes.html#{anchor}", [0, 1]]


def test_an_event_that_changes_has_no_room_for_leads_to_its_series(monkeypatch) -> None:
    monkeypatch.setattr(changes_page, "MOST_ROWS", 1)
    old = history((1.0, 2.0, 2.0, 2.0), changes=changes((1, 1.0, 2.0)), benchmark="b.time_y")
    new, older = data_of(history(changes=STEP), old)["events"]
    assert new[-2].startswith("changes.html#at-")
    assert older[-2] == addresses.series_href(old)


def test_a_commit_says_what_it_moved_and_whether_others_may_be_it() -> None:
    branch = [commit(place).hash for place in range(5)]
    gap = commit(2, "between")
    values = history(changes=changes((2, 1e-3, 1.2e-3)), values=(1e-3, 1e-3, 1.2e-3, 1.2e-3))
    points = tuple(replace(point, commit=commit(at)) for at, point in zip((0, 1, 3, 4), values.points, strict=True))
    own = replace(values, points=points)
    commits = data_of(own, order=tuple(branch), in_ranges={gap.hash: gap})["commits"]
    assert [entry[0][:2] for entry in commits] == ["04", "03", "02", "01", "00"]
    assert [entry[4] for entry in commits] == ["no event", *["may have moved 1 series"] * 2, *["no event"] * 2]
    assert commits[1][5] == commits[2][5] == f"changes.html#{addresses.commit_anchor(commit(3).hash)}"
    assert commits[2][2] == "between"


def test_a_commit_without_an_event_is_compared_with_the_one_measured_before_it() -> None:
    runs = tuple(Run(commit(at), "bench~1", "py", measured=1) for at in (0, 2, 4))
    commits = data_of(history((1.0,) * 5, State.NO_CHANGE, changes=()), runs=runs)["commits"]
    page, _, fragment = commits[0][5].partition("#")
    assert page == "compare.html"
    assert parse_qs(fragment)["c"] == [f"{commit(2).short}~bench%7E1~py", f"{commit(4).short}~bench%7E1~py"]
    assert commits[1][5] == f"changes.html#q={commit(3).short}"  # nobody measured it
    assert commits[4][5] == f"changes.html#q={commit(0).short}"  # nothing came before it


def test_names_cannot_act_unseen() -> None:
    data = data_of(history(benchmark="a\u202eb", parameters=(("n", "\x00"),)))
    assert data["series"]["labels"] == ["n=\N{REPLACEMENT CHARACTER}"]
    assert "\u202e" not in str(data)


def test_every_address_of_the_search_is_there(tmp_path) -> None:
    several = [history(changes=STEP), *two_sizes()]
    write_site(report(*several, runs=(Run(commit(3), "bench-1", "py3.13", measured=3),)), tmp_path)
    text = (tmp_path / "data" / "search.js").read_text("utf-8")
    data = unpacked(text.split('"')[3])
    hrefs = [entry[-1] for kind in ("pages", "machines", "words", "commits") for entry in data[kind]]
    hrefs += [entry[-2] for entry in data["events"]]
    assert len(hrefs) > 80
    for href in hrefs:
        file, _, anchor = href.partition("#")
        page = (tmp_path / file).read_text("utf-8")
        assert not anchor or "=" in anchor or f'id="{anchor}"' in page, href


def test_a_report_without_series_has_no_search(tmp_path) -> None:
    index = write_site(report(), tmp_path)
    assert 'id="search"' not in index.read_text("utf-8")
    assert not (tmp_path / "data" / "search.js").exists()


def test_ten_thousand_series_cost_the_search_little() -> None:
    some = [
        history((1.0,), State.NO_CHANGE, benchmark=f"suite.Layer{at // 10}.time_x", parameters=(("n", str(at % 10)),))
        for at in range(1000)
    ]
    (file,) = SEARCH.make(SiteContents(report(*some)))
    assert isinstance(file, DataFile)
    assert len(file.script) < 25 * 1000 + 10_000  # of each series, and of the words


def test_code_with_a_star_is_no_emphasis() -> None:
    by_word = {row.word: str(row.meaning) for row in words.words_page().of_code}
    assert "<code>time_*</code>, <code>peakmem_*</code>" in by_word["benchmark"]
    assert "a <em>flame graph</em> shows" in by_word["frame"]
