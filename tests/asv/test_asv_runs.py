"""Real asv runs over real git histories: the environment type, the ruler of the working tree, skipped old commits."""

import gzip
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tbp.asv.results import Results, read_results
from tbp.asv.runner import run_asv
from tbp.asv.session_files import read_sessions
from tbp.model.series import Outcome

from ..processes import clean_environment
from ..repositories import commit, git, new_repository
from ..result_folders import ASV_CONFIG
from ..result_frames import rows_of

pytest.importorskip("asv")

ROOT = Path(__file__).resolve().parents[2]

SUITE = """
import torch
from tbp import bench


def reference(case, step):
    return 2 * step.inputs[0].double()


@bench.workload("tiny", "double", reference=reference)
def double(case):
    function = bench.subject("tbp.blocks", "double")
    x = case.randn(case["n"])
    return bench.Step(lambda: function(x), lambda: function(x), inputs=(x,))


class Quick(bench.Suite):
    family = "tiny"
    variants = ("double",)
    shapes = {"n": (16,)}
    counters = ("operators",)
    rounds = 1
"""

# As many packages do: it needs metadata, and nobody has installed it.
BLOCKS = """
from importlib.metadata import version

__version__ = version("nowhere-installed")


def double(x):
    return x + x
"""

CONFIG = ASV_CONFIG | {"project": "tbp"}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository that is tbp in small: its package is called tbp, its ruler is this working tree's.

    Its first commit has neither ruler nor blocks, its second has blocks and a ruler that only raises.
    """
    folder = new_repository(tmp_path_factory.mktemp("history") / "tbp")
    commit(folder, "without blocks or ruler", files={"tbp/__init__.py": '"""Commit 1."""\n'})
    blocks = {
        "tbp/blocks.py": BLOCKS,
        "setup.cfg": "[metadata]\nname = nowhere-installed\nversion = attr: tbp.__version__\n",
    }
    ruler = {"tbp/bench.py": "raise RuntimeError('the commit brought its own ruler')\n"}
    commit(folder, "blocks, and a ruler that must not be used", files=blocks | ruler)
    # The working tree: this project's ruler, suites and plugin, uncommitted.
    (folder / "tbp" / "bench.py").unlink()
    for part in ("bench", "asv", "model", "system"):
        shutil.copytree(ROOT / "tbp" / part, folder / "tbp" / part)
    shutil.copy(ROOT / "tbp" / "errors.py", folder / "tbp")
    (folder / "benchmarks").mkdir()
    shutil.copy(ROOT / "benchmarks" / "__init__.py", folder / "benchmarks")
    (folder / "benchmarks" / "tiny.py").write_text(SUITE)
    # asv's other name for it, which tests of the readers have less of.
    (folder / "asv.conf.jsonc").write_text(f"// of a test\n{json.dumps(CONFIG)}")
    return folder


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A home of its own, so that asv's machine file is not the user's."""
    return clean_environment() | {"HOME": str(tmp_path_factory.mktemp("home"))}


@pytest.fixture(scope="module")
def results(repository: Path, environment: dict[str, str]) -> Results:
    """What one ``asv run`` over both commits stored."""
    assert run_asv(["machine", "--yes"], repository, environment=environment).status == 0
    ran = run_asv(
        ["run", "--show-stderr", "HASHFILE:-"], repository, environment=environment, stdin=_hashes(repository)
    )
    assert ran.status == 0, ran.output
    return read_results(repository / ".asv" / "results")


def _hashes(repository: Path) -> str:
    return git(repository, "rev-list", "main") + "\n"


@pytest.mark.slow
def test_a_commit_without_the_workload_skips_it_and_the_next_is_measured(repository: Path, results: Results):
    new, old = _hashes(repository).split()
    cpu = [
        (value.commit, value.outcome)
        for value in rows_of(results)
        if value.benchmark == "tiny.Quick.torchtime_step" and ("device", "cpu") in value.parameters
    ]
    assert sorted(cpu) == sorted([(old, Outcome.SKIPPED), (new, Outcome.MEASURED)])


@pytest.mark.slow
def test_the_ruler_is_the_working_trees_for_every_commit(repository: Path, results: Results):
    """The newest commit's own ``tbp.bench`` raises when imported: it was measured all the same."""
    sessions = read_sessions(repository / ".asv" / "results")
    assert sessions.problems == ()
    new, old = _hashes(repository).split()
    folder = next((repository / ".asv" / "results").glob(f"*/{new[:8]}-*.traces"))
    trace = next(folder.rglob("*.pt.trace.json.gz"))
    facts = json.loads(gzip.decompress(trace.read_bytes()))["tbp"]
    assert facts["commit"] == new
    assert facts["environment"].startswith("tbp-py")
    reasons = {session.get("skipped") for session in _stored(repository, old)}
    assert f"{old[:8]} has no module tbp.blocks" in reasons


def _stored(repository: Path, commit: str) -> list[dict[str, object]]:
    folder = next((repository / ".asv" / "results").glob(f"*/{commit[:8]}-*.traces"))
    return [json.loads(gzip.decompress(path.read_bytes())) for path in folder.rglob("*.session.json.gz")]


@pytest.mark.slow
def test_a_dry_run_records_nothing(repository: Path, environment: dict[str, str], results: Results):
    before = sorted((repository / ".asv" / "results").rglob("*"))
    ran = run_asv(["run", "--dry-run", "--quick", "main^!"], repository, environment=environment)
    assert ran.status == 0, ran.output
    assert sorted((repository / ".asv" / "results").rglob("*")) == before


@pytest.mark.slow
def test_another_python_is_refused_with_the_way_out(repository: Path, environment: dict[str, str], results: Results):
    ran = run_asv(["check", "-E", "tbp:2.7"], repository, environment=environment)
    assert ran.status != 0
    assert "use environment_type virtualenv" in ran.output


@pytest.mark.slow
def test_tbps_own_suites_are_all_discovered():
    """A plugin that fails to import disappears from asv without a word."""
    program = (
        "import sys; sys.path.insert(0, '.')\n"
        "from asv_runner.discovery import disc_benchmarks\n"
        "print('\\n'.join(benchmark.name for benchmark in disc_benchmarks('benchmarks')))\n"
    )
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    names = set(found.stdout.split())
    for family in ("attention", "feed_forward", "train_step", "compressed_inference"):
        for suite in ("Quick", "Nightly"):
            assert f"{family}.{suite}.torchtime_step" in names


def test_a_checkout_that_is_cut_off_leaves_no_commit_installed(monkeypatch: pytest.MonkeyPatch):
    """What is imported is the checkout: marked as installed, it would be measured as the commit before."""
    from tbp.asv.environment import HostEnvironment, Virtualenv

    def cut_off(*_: object) -> None:
        raise KeyboardInterrupt

    marked: list[object] = []
    monkeypatch.setattr(Virtualenv, "checkout_project", cut_off)
    monkeypatch.setattr(HostEnvironment, "_set_installed_commit_hash", lambda self, commit: marked.append(commit))
    with pytest.raises(KeyboardInterrupt):
        HostEnvironment.checkout_project(HostEnvironment.__new__(HostEnvironment), None, "c0ffee")
    assert marked == [None]
