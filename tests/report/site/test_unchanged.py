"""A site that is built into the folder of an earlier one is that of an empty folder, and less is made for it."""

import json
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest

from tbp.model.changes import History, LineRuns
from tbp.model.measured_with import MeasuredWith
from tbp.model.points import Points, columns
from tbp.model.series import Commit, Line, Outcome, Point
from tbp.project.asv_config import configuration
from tbp.report.base.digests import Digests
from tbp.report.base.render import RenderedPage, main_of
from tbp.report.pages.benchmark.files import jobs
from tbp.report.parts.addresses import data_file, page_file
from tbp.report.site import build
from tbp.report.site.build import write_site
from tbp.report.site.load import View, report_data
from tbp.report.site.unchanged import rest_of
from tbp.system.store import KEY_BYTES, Store

from ...result_folders import write_result

BENCHMARKS = ("other.track_three", "suite.time_one", "suite.time_two")
RUNS = 30


def store(project: Path, place: int, benchmarks: tuple[str, ...] = BENCHMARKS) -> Path:
    """One run of ``benchmarks``; suite.time_one is slower from the 15th commit on."""
    dice = random.Random(place)
    values = {name: dice.gauss(1.0, 0.01) for name in BENCHMARKS}
    values["suite.time_one"] *= 1.3 if place >= 15 else 1.0
    rows = {name: [[values[name]], [], "1"] for name in benchmarks}
    return write_result(project / "results", f"{place:08x}" * 5, rows, place)


class Sites:
    """Builds of one project: into one folder that lasts, and without a store into empty ones."""

    def __init__(self, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.project, self.out = project, project / "site"
        self.made: list[str] = []  # files that the last build made, but the static ones and the pages' surroundings
        self._monkeypatch = monkeypatch
        self._number = 0
        benchmark_files, shared, points = build.benchmark_files, build._shared, build.points

        def noted(name: str, make: Callable[..., object]) -> Callable[..., object]:
            return lambda *given: (self.made.append(name), make(*given))[1]

        def files_of(job: build.BenchmarkPageJob) -> dict[str, bytes]:
            self.made.append(job.benchmark)
            return benchmark_files(job)

        monkeypatch.setattr(build, "benchmark_files", files_of)
        monkeypatch.setattr(build, "_shared", lambda *given: [noted("shared", make) for make in shared(*given)])
        monkeypatch.setattr(build, "points", lambda data: [noted("points", make) for make in points(data)])
        monkeypatch.setattr(build, "WORTH_S", 0)

    @property
    def made_benchmarks(self) -> list[str]:
        return [name for name in self.made if name in BENCHMARKS]

    def warm(self, **view: object) -> dict[str, bytes]:
        """The files of the folder that lasts."""
        self.made.clear()
        return self._built(self.out, view)

    def cold(self, **view: object) -> dict[str, bytes]:
        """The files of a new folder, made without a store."""
        self._number += 1
        made = list(self.made)
        with self._monkeypatch.context() as patch:
            patch.setenv("TBP_NO_CACHE", "1")
            files = self._built(self.project / f"cold{self._number}", view)
        self.made = made
        return files

    def _built(self, out: Path, view: dict[str, object]) -> dict[str, bytes]:
        data = report_data(configuration(self.project / "asv.conf.json", None), None, View(**view))  # type: ignore[arg-type]
        write_site(data, out)
        return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def configure(project: Path, **further: object) -> None:
    content = {"version": 1, "project": "p", "repo": ".", "results_dir": "results", **further}
    (project / "asv.conf.json").write_text(json.dumps(content))


@pytest.fixture
def sites(tmp_path: Path, store_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Sites:
    """A site of three benchmarks over 30 commits, built once."""
    configure(tmp_path)
    for place in range(RUNS):
        store(tmp_path, place)
    several = Sites(tmp_path, monkeypatch)
    assert several.warm() == several.cold()
    assert several.made_benchmarks == list(BENCHMARKS)
    return several


def test_nothing_is_made_of_what_did_not_change(sites: Sites) -> None:
    assert sites.warm() == sites.cold()
    assert sites.made == []
    assert not list(sites.out.glob(".tbp-*"))


def test_a_run_of_every_benchmark_is_on_every_page(sites: Sites) -> None:
    store(sites.project, RUNS)
    assert sites.warm() == sites.cold()
    assert sites.made_benchmarks == list(BENCHMARKS)


def test_a_run_of_one_suite_is_on_its_pages_and_its_date_on_all(sites: Sites) -> None:
    store(sites.project, RUNS, ("other.track_three",))
    page = page_file("suite.time_two")
    before = (sites.out / page).read_bytes()
    warm = sites.warm()
    assert warm == sites.cold()
    assert sites.made_benchmarks == ["other.track_three"]
    assert warm[page] != before
    assert main_of(warm[page]) == main_of(before)


def test_an_older_commit_moves_the_places_of_the_newer_ones(sites: Sites) -> None:
    write_result(sites.project / "results", "f" * 40, {"other.track_three": [[1.0], [], "1"]}, -5)
    assert sites.warm() == sites.cold()
    assert sites.made_benchmarks == list(BENCHMARKS)


def test_an_acknowledged_change_is_on_its_page(sites: Sites) -> None:
    acks = sites.project / "acks.toml"
    acks.write_text(f'[[ack]]\nbenchmark = "suite.time_one"\ncommit = "{15:08x}"\nreason = "wanted"\n')
    assert sites.warm(acks=acks) == sites.cold(acks=acks)
    assert sites.made_benchmarks == ["suite.time_one"]


def test_a_removed_run_is_gone(sites: Sites) -> None:
    store(sites.project, 7).unlink()
    assert sites.warm() == sites.cold()
    assert sites.made_benchmarks == list(BENCHMARKS)


def test_a_changed_configuration_is_on_every_page(sites: Sites) -> None:
    configure(sites.project, show_commit_url="https://example.org/commit/")
    assert sites.warm() == sites.cold()
    assert sites.made_benchmarks == list(BENCHMARKS)


def test_a_base_is_in_every_verdict(sites: Sites) -> None:
    base = f"{20:08x}"
    assert sites.warm(base=base) == sites.cold(base=base)


def test_an_earlier_state_comes_back(sites: Sites) -> None:
    first = sites.warm()
    added = store(sites.project, RUNS)
    sites.warm()
    added.unlink()
    assert sites.warm() == first == sites.cold()


@pytest.mark.parametrize("name", [page_file("suite.time_one"), data_file("suite.time_one")])
@pytest.mark.parametrize("damage", ["changed", "emptied", "removed", "linked"])
def test_a_file_that_is_not_as_it_was_written_is_made_again(sites: Sites, name: str, damage: str) -> None:
    path = sites.out / name
    content = path.read_bytes()
    path.unlink()
    if damage == "changed":
        path.write_bytes(content.swapcase())
    elif damage == "emptied":
        path.write_bytes(b"")
    elif damage == "linked":
        (sites.project / "elsewhere").write_bytes(content)
        path.symlink_to(sites.project / "elsewhere")
    assert sites.warm() == sites.cold()
    assert sites.made_benchmarks == ["suite.time_one"]
    assert not path.is_symlink()


def test_another_footer_is_put_right(sites: Sites) -> None:
    path = sites.out / page_file("suite.time_one")
    path.write_bytes(path.read_bytes().replace(b"Made by", b"Stolen by"))
    assert sites.warm() == sites.cold()


def test_shared_files_that_were_changed_are_made_again(sites: Sites) -> None:
    for name in ("index.html", "summary.json", "points.csv", "data/grid.js"):
        path = sites.out / name
        path.write_bytes(path.read_bytes() + b" ")
    assert sites.warm() == sites.cold()
    assert "points" in sites.made


@pytest.mark.parametrize("content", [msgspec.msgpack.encode({"a": 1}), msgspec.msgpack.encode({}), b"\xc1", b""])
def test_what_nobody_can_have_kept_is_not_believed(
    sites: Sites, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setattr(Store, "known", lambda self, keys: dict.fromkeys(keys, content))
    assert sites.warm() == sites.cold()


def test_several_processes_know_the_same(sites: Sites, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "SERIES_S", 10.0)
    monkeypatch.setattr(build, "BATCH_RUNS", 10)
    store(sites.project, RUNS)
    first = sites.warm()
    assert first == sites.cold()
    assert sites.warm() == first
    assert sites.made == []


def points(order: tuple[Commit, ...], indexes: list[int], value: float) -> Points:
    made = [Point(order[at], Outcome.MEASURED, value, value, value) for at in indexes]
    shared = msgspec.structs.replace(columns(made), order=order, commit_index=np.array(indexes, np.int32))
    return Points(shared)


def test_runs_have_the_digest_of_their_commits_and_values() -> None:
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    order = tuple(Commit(f"{at:040x}", begin + timedelta(days=at)) for at in range(4))
    digest = Digests().of(points(order[:3], [0, 2], 1.0))
    assert Digests().of(points(order, [0, 2], 1.0)) == digest  # a newer commit is none of theirs
    assert Digests().of(points(order, [0, 1], 1.0)) != digest
    assert Digests().of(points(order, [0, 2], 2.0)) != digest


@pytest.mark.parametrize(
    "value",
    [
        np.array([1.0, np.nan]), np.array([1, None], object), np.float64(0.1), frozenset({0, 8}), float("nan"),
        pd.DataFrame({"name": ["a", None], "self_us": [1.0, np.nan]}),
    ],
)  # fmt: skip
def test_equal_values_have_equal_digests(value: object) -> None:
    other = frozenset([8, 0]) if isinstance(value, frozenset) else value
    assert Digests().of(value) == Digests().of(other)
    assert Digests().of(value) != Digests().of([value])


def test_columns_of_another_name_or_type_are_another_table() -> None:
    digests = {
        Digests().of(pd.DataFrame(content))
        for content in ({"a": [1]}, {"b": [1]}, {"a": [2]}, {"a": np.array([1], np.int8)})
    }
    assert len(digests) == 4


def test_what_has_no_digest_is_never_known() -> None:
    for value in (object(), "half a character \udc80"):
        assert Digests().of(value) != Digests().of(value)
        assert len(Digests().of(value)) == KEY_BYTES


def test_histories_with_traces_have_a_digest(make_history, make_operators, make_report) -> None:
    history = make_history(operators=make_operators())
    data = make_report(history)
    assert Digests().of(data.histories) == Digests().of(data.histories)
    assert Digests().of(rest_of(data)) == Digests().of(rest_of(data))


def circumstances_of(history: History, table: Sequence[dict[str, str]], index: list[int], number: str = "") -> History:
    runs = columns(history.points)
    known = MeasuredWith(table, np.array(index, np.uint8), ((0, "9"), (2, number)) if number else ())
    return msgspec.structs.replace(history, points=Points(msgspec.structs.replace(runs, measured_with=known)))


def test_what_runs_were_measured_with_is_in_the_digest_of_what_pages_share(make_history, make_report) -> None:
    plain = make_history((1.0, 1.0, 1.0))
    old, new = {"driver": "550"}, {"driver": "570"}
    several = [
        plain,
        circumstances_of(plain, [old, new], [0, 0, 0]),
        circumstances_of(plain, [old, new], [0, 0, 1]),
        circumstances_of(plain, [old, {"driver": "580"}], [0, 0, 1]),
        circumstances_of(plain, [old, new], [0, 0, 1], "1"),
    ]
    assert len({Digests().of(rest_of(make_report(history))) for history in several}) == 5


def test_a_page_with_other_lines_is_made_again_for_another_driver_and_not_for_another_table(
    make_history, make_report
) -> None:
    plain, frame = make_history((1.0, 1.0, 1.0)), build.Frame("x", "2026", "1")
    old, new = {"driver": "550"}, {"driver": "570"}
    several = [
        circumstances_of(plain, [old, new], [0, 0, 1]),
        circumstances_of(plain, [new, old], [1, 1, 0]),
        circumstances_of(plain, [old, new], [0, 1, 1]),
    ]

    def keys(beside: bool) -> list[bytes]:
        line = Line("dev", (plain.points[0].commit,))
        runs = (LineRuns(plain.key, line, plain.points[:1], plain.unit, plain.better),) if beside else ()
        made = [jobs(make_report(history, beside=runs), frame)[0] for history in several]
        return [job.key(Digests()) for job in made]

    first, alike, other = keys(beside=True)
    assert first == alike != other
    assert len(set(keys(beside=False))) == 1


def test_the_content_of_a_page_is_what_its_template_got() -> None:
    frame = build.Frame("<main id=main>", "2026", "1")
    page = RenderedPage("x.html", "</main>", '<main id="main">\n</main>\n<footer></footer>')
    assert main_of(build.page_html(page, frame).encode()) == page.main.encode()
    assert main_of(b"no page") == b""
