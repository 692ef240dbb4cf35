"""Every fuzz target on inputs of one seed; ``nox -s fuzz`` goes on from there for as long as one likes."""

import subprocess
import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).resolve().parent.parent / "tools" / "fuzz"
# So many take a core 2 to 3 s, the start of the process left out: the long run is ``nox -s fuzz``.
EXECUTIONS = {
    "trace": 1_000, "packed-trace": 1_500, "operators": 100, "operator-file": 1_000, "result": 3_000,
    "results-folder": 500, "paired": 2_000, "reasons": 2_000, "sessions": 1_500, "configuration": 750,
    "policy": 2_000, "acks": 1_500, "payload": 2_500, "store-file": 500, "command-line": 350,
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
