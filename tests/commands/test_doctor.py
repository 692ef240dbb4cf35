"""``tbp doctor`` on the machine of the tests: its forms, its exit codes, and what it must not need."""

import json
import subprocess
import sys

import pytest

from tbp.errors import RunFailed

from ..command_line import Run
from ..test_schemas import faults


def test_quick_facts_come_as_a_table_and_as_json(run: Run):
    code, out, err = run("doctor", "--quick")
    assert (code, err) == (0, "")
    assert "\nThis machine\n" in out
    assert "noise: --quick leaves its measurement out" in out
    code, text, _ = run("doctor", "--quick", "--json")
    assert (code, faults("doctor", text)) == (0, [])
    content = json.loads(text)
    assert content["machine"]["host"]["system"] == "Linux"
    assert content["machine"]["activity"]["looked_s"] == 0.3
    assert content["noise"] is None


def test_a_grave_finding_is_an_exit_code_only_where_it_is_asked_for(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CUDA_LAUNCH_BLOCKING", "1")
    code, out, _ = run("doctor", "--quick")
    assert (code, "$ unset CUDA_LAUNCH_BLOCKING\n" in out) == (0, True)
    assert run("doctor", "--quick", "--strict")[0] == 5


def test_noise_that_cannot_be_measured_is_told_and_the_rest_is_shown(run: Run, monkeypatch: pytest.MonkeyPatch):
    def failed(ended: object) -> None:
        raise RunFailed("the noise could not be measured: no fork")

    monkeypatch.setattr("tbp.doctor.twins.twin_pairs", failed)
    code, out, _ = run("doctor")
    assert code == 0
    assert "noise: the noise could not be measured: no fork" in out


def test_neither_torch_nor_asv_is_imported():
    look = (
        "import sys; from tbp.__main__ import main; code = main(['doctor', '--quick', '--json']); "
        "print(*sorted({'torch', 'asv', 'pandas', 'scipy'} & set(sys.modules)), file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stderr.split() == []


@pytest.mark.slow
def test_the_noise_is_measured_without_torch_and_asv(tmp_path):
    """Both are made impossible to import. Three pairs in nine seconds may be too many for a busy machine."""
    for name in ("torch", "asv", "asv_runner"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('not here')\n")
    done = subprocess.run(
        [sys.executable, "-m", "tbp", "doctor", "--json"],
        capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert faults("doctor", done.stdout) == []
    content = json.loads(done.stdout)
    if content["noise"] is None:
        assert "fewer than 3 pairs" in content["unread"][-1]["reason"]
    else:
        assert 3 <= content["noise"]["pairs"] <= 6
        assert 0 < content["noise"]["in_turns"] < 1
