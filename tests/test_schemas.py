"""The JSON Schemas that tbp ships: made from the code, valid themselves, and true of everything that is written."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from tbp.bisect.bisection import Bisection, Culprit, Ending, ProbeResult
from tbp.bisect.forms import to_json
from tbp.model.changes import State
from tbp.model.comparison import ComparedCommit, Judgement
from tbp.project.first_parents import LineCommit

from .command_line import Run
from .repositories import commit, new_repository
from .result_folders import ASV_CONFIG, shared_data, write_result

jsonschema = pytest.importorskip("jsonschema")

ROOT = Path(__file__).resolve().parent.parent
TINYFORMER = ROOT / "tests" / "data" / "tinyformer" / "results"
OLD, NEW = "0ba96705", "ed5bf5e8"
SCHEMAS = {
    path.name.removesuffix(".json"): json.loads(path.read_text("utf-8"))
    for path in files("tbp.schemas").iterdir()
    if path.name.endswith(".json")
}
HOSTILE = '<b>"\\\n\x1b[31m\u202e::error::##[x]'


def faults(name: str, text: str) -> list[str]:
    """Where the text is not what its schema says. NaN, which is no JSON, raises."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    validator = jsonschema.Draft202012Validator(SCHEMAS[name], format_checker=jsonschema.FormatChecker())
    content = json.loads(text, parse_constant=refuse)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(content)]


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for inner in schema.values():
            yield from objects(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from objects(inner)


def test_the_schemas_are_those_of_the_code():
    done = subprocess.run([sys.executable, "tools/schemas.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "out of date: none\n"), "run python tools/schemas.py"


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_one_and_leaves_nothing_open(name: str):
    schema = SCHEMAS[name]
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"].startswith(f"urn:tbp-perf:schema:{name}:")
    assert [each for each in objects(schema) if "additionalProperties" not in each] == []


def test_a_schema_refuses_what_is_not_written(run: Run):
    _, text, _ = run("compare", OLD, NEW, "--results", TINYFORMER, "--json")
    assert faults("comparison", text) == []
    content = json.loads(text)
    for change in ({"format": 2}, {"more": 1}, {"judgements": [{}]}, {"seconds": "1"}):
        assert faults("comparison", json.dumps(content | change)) != []


@pytest.fixture
def strange(tmp_path: Path) -> Path:
    """Results with a hostile name, a failed benchmark, a skipped one, one without a value before, and a step."""
    results = tmp_path / "strange"
    for place in range(30):
        value = 1.0 + (place >= 15)
        rows = {
            HOSTILE: [[value, 2.0], [["'1'", repr(HOSTILE)]], "1"], "suite.time_failed": [[None], [], "1"],
            "suite.time_skipped": [[float("nan")], [], "1"],
            "suite.track_zero": [[0.0 if place < 15 else 3.0], [], "1"],
        }  # fmt: skip
        write_result(results, f"{place + 1:08x}" + "a" * 32, rows, place, machine="box")
    return results


def test_comparisons_of_all_kinds_are_as_their_schema_says(strange: Path, run: Run):
    first, last = f"{1:08x}", f"{30:08x}"
    for arguments in (
        (first, last),
        (last, first),
        (first, last, "--bench", "failed"),
        (first, last, "--bench", "skipped"),
    ):
        _, text, err = run("compare", *arguments, "--results", strange, "--json")
        assert faults("comparison", text) == [], err


@pytest.mark.parametrize("ending", Ending)
def test_bisections_of_all_kinds_are_as_their_schema_says(ending: Ending):
    commit = LineCommit("a" * 40, ("b" * 40, "c" * 40), HOSTILE, "2026-01-01T00:00:00+00:00", HOSTILE)
    side = ComparedCommit(HOSTILE, "a" * 40, HOSTILE)
    judgement = Judgement(HOSTILE, (("n", HOSTILE),), State.UNDECIDED, reason=HOSTILE)
    culprit = Culprit(commit, "b" * 40, judgement)
    probes = (
        ProbeResult("a" * 40, "", "skipped", "", reason=HOSTILE),
        ProbeResult("a" * 40, "b" * 40, "ends", "bad", 6),
    )
    inside = Bisection("", HOSTILE, (), side, side, ending, 3, judgement, None, ())
    whole = Bisection(
        HOSTILE, HOSTILE, (("n", "1"),), side, side, ending, 9, judgement, culprit, (commit,), (culprit,), 0.1,
        probes=probes, inside=inside, notes=(HOSTILE,), next=("x: tbp gate",),
    )  # fmt: skip
    for bisection in (inside, whole):
        assert faults("bisection", to_json(bisection)) == []


@pytest.mark.parametrize("acknowledged", [False, True])
def test_summaries_of_all_kinds_are_as_their_schema_says(strange: Path, tmp_path: Path, run: Run, acknowledged: bool):
    if acknowledged:
        (tmp_path / "acks.toml").write_text(
            f'[[ack]]\nbenchmark = "*"\ncommit = "{16:08x}"\nreason = "x"\nuntil = 2099-01-01\nowner = "Ada"\n'
        )
    for results in (strange, TINYFORMER):
        arguments = ["--acks", tmp_path / "acks.toml"] if acknowledged and results is strange else []
        run("report", "--results", results, "--out", tmp_path / "site", "--exit-zero", *arguments)
        summary = (tmp_path / "site" / "summary.json").read_text("utf-8")
        assert faults("summary", summary) == []
        changes = [change for series in json.loads(summary)["series"] for change in series["changes"]]
        assert any(change["triage"] for change in changes) is bool(arguments)


def test_a_summary_of_a_repository_with_branches_is_as_its_schema_says(tmp_path: Path, run: Run):
    repository = new_repository(tmp_path / "project")
    (repository / "asv.conf.json").write_text(json.dumps(ASV_CONFIG | {"project": HOSTILE}))
    hashes = [commit(repository, HOSTILE if day % 2 else "x", day) for day in range(1, 9)]
    for day, each in enumerate(hashes):
        write_result(repository / ".asv" / "results", each, {"suite.time_x": [[1.0 + (day > 3)], [], "1"]}, day)
    run(
        "report",
        "--config",
        repository / "asv.conf.json",
        "--base",
        hashes[2],
        "--out",
        tmp_path / "site",
        "--exit-zero",
    )
    assert faults("summary", (tmp_path / "site" / "summary.json").read_text("utf-8")) == []


@pytest.mark.parametrize(
    "arguments",
    [
        (NEW,), (NEW, "--by", "total", "--top", "1"), (NEW, "--group-by", "operator"), (OLD, NEW),
        (OLD, NEW, "--by", "lost"),
    ],
)  # fmt: skip
def test_hotspots_are_as_their_schema_says(arguments: tuple[str, ...], run: Run):
    code, text, err = run("hotspots", *arguments, "--results", TINYFORMER, "--json")
    assert (code, faults("hotspots", text)) == (0, []), err


@pytest.mark.slow
def test_hotspots_of_real_devices_are_as_their_schema_says(run: Run, tmp_path: Path):
    """Kernels, several ranks, modules, lines, memory: of each folder the first trace that is no archive."""
    traces = [
        next(path for path in sorted(folder.iterdir()) if path.name.endswith((".json", ".json.gz")))
        for folder in sorted((shared_data() / "traces").iterdir())
        if folder.is_dir() and any(path.name.endswith((".json", ".json.gz")) for path in folder.iterdir())
    ]
    assert len(traces) >= 4
    answered = 0
    for trace in traces:
        for group in ("operator", "module", "line", "region"):
            code, text, _ = run("hotspots", trace, "--json", "--group-by", group)
            answered += code == 0
            assert code != 0 or faults("hotspots", text) == [], trace
    assert answered > len(traces)
    code, text, _ = run("hotspots", traces[0], traces[0], "--json")
    assert (code, faults("hotspots", text)) == (0, [])


TOML = {
    "policy": 'relevant = 0.05\nstale_days = 30\npass_environment = ["MY_*"]\n'
    '[better]\n"x$" = "lower"\n[names]\n"a" = "b"\n[machines]\n"^fv" = "hosted {processor}"\n',
    "acks": '[[ack]]\nbenchmark = "a.*"\ncommit = "04342f08"\nreason = "x"\n[[ack]]\nevent = "e5f0a1b2..04342f08"\n'
    'status = "fixed in 4d7b91c0"\nowner = "Ada"\nlink = "https://example.org/7"\nuntil = "2026-12-31"\n',
    "claims-file": (ROOT / "benchmarks" / "claims.toml").read_text("utf-8"),
}


@pytest.mark.parametrize("name", TOML)
def test_files_that_tbp_reads_are_as_their_schema_says(name: str, tmp_path: Path):
    assert faults(name, json.dumps(tomllib.loads(TOML[name]))) == []
    read: Callable[[Path], object]
    if name == "policy":
        from tbp.project.policy import read_policy as read

        lines = re.sub(r"^\[(\w+)\]$", r"[tool.tbp.\1]", TOML[name], flags=re.MULTILINE)
        text = f"[tool.tbp]\n{lines}"
    else:
        from tbp.project.acknowledgements import read_acks
        from tbp.project.claims_file import read_claims

        read = read_acks if name == "acks" else read_claims
        text = TOML[name]
    (tmp_path / "file.toml").write_text(text)
    assert read(tmp_path / "file.toml"), "the reader takes it too"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("policy", "relvant = 1"), ("policy", "relevant = -1"), ("policy", 'pass_environment = ["*"]'),
        ("policy", '[better]\n"x" = "larger"'), ("acks", '[[ack]]\ncommit = "04342f08"'),
        ("acks", '[[ack]]\nevent = "04342f08"\nstatus = "done"'), ("acks", '[[ack]]\nevent = "xyz"'),
        ("policy", '[machines]\n"x" = "a {processor"'), ("claims-file", '[[claim]]\ntitle = " "'),
        ("claims-file", '[[claim]]\ntitle = "a"\n[[claim.practice]]\ntitle = "b"\nvariant = "c"'),
    ],
)  # fmt: skip
def test_the_schema_of_a_file_refuses_what_its_reader_refuses(name: str, text: str, tmp_path: Path):
    from tbp.errors import UsageError
    from tbp.project.acknowledgements import read_acks
    from tbp.project.claims_file import read_claims
    from tbp.project.policy import read_policy

    readers: dict[str, Callable[[Path], object]] = {
        "policy": read_policy, "acks": read_acks, "claims-file": read_claims,
    }  # fmt: skip
    assert faults(name, json.dumps(tomllib.loads(text))) != []
    head = "[tool.tbp]\n" if name == "policy" else ""
    (tmp_path / "file.toml").write_text(head + re.sub(r"^\[(\w+)\]$", r"[tool.tbp.\1]", text, flags=re.MULTILINE))
    with pytest.raises(UsageError):
        readers[name](tmp_path / "file.toml")


def test_the_documents_list_every_schema():
    text = (ROOT / "docs" / "how-to" / "shell-editor-hooks.md").read_text("utf-8")
    assert set(re.findall(r"^\| `([\w-]+)` \|", text, re.MULTILINE)) == set(SCHEMAS)
