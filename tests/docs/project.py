"""The project that the commands of the docs run in: the demo's commits, with the results of tests/data/tinyformer."""

import gzip
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

from tbp.demo.repository import create

from ..repositories import commit, git
from ..result_folders import ASV_CONFIG

TINYFORMER = Path(__file__).parents[1] / "data" / "tinyformer" / "results"
# The benchmark has the name that the docs use for an example.
RENAMED = {"inference.Inference": "attention.Quick"}


def small_project(folder: Path) -> dict[str, str]:
    """Writes the project, and returns what stands for the words in capitals of a command.

    Of its nine commits the fourth keeps the attention weights. The ninth is not on main, and as slow as the fourth.
    """
    commits = create(folder, datetime(2026, 11, 29, tzinfo=UTC))
    (folder / "asv.conf.json").write_text(json.dumps(ASV_CONFIG | {"project": "tinyformer"}))
    git(folder, "tag", "v1.2", commits[1])
    git(folder, "branch", "1.x", commits[1])
    git(folder, "checkout", "-q", "-b", "topic")
    topic = commit(folder, "Keep the attention weights again", day=334)
    results = folder / ".asv" / "results"
    _results(results, commits)
    _copied(results, commits[2], commits[-1], "*/**/*")
    _copied(results, commits[3], topic, "*", "*/**/*")
    traces = [next(results.glob(f"*/{name[:8]}*/*/*.pt.trace.json.gz")) for name in commits[2:4]]
    _traces(folder, *traces)
    slower = commits[3][:8]
    return {
        "COMMIT": slower, "DIR": ".asv/results", "TRACE": "trace.json.gz", "A": "before.json.gz", "B": "after.json.gz",
        "FOLDER": "ranks", "04342f08": slower, "e5f0a1b2..04342f08": f"{commits[2][:8]}..{slower}",
    }  # fmt: skip


def _results(folder: Path, commits: tuple[str, ...]) -> None:
    """The stored results under the hashes of ``commits``, in the order of their dates."""
    files = sorted(TINYFORMER.glob("vm/*-*.json"), key=lambda path: json.loads(path.read_text())["date"])
    stored = [json.loads(path.read_text())["commit_hash"] for path in files]
    short = {old[:8]: new[:8] for old, new in zip(stored, commits, strict=True)}
    words = dict(zip(stored, commits, strict=True))
    for path in TINYFORMER.rglob("*.*"):
        if path.is_file():
            _copy(path, folder / _replaced(str(path.relative_to(TINYFORMER)), short | RENAMED), words | RENAMED)


def _copied(results: Path, old: str, new: str, *patterns: str) -> None:
    """Gives a commit files of another one, which stand below its name."""
    for path in [path for pattern in patterns for path in results.glob(f"*/{old[:8]}{pattern}")]:
        if path.is_file():
            _copy(path, Path(str(path).replace(old[:8], new[:8])), {old: new})


def _copy(path: Path, target: Path, words: dict[str, str]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.name.endswith(".session.json.gz"):
        target.write_bytes(gzip.compress(_replaced(gzip.decompress(path.read_bytes()).decode(), words).encode()))
    elif path.suffix == ".json":
        target.write_text(_replaced(path.read_text(), words))
    else:
        shutil.copy(path, target)


def _replaced(text: str, words: dict[str, str]) -> str:
    for old, new in words.items():
        text = text.replace(old, new)
    return text


def _traces(folder: Path, before: Path, after: Path) -> None:
    """Traces under the names that the docs have for them."""
    for name, trace in {
        "trace": after, "before": before, "after": after, "before.pt.trace": before, "after.pt.trace": after,
    }.items():  # fmt: skip
        shutil.copy(trace, folder / f"{name}.json.gz")
    text = gzip.decompress((TINYFORMER.parents[1] / "h200" / "train_amp_stack_modules.pt.trace.json.gz").read_bytes())
    (folder / "trace.json").write_bytes(text)
    (folder / "broken.json").write_bytes(text[: len(text) // 2])
    for side in ("ranks", "A1", "B1"):
        (folder / side).mkdir()
        (folder / side / "rank0.json").write_bytes(text)
