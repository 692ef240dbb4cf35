"""Reports of whole fleets: what moved everything is said first, once, and a machine is called by what it is."""

import json
from pathlib import Path

import pytest

from tbp.model.changes import ChangeKind, State
from tbp.report.base.report_data import ReportData
from tbp.report.data.summary_json import summary_json
from tbp.report.pages.index.page import summary
from tbp.report.pages.machines.page import machines_page
from tbp.report.site.load import report_data
from tbp.report.site.terminal import report_summary

from ... import fleets

FELL = (
    "Calls per sample (asv's number) fell from about 24,478 to 1 for 61 of 63 series of bench · virtualenv-py3.12 at "
    f"{fleets.commit_hash(fleets.FELL_AT)[:8]}; "
)


@pytest.fixture(scope="module")
def fallen(tmp_path_factory: pytest.TempPathFactory) -> ReportData:
    return report_data(None, fleets.number_fell(tmp_path_factory.mktemp("fallen") / "results"))


def test_no_commit_is_blamed_for_asv_s_number(fallen: ReportData) -> None:
    """142 times as long is no commit's doing; whatever else the detector sees in noise of 1 % is small."""
    changes = [own.change for history in fallen.histories for own in history.changes]
    large = [change for change in changes if change.effect > 1]
    assert len(large) > 55
    assert {change.kind for change in large} == {ChangeKind.HARNESS}
    assert not [history for history in fallen.histories if history.state is State.REGRESSION]


def test_it_is_said_first_and_once_on_every_output(fallen: ReportData, tmp_path: Path) -> None:
    page = summary(fallen)
    assert page.first.sentence.startswith(FELL)
    assert page.first.sentence.endswith(" levels moved with it, all up.")
    assert not [note for note in page.notes if "number" in note.sentence]
    lines = report_summary(fallen, tmp_path).lines
    assert lines[0] == page.answer.sentence == "No new regression in the 7 days to 2024-01-22; none stands."
    assert lines[1] == page.first.sentence
    assert json.loads(summary_json(fallen))["first"] == page.first.sentence


def test_older_commits_that_follow_each_other_were_measured_later_as_well(tmp_path: Path, monkeypatch) -> None:
    """They make levels of their own, there and back: still one event."""
    monkeypatch.setattr(fleets, "BACKFILLED", tuple(range(20, 27)))
    data = report_data(None, fleets.number_fell(tmp_path / "results", series=12))
    (found,) = data.at_once
    assert (found.commit.hash, found.changed, found.of) == (fleets.commit_hash(fleets.FELL_AT), 10, 12)
    assert not [history for history in data.histories if history.state is State.REGRESSION]


def test_a_commit_that_is_slower_with_both_numbers_is_a_regression(tmp_path: Path, monkeypatch) -> None:
    """The number fell at the commit, and older commits measured with the new one are as fast as they were."""
    row = fleets.row

    def as_fast_as_before(value: float, number: int, night: float) -> list[object]:
        return row(value / 142 if night >= fleets.COMMITS and value > 1e-5 else value, number, night)

    monkeypatch.setattr(fleets, "row", as_fast_as_before)
    data = report_data(None, fleets.number_fell(tmp_path / "results", series=12))
    assert sum(history.state is State.REGRESSION for history in data.histories) == 10


def test_thirteen_machines_are_called_by_what_they_are(tmp_path: Path) -> None:
    data = report_data(None, fleets.many_machines(tmp_path / "results"))
    assert data.faces["unit-01"] == "RTX 4090 · Ubuntu 22.04 · unit-01"  # the seventh is like it
    assert data.faces["unit-06"] == "A100 · Windows 11"
    assert data.faces["unit-12"] == "Intel Core i9-13900K · Windows 11"
    assert data.faces["unit-13"] == "unit-13"
    assert {row.setup_name for row in summary(data).rows} >= {"A100 · Windows 11 · virtualenv-py3.13"}
    cards = {card.name: card for card in machines_page(data).machines}
    assert cards["A100 · Windows 11"].identifier == "unit-06"
    assert [fact.name for fact in cards["A100 · Windows 11"].facts] == [
        "Processor", "Cores", "System", "Driver", "GPU",
    ]  # fmt: skip
    assert "unit-06" in {series["machine"] for series in json.loads(summary_json(data))["series"]}


def test_another_driver_of_one_machine_is_its_hardware(tmp_path: Path) -> None:
    machine = {"machine": "bench", "gpu": "RTX 4090"}
    for commit in range(40):
        driver, value = ("550", 1.0) if commit < 25 else ("560", 1.3)
        row = fleets.row(value * (1 + commit % 3 / 100), 1, commit)
        fleets.result(tmp_path / "results", {**machine, "driver": driver}, commit, {"attention.time_sdpa": row})
    (history,) = report_data(None, tmp_path / "results").histories
    (change,) = (own.change for own in history.changes)
    assert (change.kind, change.explanation) == (ChangeKind.HARDWARE, "driver 550 → 560")
    assert history.state is State.NO_CHANGE
