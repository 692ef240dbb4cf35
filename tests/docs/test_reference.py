"""The reference has every setting, key, variable, field and attribute that the code has, and no other."""

import re
from pathlib import Path
from typing import Any

import msgspec

from tbp.asv import ratios, reasons, session_files
from tbp.bench import Suite
from tbp.bench.suite import COUNTERS
from tbp.errors import ExitCode
from tbp.project.policy import KEYS, Policy

from .documents import ROOT


def page(name: str) -> str:
    return (ROOT / "docs" / "reference" / f"{name}.md").read_text("utf-8")


def section(text: str, heading: str) -> str:
    start = text.index(f"## {heading}\n")
    return text[start : text.find("\n## ", start)]


def rows(text: str) -> list[list[str]]:
    """The cells of the rows of a table whose first cell begins with code."""
    lines = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line] for line in lines if "`" in line[0]]


def names(text: str) -> set[str]:
    """The words in code of first cells."""
    return {name for row in rows(text) for name in re.findall(r"`([\w_]+)`", row[0])}


def test_every_setting_stands_with_its_default() -> None:
    empty: dict[str, str] = {"better": "{}", "machines": "{}", "names": "{}", "pass_environment": "[]", "claims": '""'}
    defaults = {f"`{key}`": f"`{empty.get(key, getattr(Policy(), key))}`" for key in KEYS}
    assert {row[0]: row[1] for row in rows(section(page("configuration"), "Settings of a project"))} == defaults


def test_every_key_of_asv_that_is_read() -> None:
    source = (ROOT / "tbp" / "project" / "asv_config.py").read_text("utf-8")
    read = set(re.findall(r'text\("(\w+)"', source)) | set(re.findall(r'values\.get\("(\w+)"', source))
    assert len(read) >= 7
    assert names(section(page("configuration"), "asv.conf.json")) == read


def test_every_variable_of_tbp() -> None:
    sources = [path.read_text("utf-8") for path in (ROOT / "tbp").rglob("*.py")]
    used = {name for source in sources for name in re.findall(r'"(TBP_[A-Z_]+)"', source)}
    assert used <= set(re.findall(r"`(TBP_[A-Z_]+)`", page("configuration")))


def fields(struct: type[msgspec.Struct]) -> set[str]:
    return set(struct.__struct_fields__)


def test_every_field_of_the_files_beside_results() -> None:
    text = page("files")
    assert names(section(text, "Sessions")) == fields(session_files._SessionFile)
    cells = fields(ratios._Cell) | fields(ratios.Ratio)
    assert set(re.findall(r"`(\w+)`", section(text, "Ratios of pairs"))) == fields(ratios._RatiosFile) | cells
    cells = fields(reasons._StoredOutput)
    assert set(re.findall(r"`(\w+)`", section(text, "Reasons of failures"))) == fields(reasons._ReasonsFile) | cells


def test_every_attribute_of_a_suite_with_its_default() -> None:
    table = {name: row for row in rows(section(page("bench"), "A suite")) for name in re.findall(r"`(\w+)`", row[0])}
    inherited = {
        "params",
        "param_names",
        "workload",
        "case",
        "device",
        "parameters",
        "counts",
        "close",
        "first_call_s",
    }  # made
    assert set(table) - set(COUNTERS) == set(Suite.__annotations__) - inherited
    assert set(COUNTERS) <= set(table)
    shown: dict[str, Any] = {name: getattr(Suite, name) for name in ("shapes", "fixed", "rounds", "timeout")}
    assert {name: table[name][1] for name in shown} == {name: f"`{value}`" for name, value in shown.items()}


def test_every_exit_code() -> None:
    documented = re.findall(r"^\| (\d+) \|", section(page("command-line"), "Exit codes"), re.MULTILINE)
    assert {*map(int, documented)} == {code.value for code in ExitCode} | {1}


MENTION = re.compile(r"docs/[\w/-]+\.md")


def test_every_page_that_code_names_exists() -> None:
    files = [path for room in ("tbp", "tests", "tools", "benchmarks") for path in (ROOT / room).rglob("*.py")]
    files += [*ROOT.glob("*.md"), *ROOT.glob("*.toml"), ROOT / "noxfile.py", ROOT / "tools" / "README.md"]
    mentions = {(path.name, mention) for path in files for mention in MENTION.findall(path.read_text("utf-8"))}
    assert len(mentions) > 20
    example = "docs/requirements.md"  # of another project, in a test
    assert [pair for pair in sorted(mentions) if not (ROOT / pair[1]).exists() and pair[1] != example] == []


def test_every_anchor_of_the_files_beside_docs_exists() -> None:
    """The build of the site checks the links of docs; these stand outside of it."""
    links = [
        (path, link)
        for path in ROOT.glob("*.md")
        for link in re.findall(r"\]\((?!https?:)([^)#]+(?:#[^)]+)?)\)", path.read_text("utf-8"))
    ]
    broken = []
    for path, link in links:
        name, _, anchor = link.partition("#")
        target = ROOT / name
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append((path.name, link))
    assert broken == []


def anchors(path: Path) -> set[str]:
    """GitHub's names for the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
