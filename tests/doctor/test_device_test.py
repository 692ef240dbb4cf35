"""The self-test seen from outside: processes that crash, hang and lie, the report, and the verb."""

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from tbp.doctor.device_test import run as running
from tbp.doctor.device_test.report import line, markdown, to_json
from tbp.doctor.device_test.results import CheckReading, CheckResult, CheckState, DeviceTest, result_of
from tbp.doctor.device_test.run import Program, facts_of
from tbp.doctor.diagnosis import diagnosis
from tbp.doctor.facts import Busy
from tbp.errors import NothingMeasured

from ..command_line import Run
from ..test_schemas import faults
from .machines import GPU, changed

PASSED, FAILED, SKIPPED = CheckState
# Speaks as tbp/selftest/program.py does; the name of a check says how it ends.
LYING = """
import json, os, signal, sys, time
requests, out = os.fdopen(int(sys.argv[2])), os.fdopen(int(sys.argv[3]), "w")
for line in requests:
    request = json.loads(line)
    name = request.get("name", "")
    reply = {"readings": [{"name": "process", "value": str(os.getpid())}], "reason": "", "failed": ""}
    if request["do"] == "list":
        reply = {"checks": CHECKS, "facts": {"torch": "2.13"}}
    elif name == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif name == "hang":
        time.sleep(60)
    elif name == "cuda":
        reply["failed"] = "Traceback\\nRuntimeError: CUDA error: an illegal memory access was encountered"
    elif name == "garbage":
        reply = []
    print(json.dumps(reply), file=out, flush=True)
"""


def lying(folder: Path, *checks: str, total_s: float = 60.0) -> Program:
    path = folder / "program.py"
    path.write_text(LYING.replace("CHECKS", repr(list(checks))))
    return Program("cuda", path, total_s, check_s=2.0)


def test_after_a_crash_a_hang_and_an_error_of_cuda_the_next_check_has_a_new_process(tmp_path: Path):
    names = ("first", "same", "crash", "second", "cuda", "third", "garbage", "fourth", "hang")
    with lying(tmp_path, *names) as program:
        assert program.listing()["checks"] == list(names)
        results = {result.name: result for result in program.results(names)}
    processes = {name: result.readings[0].value for name, result in results.items() if result.readings}
    assert processes["first"] == processes["same"]
    assert len({processes[name] for name in ("first", "second", "third", "fourth")}) == 4
    assert processes["cuda"] == processes["second"], "the error came while it ran"
    assert [name for name in names if results[name].state is FAILED] == ["crash", "cuda", "garbage", "hang"]
    assert results["crash"].reason == "its process was killed by SIGSEGV"
    assert results["hang"].reason == "its process gave no answer for 2 s and was stopped"
    assert results["cuda"].reason == "RuntimeError: CUDA error: an illegal memory access was encountered"


def test_what_the_deadline_leaves_out_has_failed(tmp_path: Path):
    with lying(tmp_path, "first", "second", total_s=0.0) as program:
        assert [result.reason for result in program.results(("first", "second"))] == [
            "it was not run to its end: the time was over"
        ] * 2


def test_a_program_that_cannot_start_says_why(tmp_path: Path):
    program = tmp_path / "program.py"
    program.write_text("raise ImportError('libcudart.so.13')")
    with (
        Program("cuda", program) as started,
        pytest.raises(NothingMeasured, match=r"libcudart\.so\.13"),
    ):
        started.listing()


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(running, "NEEDED", ("torch_that_nobody_has",))
    with pytest.raises(NothingMeasured, match=r"no torch_that_nobody_has.*pip install 'tbp-perf\[bench\]'"):
        running.device_test("cpu")


def test_facts_of_the_machine_name_findings_and_no_process():
    busy = changed("activity", busy_cores=7.5, busiest=(Busy(7, "secret", 7.0),))
    machine = replace(busy, gpus=(replace(GPU, sm_mhz=900, most_sm_mhz=1980, is_persistent=False),))
    assert dict(facts_of(diagnosis(machine))) == {
        "GPU 0": "NVIDIA H200, driver 570.1, 900 of 1980 MHz",
        "tbp doctor, grave": "Neighbours",
        "tbp doctor, warning": "GPU 0",
    }


RIGHT, WRONG = CheckReading("peak", "3 B", "3 B"), CheckReading("clock", "1 s", "2 s ± 10 %", is_right=False)


def test_a_reply_is_a_result():
    def state(**reply: str) -> CheckResult:
        return result_of("x", dict(reply), (RIGHT,), 1.0)

    assert state() == CheckResult("x", PASSED, (RIGHT,), seconds=1.0)
    assert (state(reason="no GPU").state, state(failed="a\nValueError: b\n").reason) == (SKIPPED, "ValueError: b")
    assert result_of("x", {}, (RIGHT, WRONG), 1.0).reason == "clock is 1 s, not 2 s ± 10 %"


HOSTILE = "</code>|`@all` <img src=x>\x1b[31m\n::error::\n# x"
TEST = DeviceTest(
    "cuda",
    (("torch", "2.13.0+cu130"), ("device", HOSTILE)),
    (
        CheckResult("timer", PASSED, (RIGHT,)),
        CheckResult("graphs", SKIPPED, reason="only a GPU has it"),
        CheckResult("edges", FAILED, (WRONG,), "clock is 1 s, not 2 s ± 10 %"),
        CheckResult("scaler", FAILED, (), "ValueError: x", "Traceback\n  File x\nValueError: x"),
    ),
    61.4,
)


def test_the_report_begins_with_the_verdict_and_the_failures():
    lines = markdown(TEST).splitlines()
    assert lines[0] == "### tbp selftest --device cuda: 1 of 3 checks passed, 2 failed, 1 skipped"
    at = lines.index("- ✖ **edges** failed: `clock is 1 s, not 2 s ± 10 %`")
    assert lines[at + 1 : at + 6] == [
        "  - ✖ clock: `1 s`, expected `2 s ± 10 %`",
        "- ✖ **scaler** failed: `ValueError: x`",
        "- ✔ **timer** passed",
        "  - peak: `3 B`, expected `3 B`",
        "- ∅ **graphs** skipped: `only a GPU has it`",
    ]
    assert lines[-3:] == ["    Traceback", "      File x", "    ValueError: x"]
    assert line(TEST.results[2]) == "✖ edges: clock is 1 s, not 2 s ± 10 %"


def test_a_hostile_device_is_no_markup_and_its_json_is_as_the_schema_says():
    text = markdown(TEST)
    assert not any(mark in text for mark in ("<img", "\x1b", "@all", "\n::", "\n# "))
    assert faults("selftest", to_json(TEST)) == []
    assert json.loads(to_json(TEST))["facts"]["device"] == HOSTILE


@pytest.mark.slow
def test_the_verb_tests_the_cpu(run: Run):
    """Checks of time may fail beside other work; all others pass, or have no meaning on a CPU."""
    code, text, err = run("selftest", "--device", "cpu", "--json")
    assert faults("selftest", text) == [], err
    content = json.loads(text)
    states = {result["name"]: result["state"] for result in content["results"]}
    timed = {
        "wall time against events", "cold and warm caches", "equal work under two names", "session and trace", "roof",
    }  # fmt: skip
    assert {name for name, state in states.items() if state == "failed"} <= timed
    assert code == (4 if "failed" in states.values() else 0)
    assert err.count("\n") == len(states) == len(content["results"])


def test_a_machine_without_a_gpu_is_a_line_and_an_exit_code(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    program = tmp_path / "program.py"
    missing = {"missing": "no CUDA device on this machine", "hint": "torch 2.13 is built without CUDA"}
    program.write_text(LYING.replace('{"checks": CHECKS, "facts": {"torch": "2.13"}}', repr(missing)))
    monkeypatch.setattr(running, "PROGRAM", program)
    code, out, err = run("selftest")
    assert (code, out) == (4, "")
    assert err == "tbp: no CUDA device on this machine: torch 2.13 is built without CUDA\n"
