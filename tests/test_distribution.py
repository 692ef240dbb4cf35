"""What is published: the files of wheel and sdist, and types that hold for whoever installs the wheel."""

import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from tbp import __version__

ROOT = Path(__file__).resolve().parent.parent
NAME = f"tbp_perf-{__version__}"
# What a user of the API writes. ``reveal_type`` makes mypy print what it knows.
SCRIPT = """
from pathlib import Path

import tbp

frame = tbp.load(Path("results"))
report = tbp.report_data("results", base="v1.0")
worse = report.changes[report.changes["is_worse"]]
points = tbp.change_points([1.0, 2.0])
names: list[bool] = [point.confirmed for point in points]
comparison = tbp.gate("main", "HEAD", bench="attention", budget_minutes=5)
if comparison.is_regressed:
    print(comparison.verdict, comparison.frame["effect"].max())
stored: tbp.CommitComparison = tbp.compare("a", "b", bench=["x", "y"])
table = tbp.hotspots(["a.json", Path("b.json")], by="total")
difference = tbp.difference("before.json", "after.json")
figure = tbp.plot.history(frame, "suite.time_x")
try:
    print(table.frame, difference.explanation, figure, stored.of, names, worse, tbp.__version__)
except tbp.errors.TbpError as error:
    print(error.exit_code)
reveal_type(tbp.hotspots)
"""
WRONG = """
import tbp

tbp.gate(1)
tbp.hotspot("a.json")
tbp.compare("a", "b").frames
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (ROOT / ".git").exists(), reason="git knows which files are of the package"),
]


def build(source: Path, target: Path, kind: str) -> Path:
    pytest.importorskip("hatchling")
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(target)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    return next(target.glob("*.whl" if kind == "wheel" else "*.tar.gz"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("wheel"), "wheel")


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("sdist"), "sdist")


def tracked(*folders: str) -> set[str]:
    listed = subprocess.run(["git", "ls-files", *folders], cwd=ROOT, capture_output=True, text=True, check=True)
    return {name for name in listed.stdout.split("\n") if name and (ROOT / name).exists()}


def test_a_wheel_has_the_package_and_nothing_else(wheel: Path):
    names = {name for name in zipfile.ZipFile(wheel).namelist() if not name.startswith(f"{NAME}.dist-info/")}
    assert names == tracked("tbp") | {"tbp/wording/glossary.md"}
    assert {"tbp/py.typed", "tbp/schemas/comparison.json", "tbp/report/templates/base.html"} <= names
    assert [name for name in names if name.endswith((".pyc", ".map", ".orig"))] == []


def test_an_sdist_builds_the_same_wheel(wheel: Path, sdist: Path, tmp_path: Path):
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
        archive.extractall(tmp_path, filter="data")
    assert tracked("tbp", "tests", "docs", "tools", "benchmarks") <= names
    assert {"README.md", "LICENSE", "pyproject.toml", "PKG-INFO", "CHANGELOG.md"} <= names
    assert [name for name in names if "__pycache__" in name or name.startswith((".git/", "demo", "build"))] == []
    again = build(tmp_path / NAME, tmp_path / "again", "wheel")
    assert again.read_bytes() == wheel.read_bytes()


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the wheel, which finds everything else where the tests find it."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    site = next(folder.glob("lib/python*/site-packages"))
    zipfile.ZipFile(wheel).extractall(site)
    (site / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin" / "python"


def test_a_script_of_a_user_has_types(installed: Path, tmp_path: Path):
    if not find_spec("mypy"):
        pytest.skip("mypy is not installed")

    files = {"right.py": SCRIPT, "wrong.py": WRONG}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    # Both at once: most of the time goes into the types of pandas.
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(installed), *files]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "-> tbp.api.traces.HotspotTable" in done.stdout, done.stdout + done.stderr
    errors = [line.partition(":")[0] for line in done.stdout.splitlines() if ": error:" in line]
    assert (done.returncode, errors) == (1, ["wrong.py"] * 3), done.stdout
    assert "tbp.hotspot" not in done.stdout or "attr-defined" in done.stdout


def test_an_installed_wheel_runs_without_its_repository(installed: Path, tmp_path: Path):
    def tbp(*arguments: str) -> str:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        command = [str(installed), "-P", "-m", "tbp", *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True).stdout

    assert tbp("--version") == f"tbp {__version__}\n"
    assert tbp("schema", "acks").startswith('{\n "$schema"')
    results = ROOT / "tests" / "data" / "tinyformer" / "results"
    shown = tbp("report", "--results", str(results), "--exit-zero", "--out", "site")
    assert "5 regressions" in shown
    assert (tmp_path / "site" / "words.html").exists(), "the glossary is in the wheel"
