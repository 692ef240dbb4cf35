"""The worker: runs asv benchmarks of one commit, block by block, as the referee asks.

Run by its path in the commit's environment, ``python worker.py BENCHMARK_DIR REQUESTS REPLIES`` with two file
descriptors, so it imports nothing of tbp: only the standard library and asv_runner, which every asv environment has.
One line of JSON is a request and one line its reply; what benchmarks print goes elsewhere.

A server imports the suites once and forks for every cell, so each cell has a process of its own without importing
torch again. Where forking is not safe (threads are running, CUDA is in use) the server becomes the cell's process and
ends with it. Wherever a process dies, the server or the referee notices and says so.

    {"do": "discover"}                              → {"benchmarks": [{"name", "parameter_names", "parameters", …}]}
    {"do": "import", "names", "tracing"}            → {"forks": whether cells get a process of their own}
    {"do": "setup_cache", "name", "folder"}         → {"ended": true}                   (a process of its own)
    {"do": "value", "name", "index", "folder"}      → {"value": number} | {"skipped": why}       (the same)
    {"do": "cell", "name", "index", "folder"}       → {"ready": true, "pid"} | {"skipped": why}   (the same)
        {"do": "calibrate", "cores", "sample_s", …} → {"number", "sample_s"}
        {"do": "block", "number", "samples"}        → {"wall_s": […], "cpu_s": […], "switches": […]}
        {"do": "trace", "path"}                     → {"traced": whether there is a torch to trace}
        {"do": "end"}                               → {"ended": true}
    any of them                                     → {"failed": traceback} | {"died": exit status, negative: by signal}
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import pickle
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

ENDED_WELL = 77  # exit status of a forked process that has sent its last reply
DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)

# Calls in a trace. A 10th percentile needs about 20. Where they are long, or the profiler takes long, as for a call of
# thousands of operators, fewer have to do.
STEPS = 20
LEAST_STEPS = 3
TRACE_BUDGET_S = 2.0


class Channel:
    """Lines of JSON over two file descriptors, unbuffered, because a forked process goes on where its parent read."""

    def __init__(self, requests: int, replies: int) -> None:
        self._requests, self._replies = requests, replies

    def request(self) -> dict[str, Any]:
        """The next request; ends the process when the referee has gone."""
        line = b""
        while not line.endswith(b"\n"):
            piece = os.read(self._requests, 1 << 16)
            if not piece:
                os._exit(0)
            line += piece
        request: dict[str, Any] = json.loads(line)
        return request

    def reply(self, **values: object) -> None:
        data = json.dumps(values).encode() + b"\n"
        while data:
            data = data[os.write(self._replies, data) :]


def die_with_parent() -> None:
    """On Linux, be killed when the parent ends, however it ends: no orphan goes on computing."""
    with suppress(OSError, AttributeError):  # not Linux: a closed channel ends the process at its next request
        ctypes.CDLL(None).prctl(DEATH_SIGNAL, signal.SIGKILL)


def serve(root: str, channel: Channel) -> None:
    """Answer until the referee goes away."""
    while True:
        request = channel.request()
        try:
            match request["do"]:
                case "discover":
                    channel.reply(benchmarks=discovered(root))
                case "import":
                    import_suites(root, request["names"])
                    if request["tracing"]:
                        import_profiler()
                    channel.reply(forks=is_safe_to_fork())
                case "setup_cache":
                    apart(partial(make_cache, root, request), channel)
                case "value":
                    apart(partial(give_value, root, request, channel), channel)
                case "cell":
                    apart(partial(measure, root, request, channel), channel)
        except BaseException:
            channel.reply(failed=traceback.format_exc())


def apart(work: Callable[[], None], channel: Channel) -> None:
    """Do ``work`` in a forked process, or here where forking is not safe, and then end."""
    if not is_safe_to_fork():
        work_and_end(work, channel)
    child = os.fork()
    if child == 0:
        die_with_parent()
        work_and_end(work, channel)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status != ENDED_WELL:
        channel.reply(died=status)


def work_and_end(work: Callable[[], None], channel: Channel) -> None:
    try:
        work()
        channel.reply(ended=True)
    except BaseException:
        channel.reply(failed=traceback.format_exc())
    os._exit(ENDED_WELL)


def is_safe_to_fork() -> bool:
    """True where this process has one thread and has not touched CUDA, which no forked process can use."""
    try:
        threads = len(list(Path("/proc/self/task").iterdir()))
    except OSError:
        return False
    return threads == 1 and not cuda_in_use()


def cuda_in_use() -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and bool(torch.cuda.is_initialized())


def benchmark(root: str, name: str, index: int | None) -> Any:
    """asv_runner's benchmark of that name, set to one combination of its parameters."""
    from asv_runner.discovery import get_benchmark_from_name

    loaded = get_benchmark_from_name(root, name)
    if index is not None and loaded._params:
        loaded.set_param_idx(index)
    return loaded


def import_suites(root: str, names: list[str]) -> None:
    """Import the modules of these benchmarks; one that fails here fails again where its cell is run."""
    for name in names:
        try:
            benchmark(root, name, None)
        except BaseException:  # a module may even call sys.exit()
            traceback.print_exc()


def import_profiler() -> None:
    """Import here, once, what torch.profiler imports when it first starts, instead of in each process that traces."""
    if "torch" in sys.modules:
        with suppress(ImportError):  # a torch that keeps it elsewhere imports it later
            importlib.import_module("torch._inductor.config")


def discovered(root: str) -> list[dict[str, object]]:
    """Every benchmark, with asv's type of it. A module that this commit cannot import is left out, with a traceback."""
    from asv_runner.discovery import disc_benchmarks

    return [
        {
            "name": suite.name,
            "kind": suite.type,
            "unit": str(suite.unit),
            "parameter_names": list(suite.param_names),
            "parameters": [list(cell) for cell in product(*suite.params)],
            "setup_cache": suite.setup_cache_key,
            "timeout_s": suite.timeout,
            "cache_timeout_s": suite.setup_cache_timeout,
        }
        for suite in disc_benchmarks(root, ignore_import_errors=True)
    ]


def make_cache(root: str, request: dict[str, Any]) -> None:
    os.chdir(request["folder"])
    cache = benchmark(root, request["name"], None).do_setup_cache()
    Path("cache.pickle").write_bytes(pickle.dumps(cache))


def with_cache(root: str, request: dict[str, Any]) -> Any:
    """The benchmark of the request in its folder, with its ``setup_cache``."""
    os.chdir(request["folder"])
    cell = benchmark(root, request["name"], request["index"])
    if cell.setup_cache_key is not None:
        cache = pickle.loads(Path("cache.pickle").read_bytes())
        cell.set_cache(cache) if hasattr(cell, "set_cache") else cell.insert_param(cache)
    return cell


def give_value(root: str, request: dict[str, Any], channel: Channel) -> None:
    """Run a benchmark that gives a value by itself, as asv runs it."""
    in_place(root, request, channel, lambda cell: channel.reply(value=float(cell.do_run())))


def measure(root: str, request: dict[str, Any], channel: Channel) -> None:
    """Set one cell up, answer its blocks, tear it down."""
    in_place(root, request, channel, lambda cell: take_turns(WorkerStep(cell), channel))


def in_place(root: str, request: dict[str, Any], channel: Channel, work: Callable[[Any], None]) -> None:
    """Do ``work`` with a benchmark between its setup and its teardown; answer why it is skipped, where it is."""
    cell = with_cache(root, request)
    reasons = note_skips(cell)
    if cell.do_setup():
        channel.reply(skipped=reasons[0] if reasons else "its suite skips these parameters")
        return
    try:
        work(cell)
    finally:
        cell.do_teardown()


def take_turns(step: WorkerStep, channel: Channel) -> None:
    """Say that ``step`` is ready, and answer its blocks until the referee ends it."""
    gc.collect()
    gc.freeze()  # what is there now is not looked at again: a collection before each block costs nothing
    channel.reply(ready=True, pid=os.getpid())
    while (turn := channel.request())["do"] != "end":
        match turn["do"]:
            case "calibrate":
                pin(turn["cores"])
                channel.reply(**step.calibrated(turn["sample_s"], turn["warmup_s"]))
            case "block":
                channel.reply(**step.block(turn["number"], turn["samples"]))
            case "trace":
                channel.reply(traced=step.trace(turn["path"]))


def pin(cores: list[int]) -> None:
    """Stay on these processor cores, where the system lets us; an empty list leaves it to the system."""
    if cores:
        with suppress(OSError, AttributeError):
            os.sched_setaffinity(0, cores)


def note_skips(cell: Any) -> list[str]:
    """Makes the set-ups of a benchmark keep why they skip, which asv only prints."""
    reasons: list[str] = []

    def noting(setup: Callable[..., None]) -> Callable[..., None]:
        def noted(*arguments: object) -> None:
            try:
                setup(*arguments)
            except NotImplementedError as error:
                reasons.append(str(error) or "not implemented")
                raise

        return noted

    cell._setups = [noting(setup) for setup in cell._setups]
    return reasons


class WorkerStep:
    """One cell, ready to be called, with asv's meaning of its attributes.

    A ``time_*`` benchmark with a ``setup`` gets it again before every timed call (asv_runner >= 0.3); one without, and
    tbp's own type, are called ``number`` times in a sample. ``timeraw_*`` starts an interpreter for each sample.
    """

    def __init__(self, cell: Any) -> None:
        parameters = cell._build_params() if hasattr(cell, "_build_params") else cell._current_params
        self._benchmark = cell
        self._call: Callable[[], object] = lambda: cell.func(*parameters)
        self._declared = int(getattr(cell, "number", 0))
        self._raw = cell._get_timer(*parameters) if type(cell).__name__ == "TimerawBenchmark" else None
        self._fresh = bool(cell._setups) and getattr(cell, "_setup_isolates_timed_calls", False)
        self._wall_s: Callable[[], float] = getattr(cell, "timer", time.perf_counter)

    def calibrated(self, sample_s: float, warmup_s: float) -> dict[str, object]:
        """The ``number`` of calls that fill a sample, and the time that such a sample takes, its set-up included."""
        number = self._declared or 1
        fastest_s, end_s, rounds = float("inf"), time.perf_counter() + warmup_s, 0
        while rounds < 2 or time.perf_counter() < end_s:
            wall_s, _, _ = self._sample(number)
            fastest_s, rounds = min(fastest_s, wall_s), rounds + 1
            if not self._declared and not self._fresh and self._raw is None:
                # Growing batches see through the cost of reading the clock.
                number = min(max(1, round(sample_s / max(fastest_s, 1e-9))), 2 * number)
        start_s = time.perf_counter()
        self._sample(number)
        return {"number": number, "sample_s": time.perf_counter() - start_s}

    def block(self, number: int, samples: int) -> dict[str, object]:
        """``samples`` samples in a row after one that is thrown away; seconds per call, switches per sample."""
        gc.collect()
        gc.disable()
        try:
            if samples > 1:
                self._sample(number)  # the other worker's turn left its data in the caches
            wall_s, cpu_s, switches = zip(*(self._sample(number) for _ in range(samples)), strict=True)
        finally:
            gc.enable()
        return {"wall_s": wall_s, "cpu_s": cpu_s, "switches": switches}

    def trace(self, path: str) -> bool:
        """Leave a torch.profiler trace of some calls at ``path``; False where the benchmark uses no torch."""
        if "torch" not in sys.modules or self._raw is not None:
            return False
        start_s = time.perf_counter()
        self._profiled(1)
        call_s = (time.perf_counter() - start_s) / 2  # one to warm up and one that was recorded
        steps = max(LEAST_STEPS, min(STEPS, int(TRACE_BUDGET_S / call_s)))
        self._profiled(steps).export_chrome_trace(path)
        return True

    def _profiled(self, steps: int) -> Any:
        """The torch.profiler that has recorded ``steps`` calls, after one that warms up."""
        from torch.profiler import ProfilerActivity, profile, schedule

        activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if cuda_in_use() else [])]
        plan = schedule(wait=0, warmup=1, active=steps, repeat=1)
        with profile(activities=activities, schedule=plan, record_shapes=True) as profiler:
            for _ in range(1 + steps):
                if self._fresh:
                    self._benchmark._redo_setup_next = True
                    self._benchmark.redo_setup()
                self._call()
                synchronise()
                profiler.step()
        return profiler

    def _sample(self, number: int) -> tuple[float, float, int]:
        if self._fresh and number > 1:
            walls, cpus, switches = zip(*(self._sample(1) for _ in range(number)), strict=True)
            return sum(walls) / number, sum(cpus) / number, sum(switches)
        if self._fresh:
            self._benchmark._redo_setup_next = True
            self._benchmark.redo_setup()
        synchronise()
        who = resource.RUSAGE_CHILDREN if self._raw else resource.RUSAGE_SELF
        before, wall_s = resource.getrusage(who), self._wall_s()
        raw_s = None
        if self._raw is not None:
            raw_s = self._raw.timeit(number)
        else:
            for _ in range(number):
                self._call()
        synchronise()
        wall_s, after = self._wall_s() - wall_s, resource.getrusage(who)
        interruptions = after.ru_nivcsw - before.ru_nivcsw
        if raw_s is not None:
            return raw_s / number, 0.0, interruptions  # starting an interpreter would drown the statement's CPU time
        cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return wall_s / number, cpu_s / number, interruptions


def synchronise() -> None:
    """Wait for CUDA where it is in use: work in flight belongs to neither sample."""
    if cuda_in_use():
        sys.modules["torch"].cuda.synchronize()


def main() -> None:
    root, requests, replies = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    die_with_parent()
    # This file's folder, which Python put first, is no place to import from.
    sys.path.pop(0)
    from asv_runner._aux import update_sys_path

    update_sys_path(root)
    serve(root, Channel(requests, replies))


if __name__ == "__main__":
    main()
