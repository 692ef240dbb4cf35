"""The comparison in an artifact that anybody may have made."""

import json
import zipfile
from pathlib import Path

import pytest

from tbp.ci.artifact import MOST_ARTIFACT_BYTES, MOST_FILES, MOST_JSON_BYTES, comparison_of
from tbp.comparison.json_form import to_json
from tbp.comparison.markdown import LIMIT, markdown
from tbp.errors import UnreadableInput
from tbp.model.comparison import Comparison

from .conftest import zipped


def test_a_comparison_comes_back_as_it_was(comparison: Comparison):
    assert to_json(comparison_of(zipped(gate__json=to_json(comparison), gate__md="*any*"))) == to_json(comparison)


def test_hostile_texts_come_back_and_are_rendered_anew(hostile: Comparison):
    returned = comparison_of(zipped(gate__json=to_json(hostile)))
    assert returned.judgements[0].benchmark == hostile.judgements[0].benchmark
    assert markdown(returned) == markdown(hostile)


@pytest.mark.parametrize(
    ("artifact", "reason"),
    [
        (b"", "no whole zip file"),
        (b"PK\x05\x06", "no whole zip file"),
        (b"x" * (MOST_ARTIFACT_BYTES + 1), "larger than the 2 MB"),
        (zipped(gate__md="### All is well"), "has no gate.json"),
        (zipped(gate__json=b" " * (MOST_JSON_BYTES + 1)), "larger than the 5 MB"),
        (zipped(zipfile.ZIP_BZIP2, gate__json=b" " * 50_000_000), "packed otherwise"),
        (zipped(**{f"f{number}": "" for number in range(MOST_FILES + 1)}), "more than 100 files"),
        (zipped(gate__json=b"[" * 1_000_000), "no comparison of tbp"),
        (zipped(gate__json=b"\xff\xfe"), "no comparison of tbp"),
        (zipped(gate__json=b"null"), "no comparison of tbp"),
    ],
)
def test_what_is_no_artifact_of_a_gate_is_refused(artifact: bytes, reason: str):
    with pytest.raises(UnreadableInput, match=reason):
        comparison_of(artifact)


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        (("number",), 17, "unknown field `number`"),
        (("judgements", 0, "href"), "x", "unknown field `href`"),
        (("judgements", 0, "state"), "splendid", "Invalid enum value"),
        (("judgements", 0, "state"), "stale", "no verdict on two commits"),
        (("judgements", 0, "effect"), "1e9", "Expected `float \\| null`"),
        (("judgements", 0, "operators"), None, "Expected `array`"),
        (("baseline",), {"revision": "main"}, "missing required field"),
        (("format",), 2, "format 2"),
    ],
)
def test_keys_types_and_values_are_those_of_the_format(
    comparison: Comparison, path: tuple[str | int, ...], value: object, reason: str
):
    content = json.loads(to_json(comparison))
    inner = content
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    with pytest.raises(UnreadableInput, match=reason):
        comparison_of(zipped(gate__json=json.dumps(content)))


def test_numbers_without_measure_fit_into_a_comment(comparison: Comparison):
    content = json.loads(to_json(comparison))
    for judgement in content["judgements"]:
        judgement |= dict.fromkeys(("before", "after", "effect", "low", "high", "p_value"), -1.7e308)
        judgement |= {"unit": "x" * 10_000, "evidence": 2**62, "operators": ["y" * 1_000] * 9}
    content["judgements"] *= 20
    assert len(markdown(comparison_of(zipped(gate__json=json.dumps(content))))) <= LIMIT


def test_a_file_that_claims_to_be_small_is_not_read_further(tmp_path: Path):
    """The size in a zip file's list is its author's word."""
    artifact = bytearray(zipped(gate__json=b" " * 50_000_000))
    at = artifact.rindex(b"PK\x01\x02") + 24
    artifact[at : at + 4] = (10).to_bytes(4, "little")
    with pytest.raises(UnreadableInput):
        comparison_of(bytes(artifact))
