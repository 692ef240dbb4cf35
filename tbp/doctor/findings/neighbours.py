"""Findings on what else takes the time and the memory of the machine."""

from __future__ import annotations

from collections.abc import Iterator

from tbp.doctor.facts import MachineFacts
from tbp.doctor.finding import Finding, Severity
from tbp.wording import words

# A measurement has one core of its own, and asv and the system some of another.
NEEDED_CORES = 1.0
# Two busy neighbours on two cores made the standard deviation of a night's value 27–29 %, none 2–3 %; so one core of
# many matters less than the last, and a tenth of a core is what an idle system takes.
IDLE_SYSTEM_CORES = 0.1
# A hypervisor that gives a hundredth of the wanted time to others delays one sample of 1 ms in ten by a slice of 10 ms.
MUCH_STOLEN = 0.01
# Waiting for a core for a tenth of the last 10 s: more runs than there are cores.
MUCH_WAITING = 0.1
HIDDEN = "not to be fixed here: those processes are short, or outside of this container; look with top on the host"
LEAST_AVAILABLE_BYTES = 2 << 30  # torch, a model of 100 million parameters with its optimizer, and the system
MEMORY_WAITING = 0.01  # any real share of time spent on reclaiming memory is milliseconds at a time


def busy_cores(machine: MachineFacts) -> Iterator[Finding]:
    """The cores that others use now: grave where none is left."""
    busy, usable = machine.activity.busy_cores, len(machine.cores.usable) or machine.processor.online
    if busy is None or not usable or busy <= IDLE_SYSTEM_CORES:
        return
    is_full = usable - busy < NEEDED_CORES
    effect = "so none is left to measure on" if is_full else "and share caches and clock with what is measured"
    busiest = machine.activity.busiest
    by = f": {', '.join(f'{each.name} ({each.pid}) {each.cores:.1f}' for each in busiest)}" if busiest else ""
    waiting = machine.activity.waiting_share or 0.0
    waits = f"; processes waited for one in {words.percent(waiting)} of 10 s" if waiting > MUCH_WAITING else ""
    yield Finding(
        Severity.GRAVE if is_full else Severity.WARNING,
        "Neighbours",
        f"{busy:.1f} of {words.count(usable, 'core')} are busy, {effect}{by}{waits}",
        f"ps -o pid,user,etime,args -p {','.join(str(each.pid) for each in busiest)}" if busiest else "",
        "see what they are, then wait for their end or end them" if busiest else HIDDEN,
    )


def stolen_time(machine: MachineFacts) -> Iterator[Finding]:
    """Time that the hypervisor gave to other guests."""
    share = machine.activity.stolen_share
    if share is not None and share >= MUCH_STOLEN:
        yield Finding(
            Severity.WARNING,
            "Hypervisor",
            f"other guests of the host got {words.percent(share)} of the time that this one wanted",
            remark="not to be fixed here: take a machine with dedicated cores, or measure in turns (tbp gate)",
        )


def memory(machine: MachineFacts) -> Iterator[Finding]:
    """Memory that runs out, or did: reading it back takes milliseconds at a time."""
    known = machine.memory
    if known.waiting_share is not None and known.waiting_share > MEMORY_WAITING:
        yield Finding(
            Severity.GRAVE,
            "Memory",
            f"processes waited for memory for {words.percent(known.waiting_share)} of the last 10 s",
            "ps -eo pid,user,rss,args --sort=-rss | head",
            "see what takes it, then end that",
        )
    elif known.available_bytes is not None and known.available_bytes < LEAST_AVAILABLE_BYTES:
        left = words.quantity(known.available_bytes, "bytes")
        yield Finding(
            Severity.WARNING,
            "Memory",
            f"{left} of memory are left, and a training step of a small model takes 2 GiB",
            "ps -eo pid,user,rss,args --sort=-rss | head",
            "see what takes it, then end that",
        )
