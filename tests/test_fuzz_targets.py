"""Every fuzz target on inputs of one seed; ``nox -s fuzz`` goes on from there for as long as one likes."""

import subprocess
import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).resolve().parent.parent / "tools" / "fuzz"
# So many take a slow core about 20 s, the start of the process left out.
EXECUTIONS = {
    "trace": 8_000, "packed-trace": 8_000, "operators": 500, "operator-file": 4_000, "result": 15_000,
    "results-folder": 2_000, "paired": 10_000, "sessions": 8_000, "configuration": 3_000, "policy": 10_000,
    "acks": 4_000, "payload": 8_000, "store-file": 2_500, "command-line": 2_000,
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
