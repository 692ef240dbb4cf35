"""Machines for the tests of the doctor: folders that look like /proc and /sys, and values."""

from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from tbp.doctor.facts import Activity, Clocks, Cores, Gpu, Host, MachineFacts, Memory, Processor, Software
from tbp.doctor.reading.machine import ThisProcess

ROOT = Path(__file__).resolve().parents[1] / "data" / "machines"
GUEST = ROOT / "guest_of_two_cores"
"""The files of a real guest of KVM, with control groups of both versions and no limit."""

CPU = "sys/devices/system/cpu"


def tree(folder: Path, files: Mapping[str, str]) -> Path:
    """A root folder with these files."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def laptop(folder: Path) -> Path:
    """Four logical cores of two physical ones, on a battery, whose clock moves and was throttled."""
    files = {
        "proc/cpuinfo": "processor\t: 0\nmodel name\t: A laptop's processor\nflags\t\t: fpu avx2 fma\n",
        "proc/stat": "cpu  100 0 0 1000 0 0 0 0\n" + "".join(f"cpu{core} 25 0 0 250 0 0 0 0\n" for core in range(4)),
        "proc/meminfo": "MemTotal: 1000 kB\nMemAvailable: 500 kB\nSwapTotal: 100 kB\nSwapFree: 40 kB\n",
        "proc/self/cgroup": "0::/user.slice\n",
        f"{CPU}/online": "0-3\n",
        f"{CPU}/smt/active": "1\n",
        f"{CPU}/isolated": "2-3\n",
        f"{CPU}/intel_pstate/no_turbo": "0\n",
        f"{CPU}/cpu0/cpufreq/scaling_driver": "intel_pstate\n",
        "sys/class/power_supply/AC/type": "Mains\n",
        "sys/class/power_supply/AC/online": "0\n",
        "sys/class/power_supply/mouse/type": "Battery\n",
        "sys/class/power_supply/mouse/online": "1\n",
        "sys/firmware/acpi/platform_profile": "low-power\n",
        "sys/devices/system/node/online": "0\n",
    }
    for core in range(4):
        files |= {
            f"{CPU}/cpu{core}/topology/physical_package_id": "0\n",
            f"{CPU}/cpu{core}/topology/core_id": f"{core % 2}\n",
            f"{CPU}/cpu{core}/cpufreq/scaling_governor": "performance\n" if core == 3 else "powersave\n",
            f"{CPU}/cpu{core}/thermal_throttle/core_throttle_count": f"{core}\n",
        }
    return tree(folder, files)


def somebody(system: str = "Linux", usable: tuple[int, ...] = (0, 1), **variables: str) -> ThisProcess:
    """A process on such a machine."""
    return ThisProcess(system, "6.1", "x86_64", 1, usable, variables)


QUIET = MachineFacts(
    host=Host("Linux", clock_source="tsc"),
    processor=Processor(
        model="A server's processor", online=8, physical=8, sockets=1, numa_nodes=1, is_smt_active=False,
        flags=frozenset({"avx512_bf16", "avx512_fp16", "avx512_vnni"}),
    ),
    clocks=Clocks(governors=(("performance", 8),), boost_file="/no_turbo", is_boosting=False, throttled=0),
    cores=Cores(usable=tuple(range(8))),
    activity=Activity(looked_s=0.3, busy_cores=0.02, stolen_share=0.0, waiting_share=0.0),
    memory=Memory(total_bytes=64 << 30, available_bytes=60 << 30, swapped_bytes=0, waiting_share=0.0),
    software=Software(python="3.11.7", torch="2.13.0", torch_cuda="13.0", asv="0.6.6"),
)  # fmt: skip
"""A machine on which nothing stands in the way."""

GPU = Gpu(0, "NVIDIA H200", "570.1", is_persistent=True, is_mig=False, busy_share=0.0)


def changed(part: str, **fields: object) -> MachineFacts:
    """QUIET with other ``fields`` in one part."""
    return replace(QUIET, **{part: replace(getattr(QUIET, part), **fields)})
