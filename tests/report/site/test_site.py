import math
from pathlib import Path

import pytest
from msgspec.structs import replace

from tbp.errors import UsageError
from tbp.model.changes import Change, ChangeEvidence, History, State
from tbp.model.runs import Machine
from tbp.model.series import Commit, Outcome, Point, SeriesKey
from tbp.report.base.render import STATIC, script_json
from tbp.report.site import build
from tbp.report.site.build import write_site
from tbp.system.foreign_text import INVISIBLE

from ...html_elements import elements
from ...trace_events import as_read

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</title></style></script><svg/onload=alert(1)>",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}${7*7}",
    "--><!--",
    "\u2028\u2029\u202e\x00\x07\udc80",
    "&lt;b&gt;",
]

VIEWS = ("changes.html", "heatmap.html", "compare.html", "machines.html")


def contents(site: Path) -> dict[str, bytes]:
    return {path.relative_to(site).as_posix(): path.read_bytes() for path in site.rglob("*") if path.is_file()}


def hostile_history(text: str, make_history) -> History:
    plain = make_history((1.0, 1.0, 1.0, 2.0, math.nan), reason=text, unit=text)
    points = tuple(
        Point(Commit(f"{place}{text}", point.commit.date, text), point.outcome, point.value, reason=text)
        for place, point in enumerate(plain.points)
    )
    key = SeriesKey(f"b.{text}", ((text, text),), text, text)
    return replace(plain, key=key, points=points)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_adds_nothing_to_the_page(tmp_path, make_history, make_report, make_operators, text) -> None:
    def site(word: str, folder: str) -> Path:
        history = hostile_history(word, make_history)
        history = replace(history, operators=make_operators([as_read(word), "b"]))
        machine = Machine(word, (("processor", word), (word, word)))
        fields = {"project": word, "machines": (machine,), "commit_url": word, "problems": (word,)}
        return write_site(make_report(history, **fields), tmp_path / folder).parent

    hostile, harmless = site(text, "hostile"), site("word", "harmless")
    for pattern in ("index.html", "benchmarks/*.html", *VIEWS):
        assert not INVISIBLE.search(next(hostile.glob(pattern)).read_text("utf-8"))
        attacked, expected = (elements(next(folder.glob(pattern))).tags for folder in (hostile, harmless))
        # <wbr> after each dot of a name is ours.
        assert [tag for tag, _ in attacked if tag != "wbr"] == [tag for tag, _ in expected if tag != "wbr"]
        names = {name for _, attributes in attacked for name in attributes}
        assert names <= {name for _, attributes in expected for name in attributes}
        hrefs = [attributes["href"] or "" for _, attributes in attacked if "href" in attributes]
        assert not any(href.lower().startswith(("javascript", "data")) for href in hrefs)


def test_data_for_scripts_ends_no_script_and_holds_no_nan() -> None:
    text = script_json({"a": ["</script>&\u2028", math.nan, math.inf, (1, 2.5)]})
    assert text == '{"a":["\\u003c/script\\u003e\\u0026\\u2028",null,null,[1,2.5]]}'


def test_the_same_data_gives_the_same_bytes(tmp_path, make_history, make_report, make_operators) -> None:
    data = make_report(make_history(operators=make_operators()), make_history((1.0,), State.NO_CHANGE, machine="m2"))
    one, two = (write_site(data, tmp_path / folder).parent for folder in ("one", "two"))
    assert contents(one) == contents(two)
    assert contents(write_site(data, one).parent) == contents(two)


def test_a_site_has_a_page_and_data_per_benchmark(tmp_path, make_history, make_report) -> None:
    data = make_report(make_history(benchmark="a.x"), make_history(benchmark="a-x"))
    index = write_site(data, tmp_path / "deep" / "site")
    names = sorted(contents(index.parent))
    assert index.name == "index.html"
    assert len([name for name in names if name.startswith("benchmarks/")]) == 2
    shipped = {f"static/{path.relative_to(STATIC).as_posix()}" for path in STATIC.glob("*/*")}
    assert {name for name in names if name.startswith("static/")} == shipped - {"static/base/single_file.js"}
    assert {"data/layout.js", "data/commits.js", "data/benchmarks.js"} <= set(names)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (1.0, 2_850.0), (1e-300, 1e300), (1e300, 1e-300), (0.0, 5.0), (5.0, 0.0), (-5.0, 3.0), (5e-324, 1e-310),
        (8e307, 1.0), (-1e300, 1e300), (-1e-320, -1e300),
    ],
)  # fmt: skip
@pytest.mark.parametrize("state", [State.REGRESSION, State.NO_CHANGE])
def test_no_value_is_too_far_from_another_to_be_reported(
    tmp_path, make_history, make_report, before, after, state
) -> None:
    changes = (ChangeEvidence(Change(5, before, after, 0.001, True)),) if state is State.REGRESSION else ()
    values = (before,) * 5 + (after,) * 5
    write_site(make_report(*(make_history(values, state, unit=unit, benchmark=f"b.track_{unit}", changes=changes)
                             for unit in ("seconds", "bytes", "unit"))), tmp_path)  # fmt: skip
    assert (tmp_path / "data" / "grid.js").exists()


def test_stale_pages_go_and_foreign_files_stay(tmp_path, make_history, make_report) -> None:
    write_site(make_report(make_history(benchmark="old.time_x")), tmp_path)
    foreign = tmp_path / "benchmarks" / "notes.html"
    foreign.write_text("<p>mine</p>", "utf-8")
    write_site(make_report(make_history(benchmark="new.time_x")), tmp_path)
    names = contents(tmp_path)
    assert not [name for name in names if "old-time-x" in name]
    assert "benchmarks/notes.html" in names
    assert not list(tmp_path.glob(".tbp-*"))


@pytest.mark.parametrize("name", ["index.html", "summary.json", "points.csv", "feed.xml"])
def test_a_foreign_file_is_not_overwritten(tmp_path, make_report, name) -> None:
    (tmp_path / name).write_text("mine", "utf-8")
    with pytest.raises(UsageError, match="choose an empty folder"):
        write_site(make_report(), tmp_path)
    assert contents(tmp_path) == {name: b"mine"}


def test_the_navigation_marks_the_page(tmp_path, make_history, make_report) -> None:
    index = write_site(make_report(make_history()), tmp_path)
    for path, marked in ((index, ["index.html"]), (next(tmp_path.glob("benchmarks/*.html")), [])):
        assert [a["href"] for tag, a in elements(path).tags if tag == "a" and a.get("aria-current") == "page"] == marked


def test_a_file_in_the_way_is_a_usage_error(tmp_path, make_report) -> None:
    (tmp_path / "out").write_text("", "utf-8")
    with pytest.raises(UsageError, match="cannot write the report"):
        write_site(make_report(), tmp_path / "out")


def test_pages_allow_scripts_from_files_only(tmp_path, make_history, make_report) -> None:
    write_site(make_report(make_history()), tmp_path)
    for path in (*tmp_path.glob("*.html"), *tmp_path.glob("benchmarks/*.html")):
        tags = elements(path).tags
        policies = [a["content"] or "" for tag, a in tags if a.get("http-equiv") == "Content-Security-Policy"]
        assert len(policies) == 1
        assert policies[0].startswith("default-src 'none'; script-src 'self' file:;")
        assert all("src" in attributes for tag, attributes in tags if tag == "script")
        assert not [name for _, attributes in tags for name in attributes if name.startswith("on")]


def test_a_failed_run_shows_its_reason_in_full(tmp_path, make_history, make_report) -> None:
    history = make_history((1.0, math.nan), State.FAILED, reason="Traceback\nline 1\nValueError: no")
    assert history.points[1].outcome is Outcome.FAILED
    write_site(make_report(history), tmp_path)
    page = next(tmp_path.glob("benchmarks/*.html")).read_text("utf-8")
    assert "Traceback\nline 1\nValueError: no" in page


def test_an_empty_site_says_what_to_run_on_every_page(tmp_path, make_report) -> None:
    index = write_site(make_report(machines=()), tmp_path).read_text("utf-8")
    assert "asv run NEW" in index
    assert not (tmp_path / "static" / "vendor").exists()
    for view in VIEWS:
        assert 'class="command"' in (tmp_path / view).read_text("utf-8"), view
        assert "<script defer" not in (tmp_path / view).read_text("utf-8") or view == "changes.html"


def test_views_of_three_hundred_benchmarks_stay_small(tmp_path, make_history, make_report) -> None:
    values = [1e-3 * (1 + 0.01 * (place % 5) + 0.2 * (place >= 30)) for place in range(60)]
    changes = tuple(ChangeEvidence(Change(place, 1e-3, 1.2e-3, 0.001, True)) for place in (20, 30, 45))
    histories = [
        make_history(values, benchmark=f"suite_{number % 9}.Nightly.torchtime_step_{number}", changes=changes)
        for number in range(300)
    ]
    write_site(make_report(*histories), tmp_path)
    for view in VIEWS:
        assert (tmp_path / view).stat().st_size < 200_000, view
    assert (tmp_path / "data" / "grid.js").stat().st_size < 200_000


# loky's manager thread fails with a KeyError where it is closed before it took up the first task (joblib 1.6), after
# it has killed the workers.
@pytest.mark.filterwarnings("ignore:Exception in thread ExecutorManagerThread")
def test_an_interrupted_build_leaves_nothing(
    tmp_path, make_history, make_report, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other processes must not go on writing into a folder that is being removed."""

    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(build, "_static", interrupted)
    monkeypatch.setattr(build, "SERIES_S", 10.0)  # so that it is shared out
    with pytest.raises(KeyboardInterrupt):
        write_site(make_report(make_history()), tmp_path / "site")
    assert list((tmp_path / "site").iterdir()) == []


def test_several_processes_write_the_site_of_one(
    tmp_path, make_history, make_report, monkeypatch: pytest.MonkeyPatch
) -> None:
    histories = [make_history(benchmark=f"suite.time_{name}") for name in "abc"]
    alone = contents(write_site(make_report(*histories), tmp_path / "alone").parent)
    monkeypatch.setattr(build, "SERIES_S", 10.0)
    monkeypatch.setattr(build, "BATCH_RUNS", 1)
    assert contents(write_site(make_report(*histories), tmp_path / "together").parent) == alone


def test_only_what_differs_is_written_again(tmp_path, make_history, make_report) -> None:
    data = make_report(make_history(benchmark="suite.time_a"), make_history(benchmark="suite.time_b"))
    site = write_site(data, tmp_path / "site").parent
    first = contents(site)
    page, other = sorted(site.glob("benchmarks/*.html"))
    page.write_bytes(page.read_bytes() + b"!")
    other.unlink()
    untouched = {path: path.stat().st_mtime_ns for path in site.rglob("*") if path.is_file() and path != page}
    assert contents(write_site(data, site).parent) == first
    assert all(path.stat().st_mtime_ns == modified for path, modified in untouched.items())


def test_a_page_behind_a_link_is_put_in_its_place(tmp_path, make_history, make_report) -> None:
    data = make_report(make_history())
    site = write_site(data, tmp_path / "site").parent
    first = contents(site)
    (page,) = site.glob("benchmarks/*.html")
    page.rename(tmp_path / "elsewhere.html")
    page.symlink_to(tmp_path / "elsewhere.html")
    assert contents(write_site(data, site).parent) == first
    assert not page.is_symlink()
