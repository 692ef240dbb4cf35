"""One rank of a distributed step: the script that torchrun starts (``tbp.bench.ranks``).

Its only argument is the plan of the measuring process, a JSON file. Run as a file, because which ``tbp`` can be
imported, the commit's, is for the plan to say, and which ``tbp.bench``, the working tree's, for the package of suites.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from pathlib import Path


def main() -> None:
    plan = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    sys.path[:] = plan["import_path"]
    if plan["package_file"]:
        # From where the measuring process has it: asv finds a package of suites by no path.
        name, file = plan["module"].partition(".")[0], plan["package_file"]
        spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=[str(Path(file).parent)])
        assert spec is not None
        assert spec.loader is not None
        package = importlib.util.module_from_spec(spec)
        sys.modules[name] = package
        spec.loader.exec_module(package)
    importlib.import_module("tbp.bench.ranks").serve(plan)


if __name__ == "__main__":
    main()
