"""A diagnosis on a terminal: the verdict, each finding with its way out, then facts, noise and what is unread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from tbp.doctor.diagnosis import Diagnosis
from tbp.doctor.facts import MachineFacts
from tbp.doctor.finding import Severity
from tbp.doctor.findings.noise import GATE_PAIRS, MeasuredNoise
from tbp.wording import words
from tbp.wording.terminal import Paragraph, terminal_text

# A shape beside each word, as in the report.
MARKS = {Severity.GRAVE: ("✖", "red"), Severity.WARNING: ("!", "yellow"), Severity.NOTE: ("·", "")}
INDENT = "  "
# Instruction sets that decide how fast matrix products are: flags of which any one is enough → a name.
INSTRUCTION_SETS = {
    "AVX2": ("avx2",), "AVX-512": ("avx512f",), "VNNI": ("avx512_vnni", "avx_vnni"), "BF16": ("avx512_bf16", "bf16"),
    "AMX": ("amx_tile",), "FP16": ("avx512_fp16", "fphp"), "NEON": ("asimd",), "SVE": ("sve",), "I8MM": ("i8mm",),
}  # fmt: skip


def table(diagnosis: Diagnosis, *, colour: bool = False, width: int = 80) -> str:
    """The diagnosis, its last line ended; all but command lines, which are there to be copied, fits ``width``."""

    def drawn(parts: Iterable[RenderableType]) -> str:
        return terminal_text(parts, width=width, colour=colour)

    pieces = [drawn([Paragraph(diagnosis.sentence)])]
    for finding in diagnosis.findings:
        pieces.append(drawn(["", _Marked(*MARKS[finding.severity], f"{finding.subject}: {finding.sentence}")]))
        pieces += [f"{INDENT * 2}$ {words.one_line(finding.fix)}\n"] if finding.fix else []
        pieces += [drawn([Paragraph(finding.remark, INDENT * 2)])] if finding.remark else []
    return "".join([*pieces, drawn(_below(diagnosis))])


def _below(diagnosis: Diagnosis) -> Iterator[RenderableType]:
    yield from ("", "This machine", _rows(_facts(diagnosis.machine)))
    if diagnosis.noise is not None:
        noise = diagnosis.noise
        yield from ("", f"Noise, by {words.count(noise.pairs, 'pair')} of equal work", _rows(_noise(noise)))
    if diagnosis.unread:
        yield from ("", "Not known")
        for unread in diagnosis.unread:
            yield Paragraph(f"{unread.subject}: {unread.reason}", INDENT, INDENT * 2)


class _Marked:
    """A paragraph behind a coloured mark."""

    def __init__(self, mark: str, style: str, sentence: str) -> None:
        self._mark, self._style, self._sentence = mark, style, sentence

    def __rich__(self) -> RenderableType:
        grid = Table.grid(padding=(0, 1, 0, 0))
        grid.add_column(no_wrap=True)
        grid.add_column()
        grid.add_row(Text(self._mark, style=self._style), Text(words.one_line(self._sentence)))
        return grid


def _rows(rows: Iterator[tuple[str, str]]) -> RenderableType:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column()
    for name, value in rows:
        grid.add_row(f"{INDENT}{name}", Text(words.one_line(value)))
    return grid


def _facts(machine: MachineFacts) -> Iterator[tuple[str, str]]:
    host, processor, memory = machine.host, machine.processor, machine.memory
    kind = [name for name, is_it in (("container", host.is_container), ("virtual machine", host.is_virtual)) if is_it]
    inside = f", in a {' in a '.join(kind)}" if kind else ""
    yield "system", f"{host.system} {host.kernel} {host.architecture}{inside}"
    if processor.online:
        model = processor.model or "a processor without a name"
        yield "processor", f"{model}: {words.joined(list(_cores(machine)))}"
    known = [name for name, flags in INSTRUCTION_SETS.items() if processor.flags.intersection(flags)]
    if known:
        yield "instructions", ", ".join(known)
    if processor.caches:
        sizes = [f"{name} {words.quantity(size, 'bytes')}" for name, size in processor.caches if name != "L1i"]
        yield "caches", ", ".join(sizes)
    if machine.clocks.governors:
        yield "clock", ", ".join(_clock(machine))
    if memory.total_bytes is not None and memory.available_bytes is not None:
        total, free = (words.quantity(size, "bytes") for size in (memory.total_bytes, memory.available_bytes))
        yield "memory", f"{total}, {free} free"
    if machine.gpus or (processor.online and not machine.has_nvidia_driver):
        yield "GPU", "; ".join(_gpus(machine)) or "none with an NVIDIA driver"
    yield "Python", ", ".join(_software(machine))


def _cores(machine: MachineFacts) -> Iterator[str]:
    processor, cores = machine.processor, machine.cores
    yield words.count(processor.online or 0, "core")
    if processor.physical and processor.physical != processor.online:
        yield f"{processor.physical} physical"
    if cores.usable and len(cores.usable) != processor.online:
        yield f"{len(cores.usable)} usable here"
    if cores.quota is not None:
        yield f"a quota of {cores.quota:.3g}"


def _clock(machine: MachineFacts) -> Iterator[str]:
    yield from (f"{name} on {words.count(number, 'core')}" for name, number in machine.clocks.governors)
    if machine.clocks.is_boosting is not None:
        yield f"boost {'on' if machine.clocks.is_boosting else 'off'}"


def _gpus(machine: MachineFacts) -> Iterator[str]:
    for gpu in machine.gpus:
        memory = f", {words.quantity(gpu.total_bytes, 'bytes')}" if gpu.total_bytes else ""
        yield f"{gpu.index}: {gpu.name}{memory}, driver {gpu.driver}"


def _software(machine: MachineFacts) -> Iterator[str]:
    software = machine.software
    yield software.python
    yield f"torch {software.torch}" if software.torch else "no torch"
    yield f"asv {software.asv}" if software.asv else "no asv"


def _noise(noise: MeasuredNoise) -> Iterator[tuple[str, str]]:
    smallest = f"{GATE_PAIRS} pairs tell changes of such simple work from {words.percent(noise.smallest_in_turns)} on"
    yield "in turns", f"{words.percent(noise.in_turns)}, as tbp gate measures: {smallest}"
    yield "between processes", f"{words.percent(noise.between_processes)}, as asv measures one commit after another"
    yield "interrupted", f"{words.percent(noise.interrupted)} of the blocks of samples"
