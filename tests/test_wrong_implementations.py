"""The list of wrong implementations still fits the code: each text stands where it says, once."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

TOOL = Path(__file__).parent.parent / "tools" / "wrong_implementations.py"
spec = importlib.util.spec_from_file_location("wrong_implementations", TOOL)
assert spec is not None
assert spec.loader is not None
tool = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = tool
spec.loader.exec_module(tool)


@pytest.mark.parametrize("wrong", tool.read(), ids=lambda wrong: wrong.name)
def test_it_can_be_put_into_the_code(wrong: Any) -> None:
    text = tool.changed(wrong, tool.ROOT)
    compile(text, wrong.file, "exec")
    assert wrong.cells or wrong.tests
    assert all((tool.ROOT / test).exists() for test in wrong.tests)


def test_a_text_that_is_gone_is_refused() -> None:
    with pytest.raises(LookupError, match=r"stale: tbp/errors\.py has 0 times the text 'not there'"):
        tool.changed(tool.Wrong("stale", "tbp/errors.py", "not there", ""), tool.ROOT)


def test_the_survivors_of_the_issue_are_among_them() -> None:
    names = " ".join(wrong.name for wrong in tool.read())
    for survivor in ("table computed in float32", "clipping before the last", "no warm-up", "lacks optimizer.step"):
        assert survivor in names
