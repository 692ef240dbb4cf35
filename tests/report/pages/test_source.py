"""A benchmark's page shows what it runs, in a length that keeps the page small."""

from tbp.report.base.render import Frame, main_html
from tbp.report.pages.benchmark.page import LENGTH, LINES, code_of

from ...histories import page_of

CODE = "def time_it(self):\n    if self.a < 3:\n        step()\n"


def test_the_code_stands_on_its_page_as_it_was_written(make_history, make_report) -> None:
    history = make_history()
    page = page_of(history.key.benchmark, make_report(history, sources={history.key.benchmark: CODE}))
    html = main_html("benchmark.html", page, Frame("example", "today", "0", root="../"))
    assert "def time_it(self):\n    if self.a &lt; 3:\n        step()</pre>" in html
    other = page_of(history.key.benchmark, make_report(history, sources={"another": CODE}))
    assert "What it runs" not in main_html("benchmark.html", other, Frame("example", "today", "0", root="../"))


def test_long_code_is_cut_and_said_to_be() -> None:
    long = code_of("\n".join(f"line {number}" for number in range(LINES + 5)))
    assert long.code.endswith(f"line {LINES - 1}")
    assert long.left_out == f"Cut here: {LINES + 5} lines in all, in benchmarks.json."
    wide = code_of("x" * 100_000)
    assert len(wide.code) == LENGTH
    assert len(code_of("x" * 500, series=60).code) < 300  # a page of many series is full without it
    assert wide.left_out == "Cut here: 1 line in all, in benchmarks.json."


def test_without_code_there_is_nothing_to_show() -> None:
    assert code_of("") is None
    assert code_of(" \n") is None
