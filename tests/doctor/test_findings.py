"""Findings of literal machines: which there are, how grave, and that each has a way out or says why it has none."""

import pytest
from msgspec.structs import replace

from tbp.doctor.diagnosis import diagnosis
from tbp.doctor.facts import Busy, Host, MachineFacts
from tbp.doctor.finding import Severity
from tbp.doctor.findings import findings
from tbp.doctor.json_form import to_json
from tbp.doctor.table import table
from tbp.doctor.variables import DISTORTING, HARMLESS

from .machines import GPU, QUIET, changed

GRAVE, WARNING, NOTE = Severity
GIB = 1 << 30


def test_nothing_is_found_on_a_quiet_machine():
    assert findings(QUIET) == ()
    assert diagnosis(QUIET).sentence == "Nothing stands in the way of measuring here"


ONE_THREAD = replace(QUIET.software, variables={"OMP_NUM_THREADS": "1"})


def test_what_cannot_be_read_is_not_praised():
    unknown = MachineFacts(Host("Darwin"))
    assert diagnosis(unknown).sentence.startswith("Too little of this machine can be read")
    assert "GPU" not in table(diagnosis(unknown))


COMPILER = (Busy(71, "cc1plus", 1.0), Busy(72, "ld", 0.4))
CASES = [
    (changed("activity", busy_cores=7.4, busiest=COMPILER), GRAVE, "7.4 of 8 cores are busy, so none is left",
     "ps -o pid,user,etime,args -p 71,72"),
    (changed("activity", busy_cores=1.4, busiest=COMPILER), WARNING, "cc1plus (71) 1.0, ld (72) 0.4", "ps -o"),
    (changed("activity", busy_cores=7.4, waiting_share=0.6), GRAVE, "waited for one in 60 % of 10 s", ""),
    (changed("activity", stolen_share=0.012), WARNING, "other guests of the host got 1.2 %", ""),
    (changed("memory", available_bytes=GIB), WARNING, "1.00 GiB of memory are left", "ps -eo"),
    (changed("memory", waiting_share=0.02), GRAVE, "waited for memory for 2.0 %", "ps -eo"),
    (replace(changed("cores", quota=1.5), software=ONE_THREAD), WARNING, "the time of 1.5 cores is the limit",
     "docker run --cpuset-cpus=0-1 IMAGE"),
    (changed("cores", quota=8.0, throttled_share=0.25), GRAVE, "as in 25 % of all periods", "docker run"),
    (changed("software", variables={"OMP_NUM_THREADS": "16"}), GRAVE, "OMP_NUM_THREADS is 16, and there are 8 cores",
     "export OMP_NUM_THREADS=1"),
    (changed("cores", usable=(3,)), WARNING, "bound to core 3", "taskset -cp $$"),
    (changed("processor", online=1), WARNING, "the machine has one core", ""),
    (changed("cores", isolated=(6, 7), usable=tuple(range(6))), NOTE, "cores 6,7 are isolated", "taskset -c 6,7"),
    (changed("processor", is_smt_active=True), NOTE, "two logical cores share each physical one", "echo off | sudo"),
    (changed("processor", numa_nodes=2), NOTE, "2 nodes", "numactl"),
    (changed("clocks", governors=(("powersave", 7), ("performance", 1))), WARNING, "powersave on 7 cores",
     "sudo cpupower frequency-set --governor performance"),
    (changed("clocks", is_boosting=True, boost_file="/sys/x/no_turbo"), WARNING, "higher while few cores work",
     "echo 1 | sudo tee /sys/x/no_turbo"),
    (changed("clocks", is_boosting=True, boost_file="/sys/x/boost"), WARNING, "higher", "echo 0 | sudo tee"),
    (changed("clocks", throttled=3), WARNING, "3 times", ""),
    (changed("host", clock_source="hpet", clock_sources=("hpet", "acpi_pm")), WARNING, "from hpet", ""),
    (changed("host", clock_source="hpet", clock_sources=("tsc", "hpet")), WARNING, "from hpet", "echo tsc | sudo tee"),
    (changed("host", is_on_battery=True), GRAVE, "battery", ""),
    (changed("host", power_profile="low-power"), WARNING, "low-power", "echo performance | sudo tee"),
    (changed("software", is_debug_python=True), GRAVE, "debug build", ""),
    (changed("software", variables={"OMP_WAIT_POLICY": "active"}), WARNING, "OMP_WAIT_POLICY", "unset OMP_WAIT_POLICY"),
    (changed("software", variables={"CUDA_LAUNCH_BLOCKING": "1"}), GRAVE, "every launch waits", "unset CUDA_LAUNCH"),
    (changed("processor", flags=frozenset({"avx2"})), NOTE, "cells of bfloat16 and float16 are skipped", ""),
    (changed("processor", flags=frozenset({"avx512_bf16", "avx512_fp16"})), NOTE, "INT8 may be no faster", ""),
    (replace(QUIET, gpus=(replace(GPU, slowed_by=("heat, by the driver",), sm_mhz=900, most_sm_mhz=1980),)), GRAVE,
     "heat, by the driver holds its clock at 900 of 1980 MHz", "nvidia-smi --id=0 --query"),
    (replace(QUIET, gpus=(replace(GPU, processes=(5,)),)), WARNING, "another process uses it (pid 5)", "nvidia-smi"),
    (replace(QUIET, gpus=(replace(GPU, busy_share=0.9),)), GRAVE, "busy for 90 %", "nvidia-smi --id=0"),
    (replace(QUIET, gpus=(replace(GPU, is_persistent=False),)), WARNING, "persistence mode is off",
     "sudo nvidia-smi --persistence-mode=1"),
    (replace(QUIET, gpus=(replace(GPU, is_mig=True),)), NOTE, "MIG", "nvidia-smi --id=0 mig -lgi"),
    (replace(QUIET, gpus=(replace(GPU, most_sm_mhz=1980),)), NOTE, "whether it is locked",
     "sudo nvidia-smi --lock-gpu-clocks=1584"),
    (replace(changed("software", torch="2.13.0+cpu", torch_cuda=""), gpus=(GPU,)), GRAVE, "built without CUDA", "pip"),
]  # fmt: skip


@pytest.mark.parametrize(("machine", "severity", "sentence", "fix"), CASES)
def test_one_fact_is_one_finding_with_its_way_out(machine: MachineFacts, severity: Severity, sentence: str, fix: str):
    (finding,) = findings(machine)
    assert finding.severity is severity
    assert sentence in finding.sentence
    assert finding.fix.startswith(fix), "the line is to be typed"
    assert bool(finding.fix) is bool(fix)
    assert finding.fix or finding.remark.startswith("not to be fixed"), "why there is no way out here"


@pytest.mark.parametrize(
    "machine",
    [
        changed("activity", busy_cores=0.1), changed("activity", stolen_share=0.009), changed("cores", isolated=(6, 7)),
        changed("memory", available_bytes=2 * GIB), changed("software", variables={"OMP_NUM_THREADS": "8"}),
        changed("software", variables=HARMLESS), changed("host", clock_source="kvm-clock"),
        changed("processor", flags=frozenset()), replace(QUIET, gpus=(replace(GPU, busy_share=0.05),)),
    ],
)  # fmt: skip
def test_what_is_usual_or_unknown_is_no_finding(machine: MachineFacts):
    assert findings(machine) == ()


def test_a_quota_counts_as_the_cores_for_threads():
    """More threads than time, though there are cores enough; and libraries start one for each core of the host."""
    many = replace(changed("cores", quota=2.0), software=replace(QUIET.software, variables={"MKL_NUM_THREADS": "4"}))
    assert [(finding.severity, finding.subject) for finding in findings(many)] == [
        (GRAVE, "Threads"), (WARNING, "CPU quota"),
    ]  # fmt: skip
    unset = findings(changed("cores", quota=2.0))
    assert [finding.subject for finding in unset] == ["CPU quota", "Threads"]
    assert "libraries start 8 threads" in unset[1].sentence


def test_in_a_container_the_host_is_named():
    machine = replace(changed("clocks", governors=(("ondemand", 8),)), host=replace(QUIET.host, is_container=True))
    assert [finding.remark for finding in findings(machine)] == ["on the host: a container cannot change it"]


def test_the_gravest_come_first_and_are_counted():
    machine = replace(
        changed("host", is_on_battery=True), processor=replace(QUIET.processor, is_smt_active=True, numa_nodes=2),
        clocks=replace(QUIET.clocks, throttled=1),
    )  # fmt: skip
    diagnosed = diagnosis(machine)
    assert [finding.severity for finding in diagnosed.findings] == [GRAVE, WARNING, NOTE, NOTE]
    assert diagnosed.sentence == "1 grave finding, 1 warning and 2 notes: mend what is grave before you measure"
    assert diagnosis(changed("processor", numa_nodes=2)).sentence == (
        "1 note: nothing stands in the way of measuring here"
    )


def test_every_watched_variable_is_found():
    for name in DISTORTING:
        (finding,) = findings(changed("software", variables={name: "some value"}))
        assert finding.fix == f"unset {name}"
        assert "some value" not in finding.sentence, "a value may be anything"


def test_a_hostile_name_of_a_process_acts_nowhere():
    name = "x\x1b[31m\n::error::\u202e"
    diagnosed = diagnosis(changed("activity", busy_cores=3.0, busiest=(Busy(7, name, 3.0),)))
    for text in (table(diagnosed, width=80), to_json(diagnosed)):
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "\n::error" not in text


@pytest.mark.parametrize("width", [60, 80, 120])
def test_lines_fit_and_commands_stay_whole(width: int):
    machines = [machine for machine, *_ in CASES]
    for machine in machines:
        lines = table(diagnosis(machine), width=width).splitlines()
        commands = {line.strip().removeprefix("$ ") for line in lines if line.startswith("    $ ")}
        assert commands == {finding.fix for finding in findings(machine) if finding.fix}
        assert [line for line in lines if len(line) > width and not line.startswith("    $ ")] == []
