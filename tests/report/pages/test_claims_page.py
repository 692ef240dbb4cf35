"""The page of claims as data, and what hostile names become in it."""

import math
from pathlib import Path

from msgspec.structs import replace

from tbp.model.changes import State
from tbp.project.claims_file import Claim, ClaimsFile, KnownDefect, Practice
from tbp.report.base.render import Frame, main_html
from tbp.report.base.report_data import ReportData
from tbp.report.pages.claims.page import MOST_CELLS, ClaimsPage, claims_page
from tbp.report.site.build import write_site

from ...claims.claimed import practice, timed
from ...histories import HOSTILE, history, report

GOOD, BAD = (0.5, 0.4, 0.625), (2.0, 1.6, 2.5)
DEFECT = KnownDefect("tail", "zip(batches, range(k))", "drops the rest", "flushes it", unit="share of the steps")


def data(*histories: object, practices: tuple[Practice, ...] = (practice(),), title: str = "Faster") -> ReportData:
    file = ClaimsFile(Path("claims.toml"), (Claim(title, practices=practices),), (DEFECT,))
    return replace(report(*histories), claims=file)  # type: ignore[arg-type]


def page(*histories: object, **fields: object) -> ClaimsPage:
    return claims_page(data(*histories, **fields))  # type: ignore[arg-type]


def test_a_practice_has_its_verdict_its_numbers_and_where_they_are_from() -> None:
    made = page(timed("sdpa", 1e-3, ratio=GOOD, dtype="float32"))
    assert made.verdict == "1 of 1 measured practice holds"
    (row,) = made.sections[0].practices
    assert (row.badge.text, row.factor) == ("holds", "2.00 × faster than naive, 99 % CI 1.60–2.50")
    (cell,) = row.cells
    assert (cell.spot, cell.setup_name) == ("attention.Nightly (dtype=float32)", "bench-1 · py3.13")
    assert (cell.values, cell.basis) == ("2.00 ms → 1.00 ms", "in turns, 3 processes")
    assert cell.href.startswith("benchmarks/attention-Nightly-torchtime-step-")
    assert cell.commit is not None


def test_only_what_was_taken_in_turns_is_called_so() -> None:
    assert page(timed("sdpa", ratio=GOOD)).bases == "Times of both are taken in turns in the same processes."
    of_runs = page(timed("sdpa", 1e-3), timed("naive", 2e-3))
    assert of_runs.sections[0].practices[0].cells[0].basis == "1 run"
    assert of_runs.bases == "Values of runs are not taken in turns: each run gives one ratio."
    assert of_runs.bases in main_html("claims.html", of_runs, Frame("example", "", "1"))
    assert page(timed("other")).bases == ""


def test_a_practice_of_several_cells_shows_the_span_of_its_factors() -> None:
    made = page(timed("sdpa", ratio=GOOD, width="512"), timed("sdpa", ratio=BAD, width="64"))
    (row,) = made.sections[0].practices
    assert (row.badge.text, row.factor) == ("depends on where", "2.00 × slower to 2.00 × faster than naive, 2 cells")
    assert row.remark.startswith("from width=512 on, not at 64")
    skipped = history((math.nan,), State.SKIPPED, benchmark="attention.Nightly.torchtime_step", reason="no GPU",
                      parameters=(("variant", "sdpa"), ("width", "9")))  # fmt: skip
    (row,) = page(timed("sdpa", ratio=GOOD, width="512"), skipped).sections[0].practices
    assert row.factor == "2.00 × faster than naive, 99 % CI 1.60–2.50"
    assert row.missing == ("width=9: sdpa: skipped, no GPU",)


def test_the_chart_has_a_mark_for_each_measured_cell() -> None:
    cells = [timed("sdpa", ratio=GOOD, width=str(number)) for number in range(1, MOST_CELLS + 3)]
    made = page(*cells, timed("sdpa", ratio=BAD, width="0"))
    traces = {trace["name"]: trace for trace in made.figures[0]["data"]}  # type: ignore[attr-defined]
    assert (len(traces["holds"]["x"]), traces["does not hold"]["x"]) == (MOST_CELLS - 1, [0.5])
    assert traces["holds"]["x"][0] == 2.0
    assert traces["holds"]["error_x"]["array"][0] == 0.5
    assert made.sections[0].practices[0].more == 3


def test_what_is_not_measured_is_named_with_the_command_that_measures_it() -> None:
    made = page(timed("other"), practices=(practice(benchmarks="decode.*"),))
    unknown = "Fused attention: no benchmark of these results matches 'decode.*'"
    assert (made.sections[0].unknown, made.sections[0].figure) == ((unknown,), None)
    assert made.to_run == "asv run --bench '^(decode)' 'HEAD^!'"
    assert made.verdict == "No practice is measured yet"


def test_a_defect_has_the_numbers_that_the_benchmarks_recorded() -> None:
    recorded = [
        history((value,), State.NO_CHANGE, benchmark=f"defects.Nightly.{method}", parameters=(("defect", "tail"),))
        for method, value in (("track_naive", 0.25), ("track_right", 0.0))
    ]
    (row,) = page(*recorded).defects
    assert row.measured == "share of the steps: naive 25 %, right 0 %"
    assert row.demonstrate == "tbp claims --demonstrate tail"
    assert page().defects[0].commit is None
    hostile = ClaimsFile(Path("c"), (), (replace(DEFECT, name="x; rm -rf /"), replace(DEFECT, name="--json=/etc/x")))
    assert [row.demonstrate for row in claims_page(replace(report(), claims=hostile)).defects] == ["", ""]


def test_a_site_without_claims_has_no_page_of_them(tmp_path: Path) -> None:
    write_site(report(timed("sdpa", ratio=GOOD)), tmp_path)
    assert not (tmp_path / "claims.html").exists()
    write_site(data(timed("sdpa", ratio=GOOD)), tmp_path)
    assert 'href="claims.html"' in (tmp_path / "index.html").read_text("utf-8")


def test_hostile_names_are_text(tmp_path: Path) -> None:
    attack = HOSTILE[0]
    claimed = Practice(attack, attack, attack, benchmarks="*", why=attack)
    cell = timed(attack, ratio=GOOD, against=attack, **{attack: attack})
    write_site(data(cell, practices=(claimed,), title=attack), tmp_path)
    text = (tmp_path / "claims.html").read_text("utf-8")
    assert "<script>alert" not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 5
