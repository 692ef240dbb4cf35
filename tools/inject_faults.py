"""Faults injected into real processes: is anything lost, left half written, left running, hung, or judged wrongly?

    python tools/inject_faults.py [--verbs report,ack] [--faults kill,disk] [--injections 100] [--seed 0]

Each verb works on a small project, and gets each fault so often, at the moments of ``fault_moments``. After each: what
was complete is there still, no file under its final name is cut off, nothing is claimed that is not so, and neither a
process nor a temporary file is left. After every few, and in the end, the verb runs without a fault: it must go on from
there, say what it says of an untouched project, and remove what was left. Prints a row for each verb and fault, with
the phases of the verb in which signals came; the exit status is 0 where all is well. The full disk and the folder that
only reads are mounted, which needs root; elsewhere a limit on the size of files and the rights of the folder take their
place.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from fault_moments import Course, followed, wait_for_moment, wait_for_phase
from fault_projects import PHASES, Victim, victim

from tbp.system.children import processes

VERBS = ("report", "ack", "prune", "export", "nightly", "run", "gate")
SIGNALS = {"kill": signal.SIGKILL, "term": signal.SIGTERM, "int": signal.SIGINT}
# Faults of what benchmarks do, and the file that tells them to; a signal comes while they do it.
CHILDREN = {"hung": "HANG", "stray": "STRAY", "stuck": "STUCK"}
HUNG_S = 120.0  # the longest of the verbs takes ten seconds on an idle machine
ORPHAN_S = 20.0  # until the minder has killed what was left
MB = 1 << 20
# tbp with pairs of a tenth of a second, which judge well enough between once and twice the time.
QUICK = """
import runpy, sys
from tbp.turns import referee
referee.ROUNDS, referee.BLOCK_S, referee.WARMUP_S = 2, 0.005, 0.01
sys.argv[0] = "tbp"
runpy.run_module("tbp", run_name="__main__")
"""
# A traceback through tbp. One of asv alone, as on a full disk, is asv's words, and a sentence of tbp follows it.
CRASH = re.compile(rb'Traceback(?:(?!Traceback).)*?File "[^"]*/tbp/', re.DOTALL)
# As the clock of a machine that is set to and fro: by up to a month at each look.
JUMPING = f"""
import random, time
real = time.time
time.time = lambda: real() + random.uniform(-30, 30) * 86400
{QUICK}"""


@dataclass
class Row:
    """The counts of one verb and fault; everything from ``lost`` on must be 0."""

    verb: str
    fault: str
    injections: int = 0
    before: int = 0  # injections that came while the verb ran: before it measured, prunes or copied
    during: int = 0
    after: int = 0
    resumed: int = 0
    lost: int = 0
    partial: int = 0
    hangs: int = 0
    orphans: int = 0
    wrong: int = 0
    left: int = 0
    crashes: int = 0
    notes: list[str] = field(default_factory=list)

    COUNTS = ("injections", *PHASES, "resumed", "lost", "partial", "hangs", "orphans", "wrong", "left", "crashes")
    MUST_BE_NONE = COUNTS[5:]

    def add(self, count: str, note: str) -> None:
        setattr(self, count, getattr(self, count) + 1)
        self.notes.append(f"{self.verb} {self.fault} {self.injections}: {count}: {note[-600:]}")

    @property
    def is_well(self) -> bool:
        return not any(getattr(self, count) for count in self.MUST_BE_NONE)


class Injection:
    """One command with a fault, in an environment by which its processes are known."""

    def __init__(self, made: Victim, fault: str, chance: random.Random, usual: Course) -> None:
        self.made, self.fault, self.chance, self.usual = made, fault, chance, usual
        self.mark = f"TBP_FAULT={os.getpid()}-{chance.getrandbits(64)}"
        self.output = b""

    def start(self) -> subprocess.Popen[bytes]:
        name, _, value = self.mark.partition("=")
        environment = environment_of(self.made) | {name: value}
        if self.fault == "home":
            for variable in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
                environment.pop(variable, None)
            environment |= {"HOME": "/nowhere"} if self.chance.random() < 0.5 else {}
        return subprocess.Popen(
            [*program_of(self.made, self.fault), *self.made.command()],
            cwd=self.made.folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=self._prepared(),
        )  # fmt: skip

    def _prepared(self) -> Callable[[], None]:
        """In the new process: its limits, and an interrupt that it hears, which a shell's background job ignores."""
        limits = []
        if self.fault == "memory":
            limits.append((resource.RLIMIT_AS, int(self.chance.uniform(100, 1500) * MB)))
        if self.fault == "disk" and not can_mount():
            limits.append((resource.RLIMIT_FSIZE, int(self.chance.uniform(0, 20_000))))

        def prepare() -> None:
            for kind, most in limits:
                resource.setrlimit(kind, (most, most))
            signal.signal(signal.SIGINT, signal.SIG_DFL)

        return prepare

    def run(self) -> tuple[int | None, str]:
        """The exit status, None where it hung; and the phase that a signal came in, empty where it had ended."""
        started = [self.start() for _ in range(2 if self.fault == "two" else 1)]
        process, last, phase = started[0], self.made.number, ""
        if self.fault in SIGNALS:
            wait_for_moment(self.made, process, self.usual, self.chance)
            phase = self._strike(process, SIGNALS[self.fault])
        elif self.fault in CHILDREN:
            wait_for_phase(self.made, process, "during", self.usual, self.chance)
            phase = self._strike(process, self.chance.choice(list(SIGNALS.values())))
        codes = [self._wait(each) for each in started]
        for back, code in enumerate(reversed(codes)):
            self.made.ended(code, last - back)
        return (None if None in codes else codes[0]), phase

    def _strike(self, process: subprocess.Popen[bytes], number: signal.Signals) -> str:
        phase = self.made.phase() if process.poll() is None else ""
        targets = [process.pid]
        # asv, once tbp has started it; of a benchmark that ignores all signals it waits for the timeout, whoever asks.
        if self.made.name == "run" and self.fault in SIGNALS:
            asv = [pid for pid in self.marked() if b"asv" in command_line(pid).split(b"\0")[1:4]]
            targets = asv or targets
        for pid in targets:
            with suppress(ProcessLookupError):
                if self.chance.random() < 0.3 and pid == process.pid:
                    os.killpg(pid, number)  # as a terminal, and as CI, does
                else:
                    os.kill(pid, number)
        return phase

    def _wait(self, process: subprocess.Popen[bytes]) -> int | None:
        try:
            self.output += process.communicate(timeout=HUNG_S)[0]
        except subprocess.TimeoutExpired:
            process.kill()
            return None
        return process.returncode

    def marked(self) -> list[int]:
        marked = []
        for pid in processes():
            with suppress(OSError):
                if self.mark.encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                    marked.append(pid)
        return marked

    def orphans(self) -> list[bytes]:
        """The command lines of processes that are left; they are killed."""
        end_s = time.monotonic() + ORPHAN_S
        while (left := self.marked()) and time.monotonic() < end_s:
            time.sleep(0.05)
        lines = [command_line(pid).replace(b"\0", b" ") for pid in left]
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return lines


def command_line(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


@contextmanager
def obstructed(folder: Path, fault: str, chance: random.Random) -> Iterator[Path | None]:
    """A block in which the disk of ``folder`` is nearly full, or can only be read, or a file is on a frozen disk."""
    if fault == "stuck":
        with frozen(folder / "frozen") as path:
            yield path
    elif fault == "disk" and can_mount():
        used = shutil.disk_usage(folder).used
        mount("-o", f"remount,size={used + chance.randrange(0, 200_000)}", str(folder))
        yield
        mount("-o", "remount,size=1g", str(folder))
    elif fault == "readonly" and can_mount():
        mount("-o", "remount,ro", str(folder))
        yield
        mount("-o", "remount,rw", str(folder))
    elif fault == "readonly":
        folders = [folder, *(path for path in folder.rglob("*") if path.is_dir() and not path.is_symlink())]
        for path in folders:
            path.chmod(0o555)
        yield
        for path in folders:
            path.chmod(0o755)
    else:
        yield


@contextmanager
def frozen(folder: Path) -> Iterator[Path]:
    """A block with a file on a disk that nothing can be written to: who tries cannot be killed until it ends."""
    image, mounted = folder / "image", folder / "mounted"
    mounted.mkdir(parents=True, exist_ok=True)
    with image.open("wb") as file:
        file.truncate(24 * MB)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
    mount("-o", "loop", str(image), str(mounted))
    subprocess.run(["fsfreeze", "-f", str(mounted)], check=True)
    try:
        yield mounted / "file"
    finally:
        subprocess.run(["fsfreeze", "-u", str(mounted)], check=True)
        time.sleep(1)  # in which what was killed ends
        subprocess.run(["umount", "-l", str(mounted)], check=True)


@cache
def can_mount() -> bool:
    """True for root, unless a container forbids it."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], capture_output=True, check=False)
        return done.returncode == 0 and subprocess.run(["umount", folder], check=False).returncode == 0


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


@contextmanager
def disk_of(folder: Path, fault: str) -> Iterator[None]:
    """A block in which ``folder`` is a disk of its own, where the fault needs one."""
    folder.mkdir(parents=True)
    if fault not in ("disk", "readonly") or not can_mount():
        yield
        return
    mount("-t", "tmpfs", "-o", "size=1g", "tmpfs", str(folder))
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def injected(verb: str, fault: str, injections: int, chance: random.Random, home: Path) -> Row:
    row = Row(verb, fault)
    with disk_of(home / f"{verb}-{fault}", fault):
        made = victim(verb, home / f"{verb}-{fault}" / "project")
        saved = home / f"{verb}-{fault}.saved"
        shutil.copytree(made.folder, saved, symlinks=True)
        usual, reference = resumed(made, row)
        for number in range(injections):
            if number % made.faults_in_a_row == 0:
                shutil.rmtree(made.folder)
                shutil.copytree(saved, made.folder, symlinks=True)
                made.expected.clear()
            inject(made, row, fault, chance, usual)
            if (number + 1) % made.faults_in_a_row == 0 or number == injections - 1:
                _, verdict = resumed(made, row)
                row.resumed += 1
                if verdict != reference:
                    row.add("wrong", f"{verdict!r:.200} instead of {reference!r:.200}")
                if left := made.leftovers():
                    row.add("left", str(left))
    return row


def inject(made: Victim, row: Row, fault: str, chance: random.Random, usual: Course) -> None:
    made.renew()
    before = made.stored()
    request = made.folder / "benchmarks" / CHILDREN.get(fault, "")
    injection = Injection(made, fault, chance, usual)
    with obstructed(made.folder.parent, fault, chance) as on_disk:
        if fault in CHILDREN:
            request.write_text(str(on_disk))
        code, phase = injection.run()
    orphans = injection.orphans()
    if fault in CHILDREN:
        request.unlink()
    row.injections += 1
    if phase:
        setattr(row, phase, getattr(row, phase) + 1)
    if code is None:
        row.add("hangs", injection.output.decode(errors="replace"))
    if orphans:
        row.add("orphans", str(orphans))
    if lost := made.lost(before):
        row.add("lost", str(sorted(lost)))
    if partial := made.partial():
        row.add("partial", str(partial))
    if untrue := made.untrue():
        row.add("wrong", str(untrue))
    # asv, where it is killed, leaves its own.
    if left := sorted(path.name for path in made.temporary.glob("tbp-*")):
        row.add("left", str(left))
    if CRASH.search(injection.output) and fault != "memory" and b"KeyboardInterrupt" not in injection.output:
        row.add("crashes", injection.output.decode(errors="replace"))


def program_of(made: Victim, fault: str = "") -> list[str]:
    if fault == "clock":
        return [sys.executable, "-c", JUMPING]
    return [sys.executable, *(("-c", QUICK) if made.name in ("gate", "nightly") else ("-m", "tbp"))]


def environment_of(made: Victim) -> dict[str, str]:
    return os.environ | {"XDG_CACHE_HOME": str(made.folder.parent / "cache"), "TMPDIR": str(made.temporary)}


def resumed(made: Victim, row: Row) -> tuple[Course, object]:
    """The course of the verb without a fault, and what it says; an error of it is counted as wrong."""
    made.renew()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [*program_of(made), *made.command()],
            cwd=made.folder, env=environment_of(made) | {"TBP_NO_CACHE": "1"}, stdout=output, stderr=output,
        )  # fmt: skip
        course = followed(made, process)
        if process.poll() is None:
            process.kill()
        code = process.wait()
        output.seek(0)
        text = output.read().decode(errors="replace")
    made.ended(code, made.number)
    if not made.is_well(code):
        row.add("wrong", f"exit {code}: {text}")
        return course, None
    return course, made.verdict()


FAULTS = (*SIGNALS, "two", "disk", "readonly", "home", "clock", "memory", *CHILDREN)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--verbs", default=",".join(VERBS), metavar="A,B")
    parser.add_argument("--faults", default=",".join(FAULTS), metavar="A,B")
    parser.add_argument("--injections", type=int, default=100, metavar="N", help="of each fault into each verb")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print("| verb | fault | " + " | ".join(Row.COUNTS) + " |", flush=True)
    print("| --- " * (2 + len(Row.COUNTS)) + "|")
    rows = []
    with tempfile.TemporaryDirectory(prefix="tbp-faults-", ignore_cleanup_errors=True) as home:
        for verb in options.verbs.split(","):
            for fault in options.faults.split(","):
                if fault in CHILDREN and verb not in ("nightly", "run", "gate"):
                    continue  # it has no children
                if fault == "stuck" and not can_mount():
                    continue
                chance = random.Random(f"{options.seed} {verb} {fault}")
                row = injected(verb, fault, options.injections, chance, Path(home))
                rows.append(row)
                print(f"| {verb} | {fault} | " + " | ".join(str(getattr(row, name)) for name in Row.COUNTS) + " |")
                print("\n".join(row.notes), file=sys.stderr, flush=True)
                sys.stdout.flush()
    total = Counter({name: sum(getattr(row, name) for row in rows) for name in Row.COUNTS})
    print("| all | all | " + " | ".join(str(total[name]) for name in Row.COUNTS) + " |")
    return 0 if all(row.is_well for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
