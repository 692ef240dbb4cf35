"""A job of a pull request as GitHub runs it: the steps of action.yml in a shell, in a real clone, with real asv."""

import json
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tbp.comparison.json_form import from_json

from ..processes import clean_environment
from ..repositories import commit, git, new_repository
from ..result_folders import ASV_CONFIG
from ..turns.test_gate_runs import WORK

pytest.importorskip("asv")
yaml = pytest.importorskip("yaml")
pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
BRANCH = "topic/$(touch${IFS}hacked)"
SUITE = """
from thing import work


def time_total():
    work.total(3000)


time_total.benchmark_name = "speed.time_total::error::|`@team"
"""


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """main and a branch of each pull request."""
    folder = new_repository(tmp_path_factory.mktemp("job") / "thing")
    files = {"asv.conf.json": json.dumps(ASV_CONFIG | {"project": "thing"}), "benchmarks/__init__.py": ""}
    suite = SUITE.partition("\n\ntime_total.")[0]
    commit(folder, files=files | {"benchmarks/speed.py": suite, "thing/__init__.py": "", "thing/work.py": WORK})
    slower = WORK.replace("i in range(n))", "i in range(2 * n))", 1)
    for branch, subject, changed in (
        ("slower", "twice the work", {"thing/work.py": slower}),
        ("docs", "words", {"README.md": "words"}),
        ("broken", "does not build", {"asv.conf.json": json.dumps(ASV_CONFIG | {"environment_type": "existing"})}),
        (BRANCH, "::error::hostile", {"benchmarks/speed.py": SUITE, "thing/work.py": slower}),
    ):
        git(folder, "checkout", "-q", "-b", branch, "main")
        commit(folder, subject, files=changed)
    git(folder, "checkout", "-q", "main")
    commit(folder, "later", files={"LATER.md": "words"})
    return folder


class Job:
    """A job on a pull request: GitHub's files and variables, a shallow clone of the merge, and the action's steps."""

    def __init__(self, upstream: Path, branch: str, folder: Path) -> None:
        self.folder, self.merge = folder / "work", f"merge-{abs(hash(branch))}"
        git(upstream, "checkout", "-q", "-B", self.merge, "main")
        git(upstream, "merge", "-q", "--no-ff", "-m", "merge", branch)
        git(upstream, "checkout", "-q", "main")
        git(folder, "clone", "-q", "--depth=2", "-b", self.merge, f"file://{upstream}", str(self.folder))
        base = {"ref": "main", "sha": git(upstream, "rev-parse", "main~1")}
        head = {"ref": branch, "sha": git(upstream, "rev-parse", branch)}
        event = folder / "event.json"
        event.write_text(json.dumps({"action": "opened", "pull_request": {"number": 17, "base": base, "head": head}}))
        self.variables = clean_environment("GITHUB_") | {
            "GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": str(event),
            "GITHUB_SHA": git(self.folder, "rev-parse", "HEAD"), "GITHUB_HEAD_REF": branch, "GITHUB_BASE_REF": "main",
            "GITHUB_OUTPUT": str(folder / "output"), "GITHUB_STEP_SUMMARY": str(folder / "summary"),
            "GITHUB_ACTION_PATH": f"{ROOT}/.", "RUNNER_ENVIRONMENT": "github-hosted", "HOME": str(folder),
            "TBP_NO_CACHE": "1", "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }  # fmt: skip
        self.outputs: dict[str, str] = {}

    def step(self, name: str, more: Mapping[str, str] | None = None, **inputs: str) -> subprocess.CompletedProcess[str]:
        """Runs a step as GitHub does, with the inputs of ``uses``."""
        (step,) = [step for step in ACTION["runs"]["steps"] if step["name"] == name]
        given = {name: each.get("default", "") for name, each in ACTION["inputs"].items()}
        given |= {name.replace("_", "-"): value for name, value in inputs.items()}
        environment = {
            name: re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda matched: given[matched[1]], value)
            for name, value in step.get("env", {}).items()
        }
        shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        done = subprocess.run(
            shell, cwd=self.folder, env=self.variables | environment | dict(more or {}), capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        if (output := Path(self.variables["GITHUB_OUTPUT"])).exists():
            self.outputs = dict(line.split("=", 1) for line in output.read_text().splitlines())
        return done

    @property
    def summary(self) -> str:
        return Path(self.variables["GITHUB_STEP_SUMMARY"]).read_text(encoding="utf-8")

    def file(self, form: str) -> Path:
        return self.folder / self.outputs[form]


def commands(log: str) -> list[str]:
    """The lines of a log that GitHub's runner obeys."""
    return [line for line in log.splitlines() if line.lstrip().startswith("::")]


def test_a_slower_pull_request_fails_with_all_that_a_workflow_needs(upstream: Path, tmp_path: Path):
    job = Job(upstream, BRANCH, tmp_path)
    done = job.step("Gate", bench="speed\ntotal", budget="3", relevant="30", machine="hosted::warning::")
    assert done.returncode == 3, done.stderr
    assert {name: job.outputs[name] for name in ("verdict", "exit-code", "regressions")} == {
        "verdict": "regression", "exit-code": "3", "regressions": "1",
    }  # fmt: skip
    comparison = from_json(job.file("json").read_bytes())
    assert [side.revision for side in (comparison.baseline, comparison.contender)] == ["main", "#17"]
    assert comparison.baseline.subject == "later", "the base is the merge's first parent, not what the event names"
    (judgement,) = comparison.judgements
    assert judgement.low < 1.3  # twice the work; a busy machine moves the effect, and widens its interval
    assert judgement.high > 0.7
    assert judgement.benchmark == "speed.time_total::error::|`@team"
    assert job.summary == job.file("markdown").read_text(encoding="utf-8")
    assert "@team" not in job.summary
    assert ElementTree.parse(job.file("junit")).getroot().get("failures") == "1"
    assert "speed.time_total" in "".join(ElementTree.parse(job.file("svg")).getroot().itertext())
    (command,) = commands(done.stdout + done.stderr)
    assert command.startswith("::error title=Slower::speed.time_total")
    assert not (job.folder / "hacked").exists()
    assert git(job.folder, "status", "--porcelain") == ""


def test_a_pull_request_of_words_passes(upstream: Path, tmp_path: Path):
    job = Job(upstream, "docs", tmp_path)
    done = job.step("Gate", budget="3", relevant="30", excluded="60")
    assert done.returncode == 0, done.stdout + done.stderr
    assert job.outputs["verdict"] in ("pass", "undecided")
    assert job.outputs["regressions"] == "0"
    assert commands(done.stdout + done.stderr) == []


@pytest.mark.parametrize(("fail_on", "code"), [("regression", 4), ("never", 0)])
def test_a_pull_request_that_cannot_be_installed_leaves_the_reason(
    upstream: Path, tmp_path: Path, fail_on: str, code: int
):
    job = Job(upstream, "broken", tmp_path)
    (job.folder / "tbp-gate").mkdir()
    (job.folder / "tbp-gate" / "gate.json").write_text("of an earlier gate")
    done = job.step("Gate", fail_on=fail_on)
    assert done.returncode == code, done.stderr
    assert (job.outputs["verdict"], job.outputs["exit-code"]) == ("failed", "4")
    (note,) = from_json(job.file("json").read_bytes()).notes
    assert "existing cannot hold two commits" in note
    assert "### Nothing was compared" in job.summary
    assert commands(done.stdout)[0].startswith(f"::{'error' if code else 'warning'} title=Not measured::")


def test_the_action_installs_itself_from_where_it_lies(upstream: Path, tmp_path: Path):
    """Into a new environment, which sees what tbp needs in the one of the tests."""
    job = Job(upstream, "slower", tmp_path)
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "virtualenv", "-q", str(environment)], check=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "those_of_the_tests.pth").write_text(sysconfig.get_path("purelib"))
    path = {"PATH": f"{environment / 'bin'}:{os.environ['PATH']}"}
    done = job.step("Install tbp", more=path)
    if "No matching distribution" in done.stderr:
        pytest.skip("no package index, from which pip takes hatchling")
    assert done.returncode == 0, done.stderr
    assert (packages / "tbp" / "ci").is_dir()
