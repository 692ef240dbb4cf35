"""Several processes give what one gives."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tbp.system.parallel import batched, mapped

LONG_S = 100.0
A_WHILE_S = 30.0


def square(number: int) -> tuple[int, int]:
    return number * number, os.getpid()


def met_another(asked: tuple[str, str]) -> tuple[str, int]:
    """Done by the process that takes it; waits until another one has come."""
    name, folder = asked
    (Path(folder) / str(os.getpid())).touch()
    end = time.monotonic() + A_WHILE_S
    while len(list(Path(folder).iterdir())) < 2 and time.monotonic() < end:
        time.sleep(0.01)
    return name, os.getpid()


def killed_elsewhere(asked: tuple[int, int]) -> int:
    """Dies as under the kernel's hand, in any process but the first."""
    process, number = asked
    if os.getpid() != process and number == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def failing(number: int) -> int:
    if number == 3:
        raise ValueError(f"number {number}")
    return number


def test_results_are_in_order_and_from_several_processes(tmp_path: Path):
    items = [(name, str(tmp_path)) for name in "abcdef"]
    results = list(mapped(met_another, items, seconds=LONG_S, jobs=2))
    assert [name for name, _ in results] == list("abcdef")
    processes = {process for _, process in results}
    assert len(processes) == 2
    assert os.getpid() not in processes


@pytest.mark.parametrize(
    ("items", "seconds", "jobs"), [(range(5), 0.1, None), (range(5), LONG_S, 1), (range(1), LONG_S, 2), ([], LONG_S, 2)]
)
def test_little_work_one_core_or_one_item_need_no_other_process(items: range, seconds: float, jobs: int | None):
    results = list(mapped(square, items, seconds=seconds, jobs=jobs))
    assert results == [(number * number, os.getpid()) for number in items]


def test_the_rest_is_done_here_when_a_process_is_killed():
    items = [(os.getpid(), number) for number in range(10)]
    assert list(mapped(killed_elsewhere, items, seconds=LONG_S, jobs=2)) == list(range(10))


def test_all_is_done_here_where_no_process_can_be_started():
    program = (
        "import joblib, resource\n"
        "from tbp.system.parallel import mapped\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8))\n"
        "print(list(mapped(abs, [-1, -2, -3], seconds=100.0, jobs=2)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[1, 2, 3]\n", "")


def test_an_error_is_the_caller_s():
    with pytest.raises(ValueError, match="number 3"):
        list(mapped(failing, range(6), seconds=LONG_S, jobs=2))


# loky's manager thread fails with a KeyError where it is closed before it took up the first task (joblib 1.6), after
# it has killed the workers.
@pytest.mark.filterwarnings("ignore:Exception in thread ExecutorManagerThread")
def test_who_takes_some_results_only_gets_no_warning():
    results = mapped(square, range(100), seconds=LONG_S, jobs=2)
    assert next(results)[0] == 0
    results.close()  # type: ignore[attr-defined]


INTERRUPTED = """
import sys, time
from pathlib import Path
from tbp.system.parallel import mapped
from tests_parallel_helper import sleeping
for _ in mapped(sleeping, [sys.argv[1]] * 8, seconds=100.0, jobs=2):
    pass
"""
HELPER = """
import os, time
from pathlib import Path
def sleeping(folder):
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(60)
"""


@pytest.mark.parametrize("is_terminal", [False, True])
def test_ctrl_c_leaves_no_process_behind(tmp_path: Path, is_terminal: bool):
    """A terminal interrupts the workers as well."""
    (tmp_path / "tests_parallel_helper.py").write_text(HELPER)
    came = tmp_path / "came"
    came.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, str(came)],
        env=os.environ | {"PYTHONPATH": str(tmp_path)}, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    end = time.monotonic() + A_WHILE_S
    while len(list(came.iterdir())) < 2 and time.monotonic() < end:
        time.sleep(0.01)
    workers = [int(path.name) for path in came.iterdir()]
    assert len(workers) == 2
    if is_terminal:
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.SIGINT)
    _, words = process.communicate(timeout=A_WHILE_S)
    assert b"KeyboardInterrupt" in words
    assert process.returncode != 0
    end = time.monotonic() + A_WHILE_S
    while any(map(is_running, workers)) and time.monotonic() < end:
        time.sleep(0.01)
    assert not any(map(is_running, workers))


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_batches_keep_the_order():
    assert batched("abcdef", [1, 1, 1, 5, 1, 1], 3) == [["a", "b", "c"], ["d"], ["e", "f"]]
    assert batched("", [], 3) == []
    assert batched("ab", [0, 0], 3) == [["a", "b"]]


@pytest.mark.parametrize("name", ["joblib/__init__.py", "multiprocessing/__init__.py", "numpy.py", "pickle.py"])
def test_no_process_takes_the_current_folder_s_files_for_modules(tmp_path: Path, name: str):
    """A report is made in a foreign repository, which may have any folder."""
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(f"open({str(tmp_path / 'executed')!r}, 'a').write('x')\nraise SystemExit(1)\n")
    program = (
        "import math, os\n"
        "from tbp.system.parallel import mapped\n"
        "print(sum(mapped(math.sqrt, [4.0, 9.0], seconds=100, jobs=2)), os.environ.get('PYTHONSAFEPATH'))\n"
    )
    command = [sys.executable, "-P", "-c", program]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stdout, (tmp_path / "executed").exists()) == ("5.0 None\n", False), done.stderr
