"""Traces are read where there is no torch: nothing here may import it, asv or plotly."""

import pkgutil
import subprocess
import sys

import tbp.traces


def test_no_module_imports_torch_asv_or_plotly() -> None:
    modules = [f"tbp.traces.{module.name}" for module in pkgutil.iter_modules(tbp.traces.__path__)]
    assert len(modules) >= 10
    unwanted = "{'torch', 'asv', 'asv_runner', 'plotly'}"
    code = f"import sys, {', '.join(modules)}; print(sorted({unwanted} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
