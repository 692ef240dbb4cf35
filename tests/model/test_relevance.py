"""The table of sizes in docs/explanation/change-points.md is that of the code."""

import re
from pathlib import Path

from tbp.model import relevance

ROW = re.compile(r"^\| `([A-Z_]+)` \| ([0-9.]+) % \|", re.MULTILINE)


def test_the_table_has_every_size_with_its_value():
    text = Path(__file__).parents[2].joinpath("docs/explanation/change-points.md").read_text("utf-8")
    documented = {name: float(size) / 100 for name, size in ROW.findall(text)}
    sizes = {name: value for name, value in vars(relevance).items() if name.isupper()}
    assert documented == sizes
    assert list(sizes.values()) == sorted(sizes.values())
