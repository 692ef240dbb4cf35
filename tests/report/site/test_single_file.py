"""The report of one file, as text; tests/browser opens it."""

import base64
import hashlib
import re
from pathlib import Path

import pytest

from tbp.errors import UsageError
from tbp.model.changes import State
from tbp.report.pages import PAGES
from tbp.report.site.build import write_single_file

from ...html_elements import elements


def report_file(tmp_path, make_history, make_report, **names) -> Path:
    data = make_report(make_history(**names), make_history((1.0,), State.NO_CHANGE, benchmark="b.time_x"))
    return write_single_file(data, tmp_path / "report.html")


def test_nothing_is_loaded_and_plotly_is_there_once(tmp_path, make_history, make_report) -> None:
    path = report_file(tmp_path, make_history, make_report)
    assert path == tmp_path / "report.html"
    assert [own.name for own in tmp_path.iterdir()] == ["report.html"]
    parsed = elements(path)
    assert not [attributes for tag, attributes in parsed.tags if "src" in attributes or tag == "link"]
    assert path.read_text("utf-8").count("plotly.js (basic - minified)") == 1
    assert path.stat().st_size < 1_545_000


def test_it_carries_the_licences_of_what_it_holds(tmp_path, make_history, make_report) -> None:
    tags = elements(report_file(tmp_path, make_history, make_report))
    licences = [text for attributes, text in tags.scripts if "data-licence" in attributes]
    assert [text.splitlines()[0][:11] for text in licences] == ["MIT License", "plotly-basi"]
    assert "Plotly Technologies Inc." in licences[0]
    assert "d3-format 1.4.5 (BSD-3-Clause)" in licences[1]


def test_only_its_own_scripts_may_run(tmp_path, make_history, make_report) -> None:
    parsed = elements(report_file(tmp_path, make_history, make_report))
    (policy,) = [a["content"] or "" for tag, a in parsed.tags if a.get("http-equiv") == "Content-Security-Policy"]
    allowed = re.search(r"script-src ([^;]*);", policy)
    assert "unsafe" not in allowed[1]
    assert "self" not in allowed[1]
    run = [text for attributes, text in parsed.scripts if "type" not in attributes]
    hashes = [f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in run]
    assert len(run) >= 4
    assert allowed[1].split() == hashes


def test_every_page_lies_in_a_template(tmp_path, make_history, make_report) -> None:
    parsed = elements(report_file(tmp_path, make_history, make_report))
    templates = [attributes for tag, attributes in parsed.tags if tag == "template"]
    assert len(templates) == 2 + len(PAGES) - 3  # the index is the page itself; nothing was compressed or claimed
    blocks = {attributes["data-file"] for attributes, _ in parsed.scripts if "data-file" in attributes}
    assert {call for one in templates for call in (one["data-calls"] or "").split()} <= blocks
    assert "data/index.js" in blocks


def test_hostile_names_add_no_script_and_no_template(tmp_path, make_history, make_report) -> None:
    text = "</template></script><script>alert(1)</script>\"'&lt;x<!--"
    hostile = report_file(tmp_path / "one", make_history, make_report, benchmark=text, parameters=((text, text),))
    harmless = report_file(tmp_path / "two", make_history, make_report, benchmark="x", parameters=(("x", "x"),))
    attacked, expected = ([tag for tag, _ in elements(path).tags] for path in (hostile, harmless))
    assert attacked.count("script") == expected.count("script")
    assert attacked.count("template") == expected.count("template")


def test_the_same_data_gives_the_same_file(tmp_path, make_history, make_report) -> None:
    one, two = (report_file(tmp_path / name, make_history, make_report) for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_a_name_of_its_own_and_no_foreign_file_replaced(tmp_path, make_history, make_report) -> None:
    data = make_report(make_history())
    assert write_single_file(data, tmp_path / "mine.html") == tmp_path / "mine.html"
    assert write_single_file(data, tmp_path / "mine.html").exists()
    (tmp_path / "other.html").write_text("mine", "utf-8")
    with pytest.raises(UsageError, match="was not written by tbp"):
        write_single_file(data, tmp_path / "other.html")


def test_an_empty_report_is_one_file_too(tmp_path, make_report) -> None:
    path = write_single_file(make_report(), tmp_path / "report.html")
    assert "asv run NEW" in path.read_text("utf-8")
    assert path.stat().st_size < 80_000
