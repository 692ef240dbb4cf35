"""The data of a report as pandas frames."""

import math
from pathlib import Path

import pandas as pd
import pytest
from msgspec.structs import replace

import tbp
from tbp.errors import NothingMeasured, UsageError
from tbp.model.changes import State
from tbp.model.triage import Triage, TriageStatus
from tbp.report.data.frames import CHANGE_COLUMNS, EVENT_COLUMNS, SERIES_COLUMNS, report_frames

from ...histories import change

RESULTS = Path(__file__).parents[2] / "data" / "tinyformer" / "results"


def test_every_frame_has_its_columns_also_without_rows(make_history, make_report) -> None:
    nothing, quiet = report_frames(make_report()), report_frames(make_report(make_history((1.0, 1.0), State.NO_CHANGE)))
    for frames in (nothing, quiet):
        columns = [list(frame.columns) for frame in (frames.series, frames.changes, frames.events)]
        assert columns == [list(SERIES_COLUMNS), list(CHANGE_COLUMNS), list(EVENT_COLUMNS)]
        kinds = [str(frames.changes[name].dtype) for name in ("date", "event", "effect", "is_worse")]
        assert kinds == ["datetime64[ms, UTC]", "Int64", "float64", "boolean"]
    assert math.isnan(quiet.series["effect"][0])


def test_a_change_is_a_row_with_its_event_and_who_looks_after_it(make_history, make_report) -> None:
    triage = Triage(TriageStatus.INVESTIGATING, owner="Ada", link="https://e.org/7")
    slower = replace(change(3, 1e-3, 1.2e-3, low=0.1, high=0.3), triage=triage)
    frames = report_frames(make_report(make_history(changes=(slower,)), make_history(machine="m2")))
    assert frames.changes["event"].tolist() == [0, 0]
    row = frames.changes[frames.changes["machine"] == "bench-1"].iloc[0]
    assert (row["parameters"], row["commit"][:8], row["last_before"][:8]) == (
        (("variant", "sdpa"),),
        "03c0ffee",
        "02c0ffee",
    )
    assert (round(row["effect"], 3), row["low"], row["high"], row["is_worse"]) == (0.2, 0.1, 0.3, True)
    assert (row["status"], row["owner"], row["link"]) == ("investigating", "Ada", "https://e.org/7")
    (event,) = frames.events.to_dict("records")
    assert (event["series"], event["machines"], event["owner"]) == (2, 2, "Ada")
    assert event["least_effect"] == event["most_effect"] == pytest.approx(0.2)
    (series,) = frames.series[frames.series["machine"] == "m2"].to_dict("records")
    assert (series["before"], series["after"], series["state"]) == (1e-3, 1.2e-3, "regression")


def test_a_folder_brings_its_project_and_its_acknowledgements(tmp_path: Path) -> None:
    report = tbp.report_data(RESULTS)
    assert report.project == "tinyformer"
    assert report.series["state"].value_counts().to_dict() == {"regression": 5, "improvement": 2, "suspect": 2}
    assert report.series["date"].max() == pd.Timestamp("2026-11-29 16:17:34", tz="UTC")
    acks = tmp_path / "acks.toml"
    acks.write_text('[[ack]]\nevent = "ed5bf5e8"\nreason = "the visualiser needs them"\n')
    report = tbp.report_data(str(RESULTS), acks=acks)
    assert report.series["state"].value_counts().to_dict() == {"acknowledged": 5, "improvement": 2, "suspect": 2}
    assert set(report.changes.loc[report.changes["acknowledged"] != "", "commit"].str[:8]) == {"ed5bf5e8"}
    assert (
        tbp.report_data(config=RESULTS.parent / "asv.conf.json", base="ed5bf5e8").series["state"].ne("regression").all()
    )


def test_what_cannot_be_read_is_an_error_of_tbp(tmp_path: Path) -> None:
    with pytest.raises(NothingMeasured, match="asv run"):
        tbp.report_data(tmp_path)
    with pytest.raises(UsageError, match="no file"):
        tbp.report_data(RESULTS, acks=tmp_path / "none.toml")
