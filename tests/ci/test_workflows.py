"""The action and the workflows as they are written: rights, events, and that tbp runs what it gives to others."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tbp.cli import parse
from tbp.scaffold.workflows import install_alone, pinned

yaml = pytest.importorskip("yaml")

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "tbp" / "scaffold" / "templates"
GATES = [TEMPLATES / "github-gate.yml", TEMPLATES / "github-gate-on-label.yml", ROOT / ".github/workflows/gate.yml"]
COMMENTS = [TEMPLATES / "github-comment.yml", ROOT / ".github/workflows/comment.yml"]
NIGHTS = [ROOT / ".github/workflows/nightly.yml", TEMPLATES / "github-nightly.yml"]
GITLAB = TEMPLATES / "gitlab.yml"
ACTIONS = [ROOT / "action.yml", ROOT / "comment" / "action.yml"]


def content(path: Path) -> dict[Any, Any]:
    """A workflow, in which YAML 1.1 takes the key ``on`` for true."""
    return yaml.safe_load(re.sub("@[A-Z_]+@", "install it", path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", GATES, ids=lambda path: path.name)
def test_the_job_that_runs_a_pull_request_may_only_read_it(path: Path):
    workflow = content(path)
    assert workflow["permissions"] == {}
    assert workflow[True] == "pull_request" or list(workflow[True]) == ["pull_request"]
    assert workflow["jobs"]["gate"]["permissions"] == {"contents": "read"}
    assert not re.search(r"secrets\.|github\.token|GITHUB_TOKEN", path.read_text(encoding="utf-8"))
    assert workflow["concurrency"]["cancel-in-progress"] is True


@pytest.mark.parametrize("path", COMMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_job_that_may_write_runs_nothing_of_a_pull_request(path: Path):
    workflow = content(path)
    assert workflow["permissions"] == {}
    assert workflow[True] == {"workflow_run": {"workflows": ["tbp gate"], "types": ["completed"]}}
    job = workflow["jobs"]["comment"]
    assert job["if"] == "github.event.workflow_run.event == 'pull_request'"
    assert job["permissions"] == {"actions": "read", "pull-requests": "write"}
    uses = {step["uses"].partition("@")[0]: step.get("with", {}) for step in job["steps"] if "uses" in step}
    assert set(uses) <= {"actions/setup-python", "actions/checkout"}, "no download of an artifact into the workspace"
    for checkout in (given for action, given in uses.items() if action == "actions/checkout"):
        assert checkout["ref"] == "${{ github.event.repository.default_branch }}"
    assert [step for step in job["steps"] if "GITHUB_TOKEN" in step.get("env", {})] == [job["steps"][-1]]


def test_the_comment_follows_the_gate_by_its_name():
    assert {content(path)["name"] for path in GATES} == {"tbp gate"}


def test_tbp_gates_itself_with_what_it_gives_to_others():
    own, given = ((ROOT / ".github/workflows/gate.yml").read_text(), GATES[0].read_text())
    for name, value in (
        ("@INSTALL@", "pip install -c constraints.txt '.[bench]'"),
        ("ci gate", "ci gate --bench Quick"),
        ('"3.12"', '"3.11"'),  # constraints.txt is that of 3.11
        ("tbp-comment.yml", "comment.yml"),
    ):
        assert given.count(name) == 1
        given = given.replace(name, value)
    assert own == given


def test_the_nights_of_tbp_are_those_that_it_gives_to_others():
    own, given = (path.read_text() for path in NIGHTS)
    for name, value in (
        ("@INSTALL@", "pip install -c constraints.txt '.[bench]'"),
        ("@INSTALL_ALONE@", install_alone(".").replace("'.'", ".")),
        ("@PINNED@", "".join(["|", *(f"\n      {line}" for line in pinned("."))])),
        ('"3.12"', '"3.11"'),
    ):
        assert name in given
        given = given.replace(name, value)
    assert own == given


def test_tbp_comments_with_what_it_gives_to_others():
    own, given = (content(path)["jobs"]["comment"]["steps"] for path in reversed(COMMENTS))
    checkout, python, install, comment = own
    assert checkout["uses"].startswith("actions/checkout@")
    assert comment["env"].pop("PYTHONPATH") == "."
    assert install["run"] == "python -P -m pip install --no-deps --require-hashes -r comment/requirements.txt"
    assert [python, {"run": "install it"}, comment] == given
    jobs = [content(path)["jobs"]["comment"] | {"steps": []} for path in COMMENTS]
    assert jobs[0] == jobs[1]
    assert content(COMMENTS[0])["concurrency"] == content(COMMENTS[1])["concurrency"]


def test_the_gate_on_a_label_does_what_the_other_does():
    usual, on_label = (content(path)["jobs"]["gate"] for path in GATES[:2])
    assert on_label.pop("if") == "github.event.action == 'labeled' && github.event.label.name == 'tbp-gate'"
    assert on_label == usual
    assert content(GATES[1])[True]["pull_request"]["types"] == ["labeled", "unlabeled", "synchronize"]


def scripts_of(workflow: dict[Any, Any]) -> list[str]:
    """The scripts of a workflow or an action of GitHub, or of the jobs of GitLab."""
    jobs = [workflow["runs"]] if "runs" in workflow else list(workflow.get("jobs", workflow).values())
    steps = [step["run"] for job in jobs for step in job.get("steps", ()) if "run" in step]
    return steps + [line for job in jobs for line in job.get("script", ())]


@pytest.mark.parametrize("path", [*GATES, *COMMENTS, *ACTIONS, GITLAB], ids=lambda path: str(path.relative_to(ROOT)))
def test_every_call_of_tbp_is_one_that_tbp_knows(path: Path):
    scripts = [script.replace("\\\n", " ") for script in scripts_of(content(path))]
    calls = [call for script in scripts for call in re.findall(r"-m tbp (.*)", script)]
    assert calls
    for call in calls:
        options = re.findall(r'"?(--[\w-]+)=?', call)
        values = {"--budget": "10", "--relevant": "2", "--excluded": "5", "--fail-on": "never", "--only-changes": None}
        words = [name if values.get(name, "") is None else f"{name}={values.get(name, 'x')}" for name in options]
        parse([*(word for word in call.split()[:2] if word[0] != "-"), *words])


def test_the_note_of_gitlab_runs_nothing_of_a_merge_request_and_the_gate_has_no_secret():
    jobs = content(GITLAB)
    note = jobs["tbp-note"]
    assert note["variables"] == {"GIT_STRATEGY": "none"}
    assert note["extends"] == jobs["tbp-store"]["extends"] == ".tbp-with-token", "else the merge request is installed"
    assert jobs[".tbp-with-token"]["before_script"] == ["cd install it", "install it"]
    assert "@INSTALL_ALONE@" in GITLAB.read_text()
    assert "$GITLAB_TOKEN" in note["rules"][0]["if"]
    paths, report = jobs["tbp-gate"]["artifacts"]["paths"], jobs["tbp-gate"]["artifacts"]["reports"]["junit"]
    assert (paths, report) == (["install ittbp-gate"], "install ittbp-gate/gate.xml"), "behind the folder's placeholder"


def test_every_input_is_used_and_every_output_is_given():
    action = content(ACTIONS[0])
    text = ACTIONS[0].read_text()
    assert all(f"inputs.{name}" in text for name in action["inputs"])
    scripted = {name for step in action["runs"]["steps"] for name in re.findall(r"\$\{?([A-Z_]+)", step.get("run", ""))}
    given = {name for step in action["runs"]["steps"] for name in step.get("env", {})}
    assert given <= scripted
    assert "${{" not in "".join(step.get("run", "") for step in action["runs"]["steps"]), "an expression is code there"


def test_the_comment_action_installs_what_tbp_is_tested_with():
    pins = dict(re.findall(r"^([\w-]+)==(\S+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
    lines = (ROOT / "comment" / "requirements.txt").read_text().replace("\\\n", " ").splitlines()
    required = [line for line in lines if not line.startswith("#")]
    assert [re.split("==| ", line)[:2] for line in required] == [
        [name, pins[name]] for name in ("msgspec", "numpy", "pandas", "python-dateutil")
    ]
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", line) for line in required)


def test_the_extra_without_torch_is_the_other_one_but_for_torch():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert extras["asv"] == [name for name in extras["bench"] if not name.startswith("torch")]
