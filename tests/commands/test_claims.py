"""``tbp claims`` on literal results: its table, its JSON, its exit codes, and the defects it demonstrates."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from ..command_line import Run
from ..repositories import commit, new_repository
from ..result_folders import ASV_CONFIG, write_result
from ..test_schemas import HOSTILE, faults

CLAIMS = """
[[claim]]
title = "Faster"
text = "By far."
[[claim.practice]]
title = "Fused attention"
benchmarks = "suite.*"
variant = "sdpa"
against = "naive"
why = "one kernel"
[[claim.practice]]
title = "Something else"
benchmarks = "decode.*"
variant = "cached"
against = "uncached"
[[defect]]
name = "mask-in-float16"
snippet = "masked_fill(mask == 0, -1e9)"
happens = "raises in float16"
right = "a boolean mask"
unit = "raised errors"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one suite: over four commits sdpa takes half the time of naive."""
    repository = new_repository(tmp_path / "project")
    (repository / "benchmarks").mkdir()
    (repository / "benchmarks" / "claims.toml").write_text(CLAIMS)
    (repository / "asv.conf.json").write_text(json.dumps(ASV_CONFIG | {"project": "p"}))
    for day in range(1, 5):
        of_both = [[1e-3 * (1 + day / 100), 2e-3], [["'sdpa'", "'naive'"]], "1"]
        rows = {"suite.time_forward": of_both}
        write_result(repository / ".asv" / "results", commit(repository, f"day {day}", day), rows, day)
    benchmarks = {"suite.time_forward": _declared(["variant"]), "version": 2}
    (repository / ".asv" / "results" / "benchmarks.json").write_text(json.dumps(benchmarks))
    return repository


def _declared(names: list[str]) -> Mapping[str, object]:
    return {"name": "suite.time_forward", "param_names": names, "params": [["'sdpa'", "'naive'"]], "type": "time",
            "unit": "seconds", "version": "1", "code": ""}  # fmt: skip


def test_the_table_says_which_practice_holds_and_what_to_run(project: Path, run: Run) -> None:
    code, out, err = run("claims", "--config", project / "asv.conf.json")
    assert (code, err) == (0, "")
    assert out.startswith("1 of 1 measured practice holds; 1 is not measured.\n\nFaster: 1 of 1")
    assert "✔ Fused attention  holds  1.95 × faster than naive, 99 % CI" in out
    assert "∅ not measured: Something else: no benchmark of these results matches 'decode.*'" in out
    assert "$ asv run --bench '^(decode)' 'HEAD^!'" in out
    assert "$ tbp claims --demonstrate" in out


def test_json_is_as_its_schema_says(project: Path, run: Run) -> None:
    hostile = CLAIMS.replace('title = "Fused attention"', f"title = {json.dumps(HOSTILE, ensure_ascii=False)}")
    (project / "hostile.toml").write_text(hostile.replace("\x1b", "\\u001b"))
    for file in ("benchmarks/claims.toml", "hostile.toml"):
        code, text, err = run("claims", "--config", project / "asv.conf.json", "--claims", project / file, "--json")
        assert (code, faults("claims", text)) == (0, []), err
        (cell,) = json.loads(text)["claims"][0]["practices"][0]["cells"]
        assert (cell["basis"], cell["size"], cell["verdict"]) == ("runs", 4, "holds")
        _, table, _ = run("claims", "--config", project / "asv.conf.json", "--claims", project / file)
        assert "\x1b" not in table
        assert "\u202e" not in table


@pytest.mark.parametrize(("demand", "code"), [("at_least = 1.5", 5), ("at_least = 3.0", 3)])
def test_strict_is_an_exit_code(project: Path, run: Run, demand: str, code: int) -> None:
    claims = project / "benchmarks" / "claims.toml"
    claims.write_text(CLAIMS.replace('why = "one kernel"', demand))
    assert run("claims", "--config", project / "asv.conf.json")[0] == 0
    assert run("claims", "--config", project / "asv.conf.json", "--strict")[0] == code


def test_nothing_measured_is_4_and_no_file_is_2(project: Path, run: Run) -> None:
    (project / "other.toml").write_text(CLAIMS.replace('variant = "sdpa"', 'variant = "flash"'))
    config = project / "asv.conf.json"
    code, out, _ = run("claims", "--config", config, "--claims", project / "other.toml")
    assert (code, out.splitlines()[0]) == (4, "No practice is measured yet.")
    code, _, err = run("claims", "--config", config, "--claims", project / "none.toml")
    assert (code, "write one (docs/how-to/claims.md)" in err) == (2, True)
    (project / "pyproject.toml").write_text('[tool.tbp]\nclaims = "hidden.toml"\n')
    assert "hidden.toml" in run("claims", "--config", config)[2]


def test_a_broken_claims_file_leaves_the_report_standing(project: Path, tmp_path: Path, run: Run) -> None:
    arguments = ("report", "--config", project / "asv.conf.json", "--out", tmp_path / "site", "--exit-zero")
    run(*arguments)
    assert (tmp_path / "site" / "claims.html").exists()
    (project / "benchmarks" / "claims.toml").write_text("[[claim]]\ntitel = 1\n")
    _, _, err = run(*arguments)
    assert "the page of claims is left out" in err
    assert (tmp_path / "site" / "index.html").exists()
    assert not (tmp_path / "site" / "claims.html").exists()


@pytest.mark.slow
def test_a_defect_is_demonstrated_in_a_process_of_its_own(project: Path, run: Run) -> None:
    pytest.importorskip("torch")
    config = ("--config", project / "asv.conf.json")
    code, text, err = run("claims", *config, "--demonstrate", "mask-in-float16", "odd-width", "--json")
    assert (code, faults("claims", text)) == (0, []), err
    first, second = json.loads(text)["demonstrations"]
    assert (first["naive"]["value"], first["right"]["value"], first["happens"]) == (1.0, 0.0, "raises in float16")
    assert first["naive"]["error"].startswith("RuntimeError: ")
    assert second["happens"] == ""
    assert second["about"] != ""
    code, _, err = run("claims", *config, "--demonstrate", "odd-with")
    assert (code, "there is no demonstration 'odd-with'" in err) == (2, True)
