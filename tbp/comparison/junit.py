"""A comparison as JUnit XML, which CI systems show as a list of tests.

Takes a comparison, gives text. One suite; a test case for each benchmark and combination of parameters, named by its
method in a class named by its module. A regression is a failure, a failed benchmark an error, a skipped or undecided
one skipped with the reason; what improved or did not change passes. ``time`` is the contender's seconds per call, of
the suite the seconds that measuring took. Characters that XML cannot hold are replaced.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from xml.etree import ElementTree

from tbp.model.changes import State
from tbp.model.comparison import Comparison, Judgement
from tbp.model.series import series_name
from tbp.wording import phrases, words
from tbp.wording.phrases import sentence, tally

_ELEMENTS = {
    State.REGRESSION: "failure",
    State.FAILED: "error",
    State.SKIPPED: "skipped",
    State.UNDECIDED: "skipped",
}


def junit(comparison: Comparison) -> str:
    """The comparison as an XML document, to be encoded as UTF-8."""
    counts = tally(comparison)
    totals = {
        "name": words.xml_text(words.one_line(f"tbp {comparison.project}")),
        "tests": str(len(comparison.judgements)),
        "failures": str(counts[State.REGRESSION]),
        "errors": str(counts[State.FAILED]),
        "skipped": str(counts[State.SKIPPED] + counts[State.UNDECIDED]),
        **_time(comparison.seconds),
    }
    root = ElementTree.Element("testsuites", totals)
    suite = ElementTree.SubElement(root, "testsuite", totals)
    for judgement in comparison.judgements:
        suite.append(_case(judgement, comparison.method))
    output = ElementTree.SubElement(suite, "system-out")
    output.text = _lines([sentence(comparison), phrases.context(comparison), *comparison.notes])
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _case(judgement: Judgement, method: str) -> ElementTree.Element:
    module, _, function = judgement.benchmark.rpartition(".")
    name = series_name(function, judgement.parameters)
    names = {"classname": words.xml_text(words.one_line(module)), "name": words.xml_text(words.one_line(name))}
    case = ElementTree.Element("testcase", names | _time(judgement.after if judgement.unit == "seconds" else math.nan))
    effect = phrases.effect(judgement)
    if judgement.state in _ELEMENTS:
        message = effect if judgement.state is State.REGRESSION else judgement.reason or judgement.state.value
        outcome = ElementTree.SubElement(
            case, _ELEMENTS[judgement.state], message=words.xml_text(words.one_line(message))
        )
        outcome.text = _lines(_details(judgement, method))
    return case


def _details(judgement: Judgement, method: str) -> list[str]:
    """Levels, effect and evidence on a line, then the sentences."""
    numbers = [phrases.before_after(judgement), phrases.effect(judgement), phrases.evidence(judgement, method)]
    return list(filter(None, [", ".join(filter(None, numbers)), judgement.reason, *judgement.operators]))


def _lines(texts: Iterable[str]) -> str:
    """Each text on a line of its own, whatever names it holds."""
    return words.xml_text("\n".join(map(words.one_line, texts)))


def _time(seconds: float) -> dict[str, str]:
    # Without an exponent, which some readers of JUnit do not know.
    return {"time": f"{seconds:.9f}"} if math.isfinite(seconds) else {}
