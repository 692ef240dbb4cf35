"""What tbp is made of and runs: no code out of data, actions pinned by hash, a reason for each dependency."""

import ast
import re
import tomllib
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = ROOT / "tbp" / "scaffold" / "templates"
SOURCES = [path for folder in ("tbp", "benchmarks", "tools") for path in sorted((ROOT / folder).rglob("*.py"))]
SOURCES.append(ROOT / "noxfile.py")

# Modules whose loading runs what the data names.
UNSAFE_MODULES = {
    "pickle",
    "cPickle",
    "_pickle",
    "marshal",
    "shelve",
    "dill",
    "cloudpickle",
    "jsonpickle",
    "dbm",
    "imp",
}
UNSAFE_CALLS = {"eval", "exec", "compile", "__import__", "execfile"}
# Of these, calls are allowed in one form only: keyword → value.
IN_ONE_FORM = {"torch.load": ("weights_only", True), "np.load": None, "numpy.load": None, "joblib.load": None}
UNSAFE_METHODS = {"read_pickle", "to_pickle", "yaml.load", "yaml.unsafe_load", "os.system", "os.popen", "pty.spawn"}
# asv's setup_cache is a pickle by asv's definition. The worker is the benchmarked commit's process: it runs its code
# anyway, and reads only what it has written, in a folder of the gate's.
EXEMPT = {
    "tbp/turns/worker.py: import pickle", "tbp/turns/worker.py: pickle.dumps", "tbp/turns/worker.py: pickle.loads",
    "tools/mutants.py: exec", "tools/mutants.py: compile",  # of tbp's sources, with one change
}  # fmt: skip


def unsafe(source: str) -> list[str]:
    """Every import and call that can run code out of data."""
    return [words for node in ast.walk(ast.parse(source)) if (words := _unsafe(node))]


def _unsafe(node: ast.AST) -> str:
    match node:
        case ast.Import(names=names):
            modules = {alias.name.split(".")[0] for alias in names} & UNSAFE_MODULES
            return f"import {min(modules)}" if modules else ""
        case ast.ImportFrom(module=str(module)):
            return f"import {module}" if module.split(".")[0] in UNSAFE_MODULES else ""
        case ast.Call(func=ast.Name(id=name)) if name in UNSAFE_CALLS:
            return name
        case ast.Call(func=ast.Attribute() as function, keywords=keywords):
            name = ast.unparse(function)
            if name in IN_ONE_FORM:
                form = IN_ONE_FORM[name]
                given = {(keyword.arg, getattr(keyword.value, "value", None)) for keyword in keywords}
                return "" if form in given else name
            is_shell = any(word.arg == "shell" and getattr(word.value, "value", True) is not False for word in keywords)
            is_unsafe = (
                name in UNSAFE_METHODS or function.attr in UNSAFE_METHODS or name.split(".")[0] in UNSAFE_MODULES
            )
            return f"{name} with a shell" if is_shell else name if is_unsafe else ""
    return ""


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import pickle", "import pickle"), ("import marshal as m", "import marshal"), ("eval('1')", "eval"),
        ("from dill import load", "import dill"), ("exec(x)", "exec"), ("torch.load(p)", "torch.load"),
        ("pd.read_pickle(p)", "pd.read_pickle"),
        ("torch.load(p, weights_only=False)", "torch.load"), ("np.load(p, allow_pickle=True)", "np.load"),
        ("subprocess.run(c, shell=True)", "subprocess.run with a shell"), ("os.system(c)", "os.system"),
        ("yaml.load(t)", "yaml.load"), ("frame.to_pickle(p)", "frame.to_pickle"),
    ],
)  # fmt: skip
def test_code_out_of_data_is_seen(source: str, words: str):
    assert unsafe(source) == [words]


@pytest.mark.parametrize(
    "source", ["torch.load(p, weights_only=True)", "model.eval()", "re.compile(x)", "json.loads(t)"]
)
def test_what_only_reads_data_passes(source: str):
    assert unsafe(source) == []


def test_nothing_runs_code_out_of_data():
    calls = {f"{path.relative_to(ROOT)}: {words}" for path in SOURCES for words in unsafe(path.read_text("utf-8"))}
    assert calls == EXEMPT


WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.y*ml"))
# Whatever tbp ships or shows that holds steps of a workflow.
WITH_STEPS = [
    *WORKFLOWS,
    *(
        path
        for pattern in ("docs/**/*.md", "*.md", "tbp/**/*.py", "tbp/**/*.y*ml", "tbp/**/*.j2")
        for path in ROOT.glob(pattern)
        if re.search(r"^\s*(- )?uses: ", path.read_text("utf-8"), re.MULTILINE)
    ),
]


@pytest.mark.parametrize("path", WITH_STEPS, ids=lambda path: path.name)
def test_an_action_is_pinned_by_hash_and_keeps_no_credentials(path: Path):
    text = path.read_text("utf-8")
    uses = re.findall(r"^\s*(?:- )?uses: (.*)$", text, re.MULTILINE)
    assert uses
    assert [use for use in uses if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[\d.]+", use)] == []
    assert text.count("persist-credentials: false") == sum("actions/checkout@" in use for use in uses)
    assert "pull_request_target:" not in text


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_has_no_rights_but_those_of_its_jobs(path: Path):
    text = path.read_text("utf-8")
    assert re.search(r"^permissions: \{\}$", text, re.MULTILINE)
    if ": write" in text:
        assert not re.search(r"^(on: |  )(pull_request|push)\b", text, re.MULTILINE), "strangers' code starts it"
    assert not re.search(r"run:.*\$\{\{", text), "an expression in a script is code: give it as a variable"


def test_every_dependency_has_its_reason():
    """Decision 0011 has a row for each, and for nothing else."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    lists = [
        project["build-system"]["requires"],
        project["project"]["dependencies"],
        *project["project"]["optional-dependencies"].values(),
        *project["dependency-groups"].values(),
    ]
    names = {re.split(r"[<>=!~\[ ]", requirement)[0] for requirements in lists for requirement in requirements}
    decision = (ROOT / "docs" / "decisions" / "0011-supply-chain.md").read_text("utf-8")
    assert set(re.findall(r"^\| `([\w.-]+)` \|", decision, re.MULTILINE)) == names


def test_nothing_tells_anybody_to_install_another_project():
    """On PyPI, tbp is another project: messages and documents name the distribution of pyproject.toml."""
    distribution = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["name"]
    assert distribution == "tbp-perf"
    texts = [*SOURCES, ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *(ROOT / ".github").rglob("*.yml")]
    other = re.compile(r"pip install (?:[^`\n&;]*[ '\"])?tbp(?![-\w./])")
    assert [path.name for path in texts if other.search(path.read_text(encoding="utf-8"))] == []
    assert other.search("pip install tbp")
    assert other.search("pip install -U 'tbp[bench]'")


def imported(distribution: str) -> set[str]:
    """The distributions that ``distribution`` needs on this system, itself among them."""
    known: set[str] = set()
    names = [distribution]
    while names:
        name = canonicalize_name(names.pop())
        if name not in known:
            known.add(name)
            needs = map(Requirement, requires(name) or ())
            names += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    return known


def test_jobs_that_may_write_install_every_package_that_tbp_imports_in_its_pinned_version():
    pins, build_pins = (
        [line for line in (TEMPLATES / name).read_text("utf-8").splitlines() if not line.startswith("#")]
        for name in ("requirements.txt", "build-requirements.txt")
    )
    assert {canonicalize_name(pin.partition("==")[0]) for pin in pins} == imported("tbp-perf") - {"tbp-perf"}
    assert {*pins, *build_pins} <= set((ROOT / "constraints.txt").read_text("utf-8").splitlines())


PIP = re.compile(r"pip install (?!--no-deps ('--only-binary=:all:'|--require-hashes|--no-build-isolation) )")


@pytest.mark.parametrize("path", [*WORKFLOWS, *TEMPLATES.glob("*.yml")], ids=lambda path: path.name)
def test_no_job_with_a_token_that_may_write_resolves_or_builds_what_nobody_pinned(path: Path):
    is_gitlab = path.name == "gitlab.yml"
    jobs = re.split(
        r"^(?=[\w-]+:\n)" if is_gitlab else r"^(?=  [\w-]+:\n)", path.read_text("utf-8"), flags=re.MULTILINE
    )
    with_token = [job for job in jobs if re.search(r"^      [\w-]+: write|^.tbp-with-token:$", job, re.MULTILINE)]
    assert bool(with_token) is (path.stem not in ("ci", "gate", "github-gate", "github-gate-on-label"))
    assert [job for job in with_token if PIP.search(job) or re.search(r"@INSTALL@", job)] == []
    assert PIP.search("pip install -c constraints.txt .")
