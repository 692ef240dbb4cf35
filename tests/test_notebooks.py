"""The example notebooks, run in a real kernel where one is installed, else as scripts."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = sorted((Path(__file__).parent.parent / "docs" / "notebooks").glob("*.ipynb"))
HAS_KERNEL = all(find_spec(name) for name in ("nbclient", "ipykernel", "nbformat"))
FIGURE = "application/vnd.plotly.v1+json"

# Older jupyter_client asks where its folders are by a way that it warns of; zmq has no proactor loop on Windows.
pytestmark = [pytest.mark.filterwarnings("ignore::DeprecationWarning"), pytest.mark.slow]


def cells(path: Path, kind: str) -> list[dict[str, Any]]:
    return [cell for cell in json.loads(path.read_text("utf-8"))["cells"] if cell["cell_type"] == kind]


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS, "docs/notebooks has moved"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_without_results(path: Path) -> None:
    """A figure has all of its data, and the machine's paths; readers run it."""
    assert [cell["source"] for cell in cells(path, "code") if cell["outputs"] or cell["execution_count"]] == []


@pytest.mark.skipif(not HAS_KERNEL, reason="no Jupyter kernel is installed: nbclient, nbformat and ipykernel")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_in_a_kernel_and_shows_its_figures(path: Path) -> None:
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(path.parent)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert [output for output in outputs if output.output_type not in ("execute_result", "display_data")] == []
    figures = [output.data[FIGURE] for output in outputs if FIGURE in output.data]
    assert len(figures) == sum("tbp.plot." in cell.source for cell in notebook.cells if cell.cell_type == "code")
    assert all(figure["data"] for figure in figures)
    tables = [output for output in outputs if "text/html" in output.data and "<table" in output.data["text/html"]]
    assert len(tables) >= 4


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_as_a_script(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    names: dict[str, Any] = {}
    for cell in cells(path, "code"):
        exec("".join(cell["source"]), names)
    assert names["report"].verdict.startswith("5 regressions in 9 series")
    assert set(names["worse"]["commit"].str[:8]) == {"ed5bf5e8"}
    assert "aten::_softmax 0 → 1 calls" in " ".join(names["worse"]["operators"].sum())
