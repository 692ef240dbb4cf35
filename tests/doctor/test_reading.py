"""Facts from folders that look like /proc and /sys: a real one, and others as small as they can be."""

import os
from pathlib import Path

import pytest

from tbp.doctor.facts import Busy, Clocks, Cores, Gpu, Host, MachineFacts, Memory, Processor, Software
from tbp.doctor.reading.activity import Counters, activity, counters
from tbp.doctor.reading.control_groups import Quota, quota
from tbp.doctor.reading.gpus import gpus, gpus_of
from tbp.doctor.reading.machine import read_machine
from tbp.doctor.reading.software import software, torch_of
from tbp.doctor.reading.system_files import SystemFiles, cores_of, pressure

from .machines import CPU, GUEST, laptop, somebody, tree


def read(root: Path, **more: object) -> MachineFacts:
    return read_machine(
        somebody(**more),
        root,
        pause=lambda s: None,
        look_at_gpus=lambda files: (),
        look_at_software=lambda v: Software(),
    )


def test_a_real_guest_of_a_hypervisor():
    machine = read(GUEST)
    assert machine.processor.flags > {"avx2", "avx512_bf16", "hypervisor"}
    assert (machine.processor.model, machine.processor.online, machine.processor.physical) == ("AMD EPYC", 2, 2)
    assert machine.processor.caches == (("L1d", 32 << 10), ("L1i", 32 << 10), ("L2", 1 << 20), ("L3", 32 << 20))
    assert machine.host == Host(
        "Linux", "6.1", "x86_64", is_virtual=True, clock_source="tsc", clock_sources=("tsc", "kvm-clock")
    )
    assert machine.cores == Cores(usable=(0, 1))
    assert (machine.memory.total_bytes, machine.memory.swapped_bytes) == (25_276_502_016, 0)
    assert [unread.subject for unread in machine.unread] == ["clock of the processor", "what else runs"]
    assert "the hypervisor chooses the clock" in machine.unread[0].reason
    assert "stand still" in machine.unread[1].reason, "the folder does not move"


def test_a_laptop(tmp_path: Path):
    machine = read(laptop(tmp_path), usable=(0, 1, 2, 3))
    assert machine.processor == Processor(
        model="A laptop's processor", online=4, physical=2, sockets=1, numa_nodes=1, is_smt_active=True,
        flags=frozenset({"fpu", "avx2", "fma"}),
    )  # fmt: skip
    assert machine.clocks == Clocks(
        (("powersave", 3), ("performance", 1)), "intel_pstate", f"/{CPU}/intel_pstate/no_turbo", True, throttled=6
    )
    assert (machine.cores.isolated, machine.host.power_profile) == ((2, 3), "low-power")
    assert machine.host.is_on_battery is True, "the battery of a mouse is no mains supply"
    assert machine.memory == Memory(1000 << 10, 500 << 10, 60 << 10)


def test_other_processors_switch_their_boost_elsewhere(tmp_path: Path):
    boost = "sys/devices/system/cpu/cpufreq/boost"
    for text, is_boosting in (("1", True), ("0", False)):
        clocks = read(tree(tmp_path, {boost: text})).clocks
        assert (clocks.boost_file, clocks.is_boosting) == (f"/{boost}", is_boosting)


def test_arm_names_its_processors_by_numbers(tmp_path: Path):
    info = "processor\t: 0\nFeatures\t: fp asimd bf16\nCPU implementer\t: 0x41\nCPU part\t: 0xd40\n"
    processor = read(tree(tmp_path, {"proc/cpuinfo": info})).processor
    assert (processor.model, processor.flags) == ("Arm implementer 0x41, part 0xd40", {"fp", "asimd", "bf16"})


def test_of_an_empty_folder_every_fact_is_missed_by_name(tmp_path: Path):
    machine = read(tmp_path / "none")
    assert (machine.processor, machine.memory, machine.clocks) == (Processor(), Memory(), Clocks())
    assert [unread.subject for unread in machine.unread] == [
        "what else runs", "processor", "cores", "clock of the processor", "limit of the control group", "memory",
    ]  # fmt: skip
    assert machine.unread[1].reason == "/proc/cpuinfo: no such file or directory"


def test_macos_is_told_once_what_tbp_does_not_read_there(tmp_path: Path):
    machine = read(GUEST, system="Darwin")
    assert (machine.host, machine.processor) == (Host("Darwin", "6.1", "x86_64"), Processor())
    assert [unread.reason for unread in machine.unread] == ["tbp reads them from /proc and /sys, which macOS has not"]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/cpu.max": "max 100000\n"}, Quota()),
        (
            {
                "proc/self/cgroup": "0::/a/b\n",
                "sys/fs/cgroup/a/cpu.max": "150000 100000\n",
                "sys/fs/cgroup/a/cpu.stat": "usage_usec 7\nnr_periods 200\nnr_throttled 50\n",
                "sys/fs/cgroup/a/b/cpu.max": "400000 100000\n",
            },
            Quota(1.5, 0.25),
        ),
        # A container sees its group at the root of the mount, and the path of the host.
        ({"proc/self/cgroup": "0::/docker/7\n", "sys/fs/cgroup/cpu.max": "50000 100000\n"}, Quota(0.5, None)),
        ({"proc/self/cgroup": "0::/../../x\n", "sys/fs/cgroup/cpu.max": "50000 100000\n"}, Quota(0.5, None)),
        (
            {
                "proc/self/cgroup": "3:cpu,cpuacct:/docker/7\n0::/\n",
                "sys/fs/cgroup/cpu,cpuacct/docker/7/cpu.cfs_quota_us": "200000\n",
                "sys/fs/cgroup/cpu,cpuacct/docker/7/cpu.cfs_period_us": "100000\n",
                "sys/fs/cgroup/cpu,cpuacct/docker/7/cpu.stat": "nr_periods 0\nnr_throttled 0\n",
            },
            Quota(2.0, None),
        ),
        (
            {
                "proc/self/cgroup": "1:cpu:/\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            Quota(),
        ),
        ({"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/cpu.max": "nonsense\n"}, Quota()),
    ],
)
def test_the_smallest_limit_of_a_group_and_those_above_it_counts(
    tmp_path: Path, files: dict[str, str], expected: Quota
):
    assert quota(SystemFiles(tree(tmp_path, files))) == expected


def test_what_happened_is_the_difference_of_two_readings(tmp_path: Path):
    before = Counters(
        2, (100, 0, 10, 500, 5, 0, 0, 0), {1: ("tbp", 10), 7: ("cc1", 50), 8: ("idle", 3), 9: ("gone", 9)}
    )
    after = Counters(
        2, (140, 0, 20, 540, 5, 0, 0, 10), {1: ("tbp", 20), 7: ("cc1", 85), 8: ("idle", 4), 10: ("new", 9)}
    )
    # 100 ticks of two cores: 50 of one; 50 of them worked, of which 10 were the doctor's own.
    seen = activity(before, after, SystemFiles(tmp_path), 0.5, me=1)
    assert seen.busy_cores == pytest.approx(0.8)
    assert seen.stolen_share == pytest.approx(10 / 60)
    assert seen.busiest == (Busy(7, "cc1", 0.7),)


def test_only_usable_cores_are_looked_at_and_a_process_may_call_itself_anything(tmp_path: Path):
    lines = [
        "cpu  9 9 9 9 9 9 9 9 0 0",
        "cpu0 1 0 0 5 0 0 0 0 0 0",
        "cpu1 2 0 0 6 0 0 0 0",
        "cpu10 4 0 0 7 0 0 0 0",
        "intr 5",
    ]
    stat = "7 (a) S 1 (b) R 1 7 7 0 -1 4194304 100 0 0 0 30 12 0 0 20 0 1 0 5 0 0"
    files = SystemFiles(tree(tmp_path, {"proc/7/stat": stat, "proc/8/stat": "8 (x", "proc/stat": "\n".join(lines)}))
    assert counters(files, (1, 10)) == Counters(2, (6, 0, 0, 13, 0, 0, 0, 0), {7: ("a) S 1 (b", 42)})
    assert counters(files, ()).ticks == (7, 0, 0, 18, 0, 0, 0, 0)
    assert counters(SystemFiles(tmp_path / "none"), ()) == Counters(0, (), {})


H200 = "0, NVIDIA H200, 570.172.08, Enabled, 1980, 1980, 0x0000000000000001, Disabled, 0, 0, 143771, 00000000:1A:00.0"
SLOW = "1, NVIDIA A100-SXM4-80GB, 570.1, Disabled, 900, 1410, 0x0000000000000044, Enabled, [N/A], 70, 81920, 0:2.0"


def test_gpus_of_the_tables_of_nvidia_smi():
    fast, slow = gpus_of(f"{H200}\n{SLOW}\nnonsense\n", "0:2.0, 4711\n0:2.0, [N/A]\n")
    mib = 1 << 20
    assert fast == Gpu(0, "NVIDIA H200", "570.172.08", True, 1980, 1980, (), False, 0.0, 0, 143_771 * mib, ()), (
        "an idle GPU is not slowed"
    )
    assert slow.slowed_by == ("the power limit", "heat, by the hardware")
    assert (slow.is_persistent, slow.is_mig, slow.busy_share, slow.processes) == (False, True, None, (4711,))


def smi(folder: Path, lines: str, monkeypatch: pytest.MonkeyPatch) -> SystemFiles:
    """A program in the place of nvidia-smi, and the files of a machine with its driver."""
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{lines}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    return SystemFiles(tree(folder, {"proc/driver/nvidia/version": "NVRM"}))


def test_an_old_driver_is_asked_by_old_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    lines = f"""case "$*" in
*compute-apps*) exit 0;;
*clocks_event_reasons*) echo 'Field "clocks_event_reasons.active" is not a valid field to query.'; exit 2;;
*) echo '{H200}';; esac"""
    files = smi(tmp_path, lines, monkeypatch)
    assert [gpu.name for gpu in gpus(files)] == ["NVIDIA H200"]
    assert files.unread == ()


def test_a_driver_that_does_not_answer_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    files = smi(tmp_path, "echo 'NVIDIA-SMI has failed'; exit 9", monkeypatch)
    assert (gpus(files), [unread.reason for unread in files.unread]) == ((), ["nvidia-smi says: NVIDIA-SMI has failed"])
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    files = SystemFiles(tmp_path)
    assert gpus(files) == ()
    assert files.unread[0].reason == "there is an NVIDIA driver, and no nvidia-smi on PATH"


def test_torch_is_told_by_its_file():
    assert torch_of("__version__ = '2.13.0+cu130'\ncuda: Optional[str] = '13.0'\n") == ("2.13.0+cu130", "13.0")
    assert torch_of("__version__ = '2.13.0+cpu'\ncuda: Optional[str] = None\nhip = 'x'\n") == ("2.13.0+cpu", "")
    assert torch_of("") == ("", "")


def test_only_watched_variables_are_kept():
    known = software({"CUDA_LAUNCH_BLOCKING": "1", "GITHUB_TOKEN": "secret", "OMP_NUM_THREADS": ""})
    assert known.variables == {"CUDA_LAUNCH_BLOCKING": "1"}


def test_lists_and_pressures_of_the_kernel():
    assert (cores_of("0-2,5"), cores_of(""), cores_of("all"), cores_of("3")) == ((0, 1, 2, 5), (), (), (3,))
    assert pressure("some avg10=12.50 avg60=1.00 total=3\nfull avg10=99.00") == 0.125
    assert pressure("") is None
