"""Every fuzz target on inputs of one seed; ``nox -s fuzz`` goes on from there for as long as one likes."""

import subprocess
import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).resolve().parent.parent / "tools" / "fuzz"
# So many take a core about 5 s, the start of the process left out: the long run is ``nox -s fuzz``.
EXECUTIONS = {
    "trace": 2_000, "packed-trace": 3_000, "operators": 200, "operator-file": 2_000, "result": 6_000,
    "results-folder": 1_000, "paired": 4_000, "reasons": 4_000, "sessions": 3_000, "configuration": 1_500,
    "policy": 4_000, "acks": 3_000, "payload": 5_000, "store-file": 1_000, "command-line": 700,
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("target", EXECUTIONS)
def test_no_input_of_a_seed_is_a_fault(target: str, tmp_path: Path):
    command = [sys.executable, FUZZ / "run.py", target, "--hypothesis", "--findings", tmp_path]
    done = subprocess.run(
        [*map(str, command), "--executions", str(EXECUTIONS[target])], capture_output=True, text=True, check=False
    )
    assert (done.returncode, "FAULT" in done.stdout) == (0, False), done.stdout + done.stderr
    assert f"{EXECUTIONS[target]:,} executions" in done.stdout
