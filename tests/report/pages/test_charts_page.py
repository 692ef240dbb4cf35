from tbp.model.changes import State
from tbp.report.pages.charts import FIRST_DRAWN, charts_page
from tbp.report.pages.index.page import summary


def test_the_worst_charts_are_in_the_page_and_the_others_are_counted(make_history, make_report) -> None:
    quiet = [make_history((1.0,) * 3, State.NO_CHANGE, benchmark=f"b.time_{place}") for place in range(FIRST_DRAWN)]
    page = charts_page(summary(make_report(*quiet, make_history())))
    assert page.title == "25 series at a glance"
    assert page.first[0].state is State.REGRESSION
    assert len(page.first) == FIRST_DRAWN
    assert page.left_out.startswith("1 more series needs JavaScript here")


def test_a_few_series_are_all_in_the_page(make_history, make_report) -> None:
    page = charts_page(summary(make_report(make_history())))
    assert (page.title, len(page.first), page.left_out) == ("1 series at a glance", 1, "")


def test_without_results_nothing_is_drawn(make_report) -> None:
    assert charts_page(summary(make_report())).first == ()
