"""What a report must not cost: libraries that take longer to import than a small report to build."""

import subprocess
import sys

REPORT = "import tbp.report.site.load, tbp.report.site.build, tbp.traces.known_traces"


def test_a_report_imports_neither_scipy_stats_nor_torch_nor_asv():
    """Together they are seconds, the whole of a report without them is half of one."""
    look = f"import sys; {REPORT}; print(*sorted({{'scipy.stats', 'torch', 'asv'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
