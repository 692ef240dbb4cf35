"""Reports of whole fleets: what moved everything is said first, once, and a machine is called by what it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tbp.analysis import report_data
from tbp.history.series import ChangeKind, State
from tbp.report.data_files import summary_json
from tbp.report.model import ReportData
from tbp.report.summary import summary
from tbp.reporting import said_of

from . import fleets

FELL = (
    "Calls per sample (asv's number) fell from about 24,478 to 1 for 61 of 63 series of bench · virtualenv-py3.12 at "
    f"{fleets.commit_hash(fleets.FELL_AT)[:8]}; 60 levels moved with it, all up."
)


@pytest.fixture(scope="module")
def fallen(tmp_path_factory: pytest.TempPathFactory) -> ReportData:
    return report_data(None, fleets.number_fell(tmp_path_factory.mktemp("fallen") / "results"))


def test_no_commit_is_blamed_for_asv_s_number(fallen: ReportData) -> None:
    changes = [own.change for history in fallen.histories for own in history.changes]
    assert {change.kind for change in changes if change.confirmed} == {ChangeKind.HARNESS}
    assert {history.state for history in fallen.histories} == {State.NO_CHANGE}


def test_it_is_said_first_and_once_on_every_output(fallen: ReportData, tmp_path: Path) -> None:
    page = summary(fallen)
    assert page.first is not None
    assert page.first.said == FELL
    assert not [note for note in page.notes if "number" in note.said]
    assert said_of(fallen, tmp_path).lines.splitlines()[:2] == [FELL, "No confirmed regression in 63 series."]
    assert json.loads(summary_json(fallen))["first"] == FELL


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
