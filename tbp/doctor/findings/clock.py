"""Findings on the processor's clock, and on the clock that time is read from."""

from __future__ import annotations

from collections.abc import Iterator

from tbp.doctor.facts import MachineFacts
from tbp.doctor.finding import Finding, Severity
from tbp.wording import words

STEADY = ("performance", "userspace")
# Clocks of a hypervisor's own, read without leaving the guest, beside the processor's counter (Arm: arch_sys_counter).
QUICK_SOURCES = ("tsc", "arch_sys_counter", "kvm-clock", "hyperv_clocksource_tsc_page")


def governor(machine: MachineFacts) -> Iterator[Finding]:
    """Cores whose governor lets the clock follow the load."""
    moving = [(name, number) for name, number in machine.clocks.governors if name not in STEADY]
    if moving:
        shown = words.joined([f"{name} on {words.count(number, 'core')}" for name, number in moving])
        yield Finding(
            Severity.WARNING,
            "Governor",
            f"the clock follows the load ({shown}): short work is timed before it has risen",
            "sudo cpupower frequency-set --governor performance",
            _where(machine),
        )


def boost(machine: MachineFacts) -> Iterator[Finding]:
    """A clock that is higher while the processor is cool and few cores work."""
    if machine.clocks.is_boosting:
        value = 1 if machine.clocks.boost_file.endswith("no_turbo") else 0
        yield Finding(
            Severity.WARNING,
            "Boost",
            "the clock is higher while few cores work and the chip is cool: it depends on the minutes before",
            f"echo {value} | sudo tee {machine.clocks.boost_file}",
            _where(machine) if machine.host.is_container else "times grow by a tenth or more and stay there",
        )


def heat(machine: MachineFacts) -> Iterator[Finding]:
    """Heat that slowed cores down since the machine started."""
    if machine.clocks.throttled:
        yield Finding(
            Severity.WARNING,
            "Heat",
            f"heat slowed cores down {words.count(machine.clocks.throttled, 'time')} since the machine started",
            remark="not to be fixed by a command: clean the fans, cool the room, or switch the boost off",
        )


def source(machine: MachineFacts) -> Iterator[Finding]:
    """A clock source that takes a microsecond or more to read, which a short sample feels."""
    current, offered = machine.host.clock_source, machine.host.clock_sources
    if not current or current in QUICK_SOURCES:
        return
    better = next((name for name in QUICK_SOURCES if name in offered), "")
    yield Finding(
        Severity.WARNING,
        "Time",
        f"the kernel reads the time from {current}: a reading takes a microsecond or more",
        f"echo {better} | sudo tee /sys/devices/system/clocksource/clocksource0/current_clocksource" if better else "",
        _where(machine) if better else "not to be fixed here: the kernel found no quicker one steady enough",
    )


def _where(machine: MachineFacts) -> str:
    return "on the host: a container cannot change it" if machine.host.is_container else "until the next start"
