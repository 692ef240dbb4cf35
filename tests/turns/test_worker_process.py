"""Real worker processes on a tiny suite: what asv's attributes mean, and every way a benchmark can go wrong."""

import math
import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import pytest

from tbp.asv.checkouts import Checkout
from tbp.statistics.paired_ratios import Pair
from tbp.turns import referee
from tbp.turns.cells import Cell, CellFailed, CellSkipped, Side
from tbp.turns.discovery import discovered
from tbp.turns.referee import Team, make_cache

pytest.importorskip("asv_runner")
pytestmark = pytest.mark.usefixtures("quick")

Sides = Mapping[Side, Checkout]
Write = Callable[..., Sides]
Folders = Mapping[Side, str]
Marks = Callable[[], list[str]]
Pids = Callable[[], list[int]]


def measured(sides: Sides, folders: Folders, name: str) -> dict[tuple[tuple[str, str], ...], Pair]:
    """One pair of every cell of a benchmark, by its parameters."""
    cells = [cell for cell in discovered(sides)["base"] if cell.benchmark == name]
    with Team(sides, {name}) as team:
        return {cell.parameters: team.measure(cell, folders, "base") for cell in cells}


# What asv means

GOOD = """
def time_sum():
    sum(range(1000))

class Fresh:
    params = ([100, 200], ["a", "b"])
    param_names = ["n", "letter"]

    def setup(self, n, letter):
        self.calls = 0
        mark(f"setup {n} {letter}")

    def teardown(self, n, letter):
        mark(f"teardown {n} {letter}")

    def time_once(self, n, letter):
        assert self.calls == 0, "called twice after one setup"
        self.calls += 1
        sum(range(n))

class Cached:
    def setup_cache(self):
        mark("setup_cache")
        Path("left").write_text("behind")
        return {"n": 500}

    def time_cached(self, cache):
        assert Path("left").read_text() == "behind"
        sum(range(cache["n"]))

def timeraw_sum():
    return "sum(range(n))", "n = 200_000"

class Ticks:
    now = 0
    def __init__(self, step):
        self.step = step
    def __call__(self):
        self.now += self.step
        return self.now

def time_seven():
    pass
time_seven.number = 7
time_seven.timer = Ticks(14.0)

class Three:
    number = 3
    timer = Ticks(5.0)
    def setup(self):
        self.calls = 0
    def time_three(self):
        assert self.calls == 0
        self.calls += 1

class Skipping:
    params = ["here", "not here", "nowhere"]
    def setup(self, where):
        if where == "nowhere" or where == "not here" and SIDE == "head":
            raise NotImplementedError(f"this machine has no {where}")
    def time_it(self, where):
        sum(range(100))

class Listed:
    params = [1, 2]
    skip_params = [(2,)]
    def time_it(self, n):
        sum(range(100))

def time_noisy():
    print("garbage")
    os.write(1, b'{"wall_s": []}\\xff\\n')
    os.write(2, b"[[[")

def track_untimed():
    return 1
"""


def test_a_function_is_timed_in_seconds_per_call(suite: Write, folders: Folders):
    pair = measured(suite(cells=GOOD), folders, "cells.time_sum")[()]
    assert 1e-6 < pair.base_s < 1e-3
    assert 1e-6 < pair.head_s < 1e-3
    assert abs(pair.effect) < math.log(10)


def test_setup_is_run_before_every_timed_call_and_teardown_as_often(suite: Write, folders: Folders, marks: Marks):
    pairs = measured(suite(cells=GOOD), folders, "cells.Fresh.time_once")
    assert list(pairs) == [(("n", n), ("letter", letter)) for n in ("100", "200") for letter in ("a", "b")]
    for side in ("base", "head"):
        setups = marks().count(f"{side} setup 200 b")
        assert setups > 5
        assert marks().count(f"{side} teardown 200 b") == setups


def test_setup_cache_is_given_to_the_benchmark_with_the_folder_it_ran_in(suite: Write, folders: Folders, marks: Marks):
    sides = suite(cells=GOOD)
    (cell,) = [cell for cell in discovered(sides)["head"] if cell.benchmark == "cells.Cached.time_cached"]
    assert cell.setup_cache is not None
    for side, folder in folders.items():
        make_cache(side, sides[side], cell, folder)
    assert measured(sides, folders, cell.benchmark)[()].base_s > 0
    assert marks() == ["base setup_cache", "head setup_cache"]


def test_timeraw_is_timed_inside_its_own_interpreter(suite: Write, folders: Folders):
    """Starting one takes longer than the statement: only the statement counts, and CPU time is no witness of it."""
    pair = measured(suite(cells=GOOD), folders, "cells.timeraw_sum")[()]
    assert 5e-4 < pair.base_s < 0.1
    assert math.isnan(pair.cpu_effect)


def test_number_and_timer_are_the_suites(suite: Write, folders: Folders):
    """Its clock advances 14 s from one look to the next, over 7 calls."""
    pair = measured(suite(cells=GOOD), folders, "cells.time_seven")[()]
    assert (pair.base_s, pair.head_s, pair.effect) == (2.0, 2.0, 0.0)


def test_number_with_a_setup_times_each_call_for_itself(suite: Write, folders: Folders):
    assert measured(suite(cells=GOOD), folders, "cells.Three.time_three")[()].base_s == 5.0


def test_what_it_prints_does_not_matter(suite: Write, folders: Folders):
    assert measured(suite(cells=GOOD), folders, "cells.time_noisy")[()].base_s > 0


def test_only_what_can_be_timed_is_discovered(suite: Write):
    found = discovered(suite(cells=GOOD))
    assert found["base"] == found["head"]
    names = {cell.benchmark for cell in found["base"]}
    assert "cells.timeraw_sum" in names
    assert "cells.track_untimed" not in names


@pytest.mark.parametrize(
    ("name", "index", "reason"),
    [
        ("cells.Skipping.time_it", 1, "this machine has no not here (in head only)"),
        ("cells.Skipping.time_it", 2, "this machine has no nowhere"),
        ("cells.Listed.time_it", 1, "its suite skips these parameters"),
    ],
)
def test_a_skip_keeps_its_reason(suite: Write, folders: Folders, name: str, index: int, reason: str):
    with Team(suite(cells=GOOD), {name}) as team:
        with pytest.raises(CellSkipped) as skipped:
            team.measure(Cell(name, index, ()), folders, "head")
        assert str(skipped.value) == reason
        assert team.measure(Cell(name, 0, ()), folders, "head").base_s > 0


# What goes wrong

BAD = """
def time_good():
    sum(range(1000))

def time_raises():
    raise ValueError("broken on purpose")

def time_exits():
    os._exit(0)

def time_leaves():
    sys.exit("enough")

def time_kills_itself():
    os.kill(os.getpid(), signal.SIGKILL)

def time_dies_of_an_odd_signal():
    os.kill(os.getpid(), signal.SIGRTMIN + 1)

def time_stops_itself():
    os.kill(os.getpid(), signal.SIGSTOP)

def time_sleeps():
    mark("sleeps")
    time.sleep(3600)

def time_kills_its_server():
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(3600)

def time_writes_everywhere():
    everywhere(b"garbage")

def time_writes_lines_everywhere():
    everywhere(b"garbage\\n" * 3)

def time_writes_json_everywhere():
    everywhere(b"{}\\n")

def time_floods():
    while True:
        everywhere(b"x" * 4096)

def everywhere(what):
    for descriptor in range(3, 1024):  # the tests' process may have hundreds of files open
        try:
            os.write(descriptor, what)
        except OSError:
            pass

class InSetup:
    params = ["raises", "exits", "sleeps"]
    def setup(self, how):
        if SIDE == "base":
            {"raises": time_raises, "exits": time_exits, "sleeps": time_sleeps}[how]()
    def time_it(self, how):
        sum(range(100))

class InTeardown:
    def teardown(self):
        time_raises()
    def time_it(self):
        sum(range(100))

def time_sleeps_in_the_end():
    global calls
    calls += 1
    time.sleep(0.0005 if calls < 60 else 3600)
calls = 0
time_sleeps_in_the_end.number = 1
"""

GOOD_CELL = Cell("cells.time_good", 0, ())


def fails(name: str, index: int = 0) -> Cell:
    """A cell that ends by itself, on a busy machine only after a while."""
    return Cell(name, index, (), timeout_s=60)


def hangs(name: str, index: int = 0) -> Cell:
    """A cell that is given up soon."""
    return Cell(name, index, (), timeout_s=0.5)


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (fails("cells.time_raises"), "base raised ValueError: broken on purpose"),
        (fails("cells.time_exits"), "the benchmark's process in base ended with status 0"),
        (fails("cells.time_leaves"), "base raised SystemExit: enough"),
        (fails("cells.time_kills_itself"), "the benchmark's process in base was killed by SIGKILL"),
        (fails("cells.time_dies_of_an_odd_signal"), "the benchmark's process in base was killed by signal"),
        (hangs("cells.time_stops_itself"), "the worker of base gave no answer for 0.5 s"),
        (hangs("cells.time_sleeps"), "the worker of base gave no answer for 0.5 s"),
        (fails("cells.time_kills_its_server"), "the worker of base was killed by SIGKILL"),
        (fails("cells.time_writes_everywhere"), "the worker of base sent garbage instead of an answer: b'garbage"),
        (fails("cells.time_writes_lines_everywhere"), "the worker of base sent garbage"),
        (fails("cells.time_writes_json_everywhere"), "the worker of base sent garbage"),
        (hangs("cells.time_floods"), "the worker of base"),
        (fails("cells.InSetup.time_it", 0), "base raised ValueError: broken on purpose"),
        (fails("cells.InSetup.time_it", 1), "the benchmark's process in base ended with status 0"),
        (hangs("cells.InSetup.time_it", 2), "the worker of base gave no answer for 0.5 s"),
        (fails("cells.no_such_benchmark"), "base raised ValueError: Could not find benchmark"),
    ],
    ids=lambda value: f"{value.benchmark}-{value.index}" if isinstance(value, Cell) else "",
)
def test_a_cell_that_goes_wrong_is_failed_and_the_next_is_measured(
    suite: Write, folders: Folders, survivors: Pids, cell: Cell, words: str
):
    with Team(suite(cells=BAD), {"cells.time_good"}) as team:
        with pytest.raises(CellFailed) as failed:
            team.measure(cell, folders, "base")
        assert str(failed.value).startswith(words)
        assert team.measure(GOOD_CELL, folders, "base").base_s < 1e-3
    assert survivors() == []


def test_a_block_that_hangs_is_given_up(
    suite: Write, folders: Folders, survivors: Pids, monkeypatch: pytest.MonkeyPatch
):
    with Team(suite(cells=BAD), {"cells.time_good"}) as team:
        with monkeypatch.context() as patched:
            patched.setattr(referee, "MIN_BLOCK_TIMEOUT_S", 0.5)
            patched.setattr(referee, "ROUNDS", 32)
            # A slow calibration makes neither the timeout longer nor the rounds fewer.
            patched.setattr(referee, "HANG_FACTOR", 1.0)
            patched.setattr(referee, "PAIR_BUDGET_S", 1e6)
            with pytest.raises(CellFailed, match=r"gave no answer for 0\.5 s"):
                team.measure(Cell("cells.time_sleeps_in_the_end", 0, (), timeout_s=100), folders, "base")
        assert team.measure(GOOD_CELL, folders, "base").base_s < 1e-3
    assert survivors() == []


def test_a_teardown_that_raises_leaves_the_next_cell_alone(suite: Write, folders: Folders):
    with Team(suite(cells=BAD), {"cells.time_good"}) as team:
        assert team.measure(fails("cells.InTeardown.time_it"), folders, "base").base_s > 0
        assert team.measure(GOOD_CELL, folders, "base").base_s < 1e-3


def test_servers_killed_between_two_cells_are_replaced(
    suite: Write, folders: Folders, processes: Pids, survivors: Pids
):
    with Team(suite(cells=BAD), {"cells.time_good"}) as team:
        team.measure(GOOD_CELL, folders, "base")
        servers = processes()
        assert len(servers) >= 2
        for server in servers:
            with suppress(ProcessLookupError):  # a cell's process that was just ending
                os.kill(server, signal.SIGKILL)
        assert survivors() == []
        assert team.measure(GOOD_CELL, folders, "base").base_s > 0


def test_an_interrupt_in_a_cell_that_hangs_does_not_wait_for_it(
    suite: Write, folders: Folders, survivors: Pids, marks: Marks
):
    """The cell's own timeout is ten minutes: the test's is not."""

    def interrupt(*_: object) -> None:
        if marks():
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise KeyboardInterrupt

    previous = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)
    try:
        with pytest.raises(KeyboardInterrupt), Team(suite(cells=BAD), {"cells.time_good"}) as team:
            team.measure(Cell("cells.time_sleeps", 0, (), timeout_s=600), folders, "base")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert survivors() == []


def test_a_python_that_cannot_be_started_fails_the_cell(suite: Write, folders: Folders, tmp_path: Path):
    sides = dict(suite(cells=BAD))
    sides["head"] = Checkout("0" * 40, str(tmp_path / "no-python"), {}, "test", sides["head"].benchmark_dir)
    with Team(sides, {"cells.time_good"}) as team:
        for _ in range(2):
            with pytest.raises(CellFailed, match=r"head: cannot start .*no-python"):
                team.measure(GOOD_CELL, folders, "base")


# Suites that are imported oddly


def test_a_suite_with_threads_gets_a_new_server_for_each_cell(suite: Write, folders: Folders, marks: Marks):
    code = """
threading.Thread(target=threading.Event().wait, daemon=True).start()
mark(f"imported by {os.getpid()}")
class Threaded:
    params = [1, 2]
    def setup(self, n):
        mark(f"cell {n} in {os.getpid()}")
    def time_it(self, n):
        sum(range(1000))
"""
    name = "threaded.Threaded.time_it"
    with Team(suite(threaded=code), {name}) as team:
        for index in range(2):
            assert team.measure(Cell(name, index, ()), folders, "base").base_s > 0
    imported = {line.split()[-1] for line in marks() if line.startswith("base imported")}
    own = [{line.split()[-1] for line in marks() if line.startswith(f"base cell {n}")} for n in (1, 2)]
    assert len(imported) == 2
    assert own[0] | own[1] == imported
    assert [len(pids) for pids in own] == [1, 1]


def test_a_module_that_does_not_import_takes_only_its_own_benchmarks_along(suite: Write, folders: Folders):
    code = "if SIDE == 'head': raise ImportError('no such name yet')\ndef time_new(): sum(range(100))\n"
    sides = suite(cells=BAD, fragile=code)
    found = discovered(sides)
    assert {cell.benchmark for cell in found["base"]} - {cell.benchmark for cell in found["head"]} == {
        "fragile.time_new"
    }
    with Team(sides, {"cells.time_good", "fragile.time_new"}) as team:
        with pytest.raises(CellFailed, match="head raised ImportError: no such name yet"):
            team.measure(Cell("fragile.time_new", 0, ()), folders, "base")
        assert team.measure(GOOD_CELL, folders, "base").base_s > 0


@pytest.mark.parametrize("leaving", ["sys.exit('no thanks')", "raise KeyboardInterrupt"])
def test_a_module_that_leaves_when_imported_takes_only_its_own_benchmarks_along(
    suite: Write, folders: Folders, leaving: str
):
    sides = suite(cells=BAD, leaving=f"if SIDE == 'head': {leaving}\ndef time_new(): sum(range(100))\n")
    assert "leaving.time_new" not in {cell.benchmark for cell in discovered(sides)["head"]}
    with Team(sides, {"leaving.time_new", "cells.time_good"}) as team:
        with pytest.raises(CellFailed, match="head raised"):
            team.measure(Cell("leaving.time_new", 0, ()), folders, "base")
        assert team.measure(GOOD_CELL, folders, "base").base_s > 0


def test_a_worker_that_dies_while_it_imports_fails_the_cell_in_so_many_words(
    suite: Write, folders: Folders, survivors: Pids
):
    """Every cell of that pair, as there is no worker to be had; each in words, none hangs."""
    sides = suite(cells=BAD, dying="if SIDE == 'base': os._exit(5)\ndef time_new(): sum(range(100))\n")
    with Team(sides, {"cells.time_good", "dying.time_new"}) as team:
        for _ in range(2):
            with pytest.raises(CellFailed, match="the worker of base ended with status 5"):
                team.measure(GOOD_CELL, folders, "base")
    assert survivors() == []


@pytest.mark.parametrize("name", ["tbp.doctor.twin_worker", "tbp.pytest_gate.worker"])
def test_workers_that_load_this_one_by_its_path_find_it(name: str):
    """They run where tbp may not be imported, so no import shows what they need."""
    assert import_module(name).worker.__spec__.origin == str(Path(referee.__file__).with_name("worker.py"))
