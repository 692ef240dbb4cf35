"""tbp's own suites: declarations over workloads whose code under test is each commit's ``tbp``.

asv imports this package from the working tree but ``tbp`` from the commit. A ruler that changed with the commit would
measure itself, so ``tbp.bench`` is loaded from the working tree, whatever the commit has. Projects other than tbp
need none of this: they have tbp installed beside asv and write ``from tbp import bench``.
"""

import importlib.util
import sys
from pathlib import Path

import tbp


def _working_tree_ruler() -> None:
    folder = Path(__file__).resolve().parent.parent / "tbp" / "bench"
    spec = importlib.util.spec_from_file_location(
        "tbp.bench", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    ruler = importlib.util.module_from_spec(spec)
    # Under its own name before it runs, so that its submodules find it and not the commit's.
    sys.modules["tbp.bench"] = ruler
    spec.loader.exec_module(ruler)
    tbp.bench = ruler  # type: ignore[attr-defined]


if "tbp.bench" not in sys.modules:
    _working_tree_ruler()
