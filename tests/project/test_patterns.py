"""Regular expressions of users: Python's remarks on them are none of a user's business."""

import pytest

from tbp.project.patterns import compiled, finds


@pytest.mark.parametrize(
    ("pattern", "text"), [("[[a]$", "a"), ("[+--]$", "-"), ("[a||b]$", "|"), ("[a&&b]$", "&"), ("[a~~b]$", "~")]
)
def test_a_set_that_other_languages_read_otherwise_is_compiled_without_a_warning(pattern: str, text: str):
    assert finds(compiled(pattern, "--bench"), text)
