import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import tbp
from tbp.asv.results import COLUMNS
from tbp.errors import NothingMeasured

Writer = Callable[..., Path]


def test_load_gives_the_documented_columns(result_file: Writer):
    path = result_file("a", {"time_it": [[1.0, None], [["1", "2"]], "v"]})
    found = tbp.load(str(path.parent.parent))
    assert {name: str(dtype) for name, dtype in found.dtypes.items()} == COLUMNS
    assert found.loc[found["outcome"] == "measured", "value"].tolist() == [1.0]
    assert all(f"``{name}``" in str(tbp.load.__doc__) for name in COLUMNS)


def test_load_warns_of_files_it_leaves_out(result_file: Writer):
    path = result_file("a", {"time_it": [[1.0], []]})
    for i in range(5):
        (path.parent / f"{i}.json").write_bytes(b"{")
    with pytest.warns(UserWarning, match=r"0\.json was left out(.|\n)*and 2 more"):
        assert len(tbp.load(path.parent.parent)) == 1


def test_load_of_nothing_says_what_to_do(tmp_path: Path):
    with pytest.raises(NothingMeasured, match="run `asv run`"):
        tbp.load(tmp_path)


def test_importing_tbp_imports_nothing_else():
    program = "import sys; before = set(sys.modules); import tbp; print(*sorted(set(sys.modules) - before))"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert set(found.stdout.split()) <= {"tbp", "__future__"}
