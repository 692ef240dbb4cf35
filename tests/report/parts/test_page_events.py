"""Events on the pages of benchmarks: which changes are whose, and how often the words of an event are made."""

from collections import Counter

import pytest

from tbp.model.changes import Change, ChangeEvidence
from tbp.report.parts import event_words
from tbp.report.parts.page_events import page_events


def test_each_page_has_its_own_changes_and_the_words_are_made_once(
    make_history, make_report, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: Counter[str] = Counter()
    for name in ("narrowed", "extent", "seen_by", "touching"):
        made = getattr(event_words, name)

        def counted(*arguments, made=made, name=name):
            calls[name] += 1
            return made(*arguments)

        monkeypatch.setattr(event_words, name, counted)
    change = ChangeEvidence(Change(3, 1.0, 1.5, 0.001, True))
    histories = [make_history((1.0,) * 5, changes=(change,), benchmark=name) for name in "abc"]
    by_benchmark = page_events(make_report(*histories).events, {})
    assert sorted(by_benchmark) == ["a", "b", "c"]
    for benchmark, (event,) in by_benchmark.items():
        assert event.moved == "3 series of 3 benchmarks moved"
        assert event.is_wider
        assert [(moved.series.benchmark, moved.index) for moved in event.changes] == [(benchmark, 3)]
        assert event.suspects == ()
    assert calls == {"narrowed": 1, "extent": 1, "seen_by": 1, "touching": 1}  # one event, whose pages are three
