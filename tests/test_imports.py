"""Imports: what must not cost much, and the rooms that the rules and the page on them know."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from .repositories import commit, new_repository
from .result_folders import ASV_CONFIG


@pytest.mark.parametrize("words", ["check", "init --dry-run --yes", "nightly --help"])
def test_what_reads_no_results_imports_nothing_heavy(tmp_path: Path, words: str):
    files = {"pkg/__init__.py": "def f(): pass\n", "pyproject.toml": "[project]\nname = 'pkg'\nversion = '1'\n"}
    if words == "check":
        files |= {"asv.conf.json": json.dumps(ASV_CONFIG), "benchmarks/__init__.py": ""}
    commit(new_repository(tmp_path), files=files)
    heavy = {"pandas", "plotly", "scipy", "torch", "asv"}
    look = (
        f"import atexit, sys; atexit.register(lambda: print(*sorted({heavy} & set(sys.modules)), file=sys.stderr));"
        f"from tbp.__main__ import main; sys.exit(main({words.split()}))"
    )
    done = subprocess.run([sys.executable, "-c", look], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.splitlines()[-1].split()) == (0, []), done.stderr


ROOT = Path(__file__).resolve().parents[1]
ROOMS = {path.name.removesuffix(".py") for path in (ROOT / "tbp").iterdir() if (path / "__init__.py").exists()} | {
    path.stem for path in (ROOT / "tbp").glob("[!_]*.py")
}
SUBJECT_AND_RULER = {"bench", "blocks", "training", "compression", "defects", "selftest"}


def test_every_room_of_the_analysis_is_in_the_contracts_and_on_the_page_on_them():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    by_name = {contract["name"]: contract for contract in contracts}
    analysis = ROOMS - SUBJECT_AND_RULER - {"schemas"}  # which has no code
    layers, forbidden, free = (
        {room.split(".")[1] for entry in by_name[name][key] for room in entry.split(" | ")}
        for name, key in (
            ("The rooms of the analysis, from the command line down to the errors", "layers"),
            ("The ruler and the code under test import nothing of the analysis", "forbidden_modules"),
            ("The analysis imports neither the ruler nor the code under test", "source_modules"),
        )
    )
    assert (analysis - layers, analysis - forbidden, analysis - free) == (set(), set(), set())
    page = (ROOT / "docs/explanation/architecture.md").read_text()
    picture = page.partition("## The direction")[2].partition("## The rooms")[0]
    assert {room for room in analysis if not re.search(rf"\b{room}\b", picture)} == set()
    listed = page.partition("## The rooms")[2].partition("## Recipes")[0]
    assert {room for room in ROOMS - {"errors"} if not re.search(rf"\b{room}(/\*\*|\.py)", listed)} == set()
