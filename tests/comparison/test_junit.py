"""The comparison as JUnit XML."""

from xml.etree import ElementTree

from msgspec.structs import replace

from tbp.comparison.junit import junit
from tbp.model.comparison import Comparison
from tbp.system.foreign_text import INVISIBLE


def suite(comparison: Comparison) -> ElementTree.Element:
    found = ElementTree.fromstring(junit(comparison).encode()).find("testsuite")
    assert found is not None
    return found


def test_a_case_for_each_cell(comparison: Comparison):
    found = suite(comparison)
    counts = {name: found.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "7", "failures": "2", "errors": "1", "skipped": "2"}
    outcomes = [(case.get("name"), [child.tag for child in case]) for case in found.iter("testcase")]
    assert outcomes == [
        ("torchtime_step (variant=sdpa)", ["failure"]),
        ("torchtime_step (variant=math)", ["failure"]),
        ("track_bytes", []),
        ("time_gelu", ["skipped"]),
        ("time_step", ["error"]),
        ("time_forward", []),
        ("time_forward", ["skipped"]),
    ]


def test_a_regression_says_what_it_is(comparison: Comparison):
    case = next(suite(comparison).iter("testcase"))
    assert (case.get("classname"), case.get("time")) == ("attention.Quick", "0.004350000")
    failure = case.find("failure")
    assert failure.get("message") == "+6.1 % slower (99 % CI 5.2–7.0)"
    assert failure.text == (
        "4.10 ms → 4.35 ms, +6.1 % slower (99 % CI 5.2–7.0), 12 pairs\naten::masked_fill_ 0 → 4 calls (+0.25 ms)"
    )


def test_only_times_are_times(comparison: Comparison):
    times = {case.get("name"): case.get("time") for case in suite(comparison).iter("testcase")}
    assert times["track_bytes"] is None
    assert times["time_gelu"] == "1.040000000"


def test_hostile_text_is_valid_xml(hostile: Comparison):
    found = suite(hostile)
    assert [len(list(case)) for case in found.iter("testcase")] == [1, 1, 0, 1, 1, 0, 1]
    assert "@team" in str(found.find("testcase").get("name"))  # type: ignore[union-attr]  # kept as text


def test_a_name_neither_acts_nor_forges_a_line(comparison: Comparison):
    text = "a\nFORGED\x9b31m\u202e"
    named = replace(comparison, project=text, machine=text, notes=(text,))
    written = junit(named)
    assert not INVISIBLE.search(written)
    assert not any(line.strip().startswith("FORGED") for line in written.splitlines())
