"""First calls of compiled modules: what is timed, what is refused, and that a filled cache is used."""

from pathlib import Path

import pytest
import torch

from tbp.bench import first_call
from tbp.bench.devices import Skip
from tbp.bench.first_call import COLD, WARM, first_calls_s

MODULE = "module = torch.nn.Linear(4, 4)\ninputs = (torch.ones(2, 4),)"


def test_no_compiler_is_a_skip_with_the_reason(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(first_call.shutil, "which", lambda name: None)
    with pytest.raises(Skip, match=r"needs a C\+\+ compiler"):
        first_calls_s(MODULE)


def test_a_device_that_is_not_there_is_a_skip(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(Skip, match="no CUDA device on this machine"):
        first_calls_s(MODULE, on="cuda")


def test_on_cuda_triton_compiles_and_the_program_is_placed_there(monkeypatch: pytest.MonkeyPatch):
    programs: list[str] = []
    monkeypatch.setattr(first_call, "device", lambda name: None)
    monkeypatch.setattr(first_call, "_run", lambda program, folder: programs.append(program) or 1.0)
    monkeypatch.setattr(first_call.shutil, "which", lambda name: None)
    monkeypatch.setattr(first_call.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Skip, match="needs Triton on CUDA"):
        first_calls_s(MODULE, on="cuda")
    monkeypatch.setattr(first_call.importlib.util, "find_spec", lambda name: name == "triton")
    assert first_calls_s(MODULE, on="cuda") == {COLD: 1.0, WARM: 1.0}
    assert "module.eval().to('cuda')" in programs[0]


def test_the_second_process_has_the_cache_that_the_first_has_filled(monkeypatch: pytest.MonkeyPatch):
    folders: list[str] = []
    monkeypatch.setattr(first_call.shutil, "which", lambda name: "/usr/bin/g++")
    monkeypatch.setattr(first_call, "_run", lambda program, folder: folders.append(folder) or float(len(folders)))
    assert first_calls_s(MODULE) == {COLD: 1.0, WARM: 2.0}
    assert folders[0] == folders[1]
    assert not Path(folders[0]).exists()


class TestRun:
    """Small programs in place of the compiling one, in real processes."""

    def test_its_seconds_are_those_that_it_prints(self, tmp_path: Path):
        assert first_call._run("print('noise'); print('first call:', 0.25, 1e-7)", str(tmp_path)) == 0.25

    def test_another_result_is_refused(self, tmp_path: Path):
        with pytest.raises(RuntimeError, match=r"computes something else: relative error 0\.5"):
            first_call._run("print('first call:', 0.25, 0.5)", str(tmp_path))

    def test_a_failure_shows_its_last_lines(self, tmp_path: Path):
        with pytest.raises(RuntimeError, match="out of luck"):
            first_call._run("raise SystemExit('out of luck')", str(tmp_path))


@pytest.mark.slow  # half a minute of a core
def test_a_real_module_is_compiled_and_checked():
    try:
        calls = first_calls_s(MODULE)
    except Skip as reason:
        pytest.skip(str(reason))
    assert 0 < calls[WARM] < calls[COLD]
