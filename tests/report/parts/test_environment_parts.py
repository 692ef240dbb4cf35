from datetime import UTC, datetime

from tbp.model.runs import Run
from tbp.model.series import Commit, Setup
from tbp.report.parts.environment_parts import parts

COMMIT = Commit("c0ffee00" * 5, datetime(2026, 5, 1, tzinfo=UTC))


def run(environment: str, python: str = "3.13", *requirements: tuple[str, str], machine: str = "bench-1") -> Run:
    return Run(COMMIT, machine, environment, python=python, requirements=requirements)


def test_environments_are_taken_apart_as_their_result_files_say() -> None:
    runs = [
        run("conda-py3.9-pytorch1.11", "3.9", ("pytorch", "1.11"), ("torchvision", "")),
        run("conda-py3.9-pytorch1.8.2", "3.9", ("pytorch", "1.8.2"), ("torchvision", "")),
        run("conda-py3.9-pip+pytorch", "3.9", ("pip+pytorch", "")),
    ]
    found = parts([one.setup for one in runs], runs)
    assert found.names == ("pytorch", "torchvision")  # the python is one
    assert found.values == (("1.11", "any version"), ("1.8.2", "any version"), ("any version", "none"))


def test_the_machine_is_a_part_where_there_are_several() -> None:
    runs = [run("py3.13"), run("py3.13", machine="bench-2"), run("py3.14", "3.14")]
    found = parts([one.setup for one in runs], runs)
    assert found.names == ("machine", "python")
    assert found.values == (("bench-1", "3.13"), ("bench-2", "3.13"), ("bench-1", "3.14"))


def test_names_that_the_parts_do_not_tell_apart_stay_whole() -> None:
    # They differ in an environment variable, which no part says.
    runs = [run("py3.13"), run("py3.13-THREADS4")]
    found = parts([one.setup for one in runs], runs)
    assert (found.names, found.values) == (("environment",), (("py3.13",), ("py3.13-THREADS4",)))


def test_an_environment_without_a_result_file_leaves_all_names_whole() -> None:
    places = [Setup("bench-1", "py3.13"), Setup("bench-1", "venv")]
    assert parts(places, [run("py3.13")]).names == ("environment",)


def test_one_place_differs_in_nothing() -> None:
    found = parts([Setup("bench-1", "py3.13")], [run("py3.13")])
    assert (found.names, found.values) == ((), ((),))
