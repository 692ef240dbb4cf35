"""A real Dask cluster gives what one process gives, whatever becomes of its workers; else one line says why."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import pytest
from msgspec.structs import replace

import tbp
from tbp.__main__ import main
from tbp.errors import UnusableCluster
from tbp.system import cluster as engine
from tbp.system import parallel
from tbp.system.cluster import Cluster, other_version
from tbp.system.on_worker import difference, identity
from tbp.system.parallel import mapped
from tbp.system.schedulers import shared_by

from ..clusters import LocalWorkers, local_workers

Client = pytest.importorskip("distributed", reason="tbp-perf[dask] is not installed").Client

TASKS = """
import os, signal, time
from pathlib import Path

def square(number):
    return number * number, os.getpid()

def failing(number):
    if number == 3:
        raise ValueError(f"number {number}")
    return number

def slow_to_time_out(number):
    raise TimeoutError(f"number {number}")

def killed_once(asked):
    number, marker = asked
    if number == 2 and not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number

def killed_elsewhere(asked):
    number, process = asked
    if number == 2 and os.getpid() != process:
        os.kill(os.getpid(), signal.SIGKILL)
    return number

def folder_and_size(path):
    return os.getcwd(), Path(path).stat().st_size

def touching(path):
    Path(path).touch()
    time.sleep(0.1)

def waiting(seconds):
    time.sleep(seconds)
"""


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the functions of the tasks, in which workers look for modules, too."""
    folder = tmp_path_factory.mktemp("code")
    (folder / "tasks_of_tests.py").write_text(TASKS)
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def tasks(code: Path) -> ModuleType:
    return import_module("tasks_of_tests")


def started(folder: Path, code: Path, number: int, *options: str, **variables: str) -> Iterator[LocalWorkers]:
    with local_workers(folder, number, {"PYTHONPATH": str(code), **variables}, *options) as workers:
        yield workers
        disconnect(workers)


def disconnect(workers: LocalWorkers) -> None:
    if workers.address in engine._CONNECTED:
        engine._CONNECTED.pop(workers.address).close()


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, code: Path) -> Iterator[LocalWorkers]:
    yield from started(tmp_path_factory.mktemp("two"), code, 2)


@pytest.fixture
def fresh(tmp_path: Path, code: Path) -> Iterator[LocalWorkers]:
    """Two workers that a test may kill; a task that ended one is not tried on another."""
    yield from started(tmp_path / "fresh", code, 2, DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="0")


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory, code: Path) -> Iterator[LocalWorkers]:
    yield from started(tmp_path_factory.mktemp("bare"), code, 0)


@pytest.fixture
def bare(scheduler: LocalWorkers) -> Iterator[LocalWorkers]:
    """A scheduler that no worker has come to yet."""
    yield scheduler
    disconnect(scheduler)
    scheduler.dismiss()


def test_results_are_in_order_and_from_its_workers(two: LocalWorkers, tasks: ModuleType):
    with shared_by(two.address):
        results = list(mapped(tasks.square, range(40), seconds=0.0))
    assert [square for square, _ in results] == [number * number for number in range(40)]
    assert {process for _, process in results} <= {worker.pid for worker in two.workers}


@pytest.mark.parametrize(("name", "error"), [("failing", ValueError), ("slow_to_time_out", TimeoutError)])
def test_an_error_is_the_caller_s(two: LocalWorkers, tasks: ModuleType, name: str, error: type[Exception]):
    with shared_by(two.address), pytest.raises(error, match="number 3"):
        list(mapped(getattr(tasks, name), [3, 4, 5], seconds=0.0))


def test_who_takes_some_results_only_leaves_no_task_behind(two: LocalWorkers, tasks: ModuleType, tmp_path: Path):
    with shared_by(two.address):
        results = mapped(tasks.touching, [str(tmp_path / str(number)) for number in range(100)], seconds=0.0)
        next(results)
        results.close()
        list(mapped(tasks.square, range(2), seconds=0.0))  # after those that were at work
    assert 1 <= len(list(tmp_path.iterdir())) <= 10


def test_paths_are_as_the_user_wrote_them(
    two: LocalWorkers, tasks: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    Path("results.json").write_text("{}")
    with shared_by(two.address):
        (result,) = mapped(tasks.folder_and_size, ["results.json"], seconds=0.0, paths=lambda item: [Path(item)])
    assert result == (str(tmp_path), 2)


def test_a_file_that_a_worker_does_not_see_is_named(two: LocalWorkers, tasks: ModuleType):
    descriptor = os.memfd_create("private")  # which no other process has under this name
    os.dup2(descriptor, 200)
    path = Path("/dev/fd/200")
    try:
        with (
            shared_by(two.address),
            pytest.raises(UnusableCluster, match=r"^the worker tcp://.* does not see /dev/fd/200 as it is here: "),
        ):
            list(mapped(tasks.folder_and_size, [path], seconds=0.0, paths=lambda item: [item]))
    finally:
        os.close(descriptor)
        os.close(200)


def test_a_file_that_goes_meanwhile_is_no_fault_of_the_worker(two: LocalWorkers, tasks: ModuleType, tmp_path: Path):
    (tmp_path / "results.json").write_text("{}")

    def going(item: str) -> Iterator[Path]:
        yield tmp_path / "results.json"
        (tmp_path / "results.json").unlink()  # after its size was taken

    with shared_by(two.address):
        assert list(mapped(tasks.failing, [1], seconds=0.0, paths=going)) == [1]


def test_a_worker_that_dies_costs_a_second_try(two: LocalWorkers, tasks: ModuleType, code: Path, tmp_path: Path):
    for workers in started(tmp_path / "cluster", code, 2):
        items = [(number, str(tmp_path / "marker")) for number in range(12)]
        with shared_by(workers.address):
            assert list(mapped(tasks.killed_once, items, seconds=0.0)) == list(range(12))
        assert [worker.poll() for worker in workers.workers].count(-signal.SIGKILL) == 1


def test_a_task_that_ends_its_workers_is_done_here(
    fresh: LocalWorkers, tasks: ModuleType, capsys: pytest.CaptureFixture[str]
):
    with shared_by(fresh.address):
        items = [(number, os.getpid()) for number in range(6)]
        assert list(mapped(tasks.killed_elsewhere, items, seconds=0.0)) == list(range(6))
    assert "a task ended all workers that tried it" in capsys.readouterr().err


def test_a_scheduler_that_dies_ends_the_work_in_a_line(fresh: LocalWorkers, tasks: ModuleType):
    with shared_by(fresh.address):
        results = mapped(tasks.waiting, [0.1] * 100, seconds=0.0)
        next(results)
        fresh.scheduler.kill()
        with pytest.raises(UnusableCluster, match=r"^the scheduler at tcp://.* is gone: start it"):
            list(results)


def test_a_scheduler_that_is_not_there_is_named(two: LocalWorkers, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(engine, "CONNECT_S", 0.2)
    with pytest.raises(UnusableCluster, match=r"^no Dask scheduler answers at tcp://127.0.0.1:9 "):
        Cluster("tcp://127.0.0.1:9")


def test_tls_without_certificates_names_what_is_missing():
    with pytest.raises(UnusableCluster, match=r"^tls://127.0.0.1:9 needs certificates \(none is named\)"):
        Cluster("tls://127.0.0.1:9")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables of the environment that name an authority, and one key for all whom it trusts."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make certificates with")
    folder = tmp_path_factory.mktemp("tls")
    for line in (
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.pem",
        "req -newkey rsa:2048 -nodes -subj /CN=node -keyout node.key -out node.csr",
        "x509 -req -in node.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out node.pem",
    ):
        subprocess.run(["openssl", *line.split()], cwd=folder, capture_output=True, check=True)
    prefix = "DASK_DISTRIBUTED__COMM__TLS__"
    keys = {f"{prefix}{role}__KEY": str(folder / "node.key") for role in ("SCHEDULER", "WORKER", "CLIENT")}
    signed = {f"{prefix}{role}__CERT": str(folder / "node.pem") for role in ("SCHEDULER", "WORKER", "CLIENT")}
    return {f"{prefix}CA_FILE": str(folder / "ca.pem"), **keys, **signed}


def test_certificates_of_dask_s_configuration_are_used(certificates: dict[str, str], tmp_path: Path):
    """In a process of its own, as Dask reads its configuration once."""
    program = (
        "from tbp.system.parallel import mapped\n"
        "if __name__ == '__main__':\n    print(list(mapped(abs, [-1, -2], seconds=0.0)))\n"
    )
    for workers in started(tmp_path / "tls", tmp_path, 1, *("--protocol", "tls"), **certificates):
        assert workers.address.startswith("tls://")
        environment = os.environ | certificates | {"TBP_SCHEDULER": workers.address}
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert (done.stdout, done.stderr) == ("[1, 2]\n", "")


def test_nobody_waits_for_workers_without_end(
    bare: LocalWorkers, tasks: ModuleType, capsys: pytest.CaptureFixture[str]
):
    connected = Cluster(bare.address, patience_s=0.0)
    with pytest.raises(UnusableCluster, match=r"has had no worker for 0 minutes: start one with `dask worker tcp://"):
        list(connected.results(tasks.square, [1], lambda item: (), 1))
    connected.close()


def test_a_worker_may_come_later(bare: LocalWorkers, tasks: ModuleType, capsys: pytest.CaptureFixture[str]):
    with shared_by(bare.address):
        results = mapped(tasks.failing, [1, 2], seconds=0.0)
        bare.add(1)
        assert list(results) == [1, 2]


def other_distribution(code: Path) -> None:
    (code / "tbp_perf-0.0.1.dist-info").mkdir()
    (code / "tbp_perf-0.0.1.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: tbp-perf\nVersion: 0.0.1\n"
    )


def other_version_here(code: Path) -> None:
    file = code / "tbp" / "__init__.py"
    file.write_text(file.read_text().replace(f'"{tbp.__version__}"', '"0.0.1"'))


def other_line(code: Path) -> None:
    with (code / "tbp" / "errors.py").open("a") as file:
        file.write("# another line\n")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            other_distribution,
            f"has tbp 0.0.1, and this is {version('tbp-perf')}: start it from an environment equal to",
        ),
        (
            other_version_here,
            f"has tbp 0.0.1, and this is {tbp.__version__}: start it from an environment equal to this",
        ),
        (
            other_line,
            f"has other code in its tbp {tbp.__version__}, or below it: start it from an environment equal to",
        ),
    ],
)
def test_a_worker_with_other_code_is_refused(
    bare: LocalWorkers, tasks: ModuleType, tmp_path: Path, change: Callable[[Path], None], words: str
):
    code = tmp_path / "other"
    shutil.copytree(Path(tbp.__path__[0]), code / "tbp", ignore=shutil.ignore_patterns("__pycache__"))
    change(code)
    bare.add(1, environment={"PYTHONPATH": str(code)})
    with shared_by(bare.address), pytest.raises(UnusableCluster) as refused:
        list(mapped(abs, [1], seconds=0.0))
    assert words in str(refused.value)


def test_a_worker_with_several_threads_is_refused(bare: LocalWorkers):
    bare.add(1, "--nthreads", "2")
    with shared_by(bare.address), pytest.raises(UnusableCluster, match="has 2 threads: start it with --nthreads 1"):
        list(mapped(abs, [1], seconds=0.0))


def test_python_and_packages_have_to_be_equal():
    mine = {"python": "3.11.7.final.0", "tbp-perf": "1.0", "numpy": "2.4.6"}
    assert other_version(mine, mine | {"python": "3.11.9.final.0"}) == ""
    equal = "start it from an environment equal to this one"
    assert other_version(mine, mine | {"python": "3.9.1.final.0"}) == f"has Python 3.9, and this is 3.11: {equal}"
    assert other_version(mine, mine | {"tbp-perf": None}) == f"has tbp none, and this is 1.0: {equal}"
    assert other_version(mine, mine | {"numpy": "1.26"}) == f"has numpy 1.26, and this is 2.4.6: {equal}"
    assert difference(identity(), replace(identity(), python="3.9")).startswith("has Python 3.9, and this is ")


TINYFORMER = Path(__file__).parents[1] / "data" / "tinyformer" / "results"


Report = Callable[[str, str], dict[str, bytes]]
"""Takes a scheduler and the option that names results; gives stdout, and each file of the site by its path."""


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Report:
    monkeypatch.setattr(parallel, "WORTH_S", 0.0)

    def run(scheduler: str, source: str) -> dict[str, bytes]:
        site = tmp_path / "site"
        assert main(["report", source, f"--out={site}", "--exit-zero", f"--scheduler={scheduler}"]) == 0
        files = {str(path.relative_to(site)): path.read_bytes() for path in site.rglob("*") if path.is_file()}
        shutil.rmtree(site)
        return files | {"stdout": capsys.readouterr().out.encode()}

    return run


@pytest.mark.slow
def test_a_report_is_the_same_by_each_engine_and_where_a_worker_is_killed(
    code: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, report: Report
):
    monkeypatch.setattr(engine, "ANSWER_S", 0.1)  # a worker that is stopped does not answer
    results = f"--results={TINYFORMER}"
    alone = report("serial", results)
    assert report("processes", results) == alone
    for workers in started(tmp_path / "cluster", code, 2):
        victim = workers.workers[0]
        killer = threading.Thread(target=kill_at_work, args=(victim, workers.address))
        killer.start()
        assert report(workers.address, results) == alone
        killer.join()
        assert victim.returncode == -signal.SIGKILL


@pytest.mark.slow
def test_a_report_of_a_store_is_the_same_by_a_cluster(
    two: LocalWorkers, tmp_path: Path, report: Report, capsys: pytest.CaptureFixture[str]
):
    pytest.importorskip("duckdb")
    store = tmp_path / "store"
    assert main(["ingest", str(TINYFORMER), f"--store={store}", "--project=tinyformer"]) == 0
    capsys.readouterr()
    assert report(two.address, f"--store={store}") == report("serial", f"--store={store}")


def kill_at_work(worker: subprocess.Popen[bytes], scheduler: str) -> None:
    """Stop the worker, so that it ends no task; kill it when it was given some."""
    worker.send_signal(signal.SIGSTOP)
    with Client(scheduler, set_as_default=False) as client:
        while not any(client.processing().get(address) for address, its in workers_of(client) if its == "worker-0"):
            time.sleep(0.01)
    worker.kill()
    worker.wait()


def workers_of(client: Client) -> list[tuple[str, str]]:
    """The address and name of each worker."""
    return [(address, each["name"]) for address, each in client.scheduler_info(n_workers=-1)["workers"].items()]
