"""Facts of a machine that decide how well it can measure: values without a file, a clock or a print.

A field that could not be read is None, or an empty text; ``MachineFacts.unread`` has the reasons.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class Unread(Struct, frozen=True):
    """A fact that could not be read."""

    subject: str
    reason: str


class Host(Struct, frozen=True):
    """The system, and what it runs in."""

    system: str  # "Linux", "Darwin"
    kernel: str = ""
    architecture: str = ""
    is_container: bool = False
    is_virtual: bool = False  # a guest of a hypervisor
    is_on_battery: bool | None = None
    power_profile: str = ""  # of the firmware: "low-power", "balanced", "performance"
    clock_source: str = ""  # what the kernel reads the time from
    clock_sources: tuple[str, ...] = ()  # those that it could read it from


class Processor(Struct, frozen=True):
    """A processor; counts are None where the system does not tell."""

    model: str = ""
    online: int | None = None  # logical cores
    physical: int | None = None  # physical cores of those
    sockets: int | None = None
    numa_nodes: int | None = None
    is_smt_active: bool | None = None  # two logical cores of one physical core take each other's time
    flags: frozenset[str] = frozenset()  # instruction sets, as the kernel names them
    caches: tuple[tuple[str, int], ...] = ()  # ("L1d", bytes), each as large as a core sees it


class Clocks(Struct, frozen=True):
    """How the processor's clock is chosen."""

    governors: tuple[tuple[str, int], ...] = ()  # each with the number of cores that have it
    driver: str = ""
    boost_file: str = ""  # that switches the boost, as an absolute path
    is_boosting: bool | None = None
    throttled: int | None = None  # times that heat slowed a core down since the machine started


class Cores(Struct, frozen=True):
    """Which cores this process may use, and for how long."""

    usable: tuple[int, ...] = ()
    isolated: tuple[int, ...] = ()  # kept free of other processes by the kernel's isolcpus
    quota: float | None = None  # cores' worth of time that the control group may use; None: no limit
    throttled_share: float | None = None  # of the periods of that limit, those that ended early


class Busy(Struct, frozen=True):
    """A process that used a processor while the doctor looked."""

    pid: int
    name: str
    cores: float  # 1.0: one core all the time


class Activity(Struct, frozen=True):
    """The work of others on the machine while the doctor looked."""

    looked_s: float = 0.0
    busy_cores: float | None = None  # of the usable ones, without the doctor itself
    stolen_share: float | None = None  # of the time that guests wanted, what the hypervisor gave to others
    waiting_share: float | None = None  # of the last 10 s, when some process waited for a core
    busiest: tuple[Busy, ...] = ()  # the largest first; only as far as /proc shows others' processes


class Memory(Struct, frozen=True):
    """Main memory, in bytes."""

    total_bytes: int | None = None
    available_bytes: int | None = None
    swapped_bytes: int | None = None
    waiting_share: float | None = None  # of the last 10 s, when some process waited for memory


class Gpu(Struct, frozen=True):
    """One GPU, as nvidia-smi tells of it."""

    index: int
    name: str
    driver: str = ""
    is_persistent: bool | None = None  # the driver stays loaded while nothing uses the GPU
    sm_mhz: int | None = None
    most_sm_mhz: int | None = None
    slowed_by: tuple[str, ...] = ()  # why the clock is below its most, in words; not "idle"
    is_mig: bool | None = None
    busy_share: float | None = None
    used_bytes: int | None = None
    total_bytes: int | None = None
    processes: tuple[int, ...] = ()  # that compute on it


class Software(Struct, frozen=True):
    """The programs that measure."""

    python: str = ""
    is_debug_python: bool = False
    torch: str = ""  # version; empty: not installed here
    torch_cuda: str = ""  # the CUDA that torch was built with; empty: none
    asv: str = ""
    variables: Mapping[str, str] = {}  # of the environment, those that change a measurement


class MachineFacts(Struct, frozen=True):
    """All facts of a machine."""

    host: Host
    processor: Processor = Processor()
    clocks: Clocks = Clocks()
    cores: Cores = Cores()
    activity: Activity = Activity()
    memory: Memory = Memory()
    software: Software = Software()
    gpus: tuple[Gpu, ...] = ()
    has_nvidia_driver: bool = False
    unread: tuple[Unread, ...] = ()
