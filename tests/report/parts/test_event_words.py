"""Events in words: literal sightings, literal sentences."""

import pytest
from msgspec.structs import replace

from tbp.history.events import Touching
from tbp.history.sightings import Sightings
from tbp.model.changes import Change, ChangeEvidence
from tbp.report.parts import event_words


@pytest.mark.parametrize(
    ("sightings", "said"),
    [
        (Sightings(("a",)), ""),
        (Sightings(), ""),
        (Sightings(("a", "b")), "on both machines that measured it"),
        (Sightings(("a", "b", "c")), "on all 3 machines that measured it"),
        (Sightings(("a", "b"), still=("c",)), "on 2 of 3 machines that measured it"),
        (Sightings(("a", "b"), still=("c", "d"), firm=("d",)), "on 2 of 4 machines that measured it, not on d"),
        (Sightings(("a",), suspect=("b",)), "on 1 of 2 machines that measured it, suspect on 1 more"),
        (Sightings(("a",), still=("b", "c")), "only on machine a; on b, c noise would hide a change of this size"),
        (
            Sightings(("a",), still=("b", "c"), firm=("c",)),
            "only on machine a, not on c: did the machine change, rather than the code?",
        ),
        (
            Sightings(("a",), still=tuple("bcdef"), firm=tuple("bcdef")),
            "only on machine a, not on b, c, d and 2 more: did the machine change, rather than the code?",
        ),
    ],
)
def test_who_saw_it(sightings: Sightings, said: str) -> None:
    assert event_words.seen_by(sightings, {}) == said


def test_machines_are_called_by_their_faces() -> None:
    faces = {"a": "Xeon", "c": "EPYC"}
    said = event_words.seen_by(Sightings(("a",), still=("b", "c"), firm=("b", "c")), faces)
    assert said == "only on machine Xeon, not on b, EPYC: did the machine change, rather than the code?"


def test_sizes_are_told_from_the_smallest_to_the_largest(make_history, make_report) -> None:
    def moved(name: str, before: float, after: float):
        change = ChangeEvidence(Change(3, before, after, 0.001, True))
        return make_history((1.0,) * 5, changes=(change,), benchmark=name)

    (event,) = make_report(moved("a", 1.0, 1.5), moved("b", 1.0, 0.8), moved("c", 1.0, 1.2)).events
    assert event_words.sizes(event.changes) == "−20 % to +50 %"
    assert event_words.extent(event.changes) == "3 series of 3 benchmarks"
    assert event_words.sizes(event.changes[:1]) == "+50 %"
    assert event_words.extent(event.changes[:1]) == "1 series"
    (event,) = make_report(moved("a", 1.0, 1.5), moved("b", 0.0, 0.8)).events
    assert event_words.sizes(event.changes) == ""


def test_the_commits_that_touch_the_benchmark_are_named_or_counted(make_history, make_report) -> None:
    nan = float("nan")
    change = ChangeEvidence(Change(5, 1.0, 1.5, 0.001, True))
    (event,) = make_report(make_history((1.0, nan, nan, nan, nan, 1.5), changes=(change,))).events
    touching = tuple(Touching(f"{place}c0ffee-rest", ("uv.lock",)) for place in range(4))
    assert event_words.touching(event) == ""
    assert event_words.touching(replace(event, touching=touching)) == (
        "of 5 commits, 4 change the benchmark itself or its requirements: "
        "0c0ffee- (uv.lock), 1c0ffee- (uv.lock), 2c0ffee- (uv.lock) and 1 more"
    )
    (event,) = make_report(make_history()).events
    files = ("a.lock", "b.lock", "c.lock", "d.lock")
    assert event_words.touching(replace(event, touching=(Touching("x", files),))) == (
        "this commit changes the benchmark itself or its requirements: a.lock, b.lock, c.lock and 1 more"
    )
