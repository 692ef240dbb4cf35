"""A self-test as Markdown, to be pasted into an issue, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import asdict

from tbp.comparison.markdown import code
from tbp.doctor.device_test.results import CheckReading, CheckResult, CheckState, DeviceTest
from tbp.system.strict_json import strict_json
from tbp.wording import words

# 1: the first.
FORMAT = 1
MARKS = {CheckState.PASSED: "✔", CheckState.FAILED: "✖", CheckState.SKIPPED: "∅"}
# Of a traceback of torch, whose last lines tell most.
MOST_LINES = 30
MOST_LINE = 300


def to_json(test: DeviceTest) -> str:
    """The self-test as one JSON object, indented, its last line ended."""
    head = {"format": FORMAT, "sentence": test.sentence}
    return strict_json(head | asdict(test) | {"facts": dict(test.facts)}, indent=2) + "\n"


def markdown(test: DeviceTest) -> str:
    """The self-test as Markdown, failures first, its last line ended; nothing in it that was measured is markup."""
    order = list(CheckState)
    order.insert(0, order.pop(order.index(CheckState.FAILED)))
    results = sorted(test.results, key=lambda result: order.index(result.state))
    blocks = [
        f"### tbp selftest --device {test.device}: {test.sentence}",
        "\n".join(f"- {name}: {code(value)}" for name, value in (*test.facts, ("time", f"{test.seconds:.0f} s"))),
        "\n".join(line for result in results for line in _lines(result)),
        *(_traceback(result) for result in results if result.traceback),
    ]
    return "\n\n".join(blocks) + "\n"


def line(result: CheckResult) -> str:
    """A check in one line of a terminal."""
    reason = f": {words.one_line(result.reason)}" if result.reason else ""
    return f"{MARKS[result.state]} {result.name}{reason}"


def _lines(result: CheckResult) -> Iterator[str]:
    reason = f": {code(result.reason)}" if result.reason else ""
    yield f"- {MARKS[result.state]} **{result.name}** {result.state}{reason}"
    yield from (f"  - {_reading(reading)}" for reading in result.readings)


def _reading(reading: CheckReading) -> str:
    mark = "" if reading.is_right else f"{MARKS[CheckState.FAILED]} "
    expected = f", expected {code(reading.expected)}" if reading.expected else ""
    return f"{mark}{reading.name}: {code(reading.value)}{expected}"


def _traceback(result: CheckResult) -> str:
    """The end of a traceback as an indented block, which nothing in it can end."""
    lines = result.traceback.splitlines()[-MOST_LINES:]
    shown = "\n".join(f"    {words.cut(words.visible(text), MOST_LINE)}" for text in lines)
    return f"Traceback of **{result.name}**:\n\n{shown}"
