from tbp.model.changes import State
from tbp.report.pages.heatmap import heatmap_page

from ...histories import change, changes


def test_the_table_has_what_moved_on_the_newest_commits_only(make_history, make_report) -> None:
    old = make_history([1.0] * 5 + [2.0] * 55, changes=changes((5, 1.0, 2.0)), benchmark="a.time_old")
    new = make_history([1.0] * 60, changes=changes((55, 1.0, 2.0)), benchmark="a.time_new")
    page = heatmap_page(make_report(old, new))
    assert [row.benchmark for row in page.rows] == ["a.time_new"]
    assert page.rows[0].moved[0].effect == "▲ +100 % slower"
    assert page.verdict == "1 of 2 series moved at the 50 newest commits."
    assert page.choices == (20, 50, 60)


def test_a_suspect_is_called_one(make_history, make_report) -> None:
    history = make_history([1.0] * 9, State.NO_CHANGE, changes=(change(5, 1.0, 1.1, 0.04, False),))
    page = heatmap_page(make_report(history))
    assert page.rows[0].moved[0].effect == "▲ +10 % slower (suspect)"
    assert page.default == 9


def test_without_results_there_is_nothing_to_choose(make_report) -> None:
    assert heatmap_page(make_report()).series == 0


def test_a_series_whose_newest_run_left_its_level_is_in_the_table(make_history, make_report) -> None:
    calm = make_history([1.0] * 11 + [1.05], State.NO_CHANGE, benchmark="a.time_calm")
    left = make_history([1.0] * 11 + [1.4], State.NO_CHANGE, benchmark="a.time_left")
    page = heatmap_page(make_report(calm, left))
    assert page.verdict == "1 of 2 series moved at the 12 newest commits."
    assert [row.benchmark for row in page.rows] == ["a.time_left"]
    assert page.rows[0].moved[0].effect == "not confirmed: the newest run is +40 % against the level before it"
    assert page.rows[0].moved[0].commit.hash == left.points[-1].commit.hash
