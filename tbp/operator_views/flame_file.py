"""Recordings → one HTML file of their flame graphs, for any trace: ``tbp hotspots TRACE --flame FILE``.

Takes sources that are read already, each one cell or two sides of it, gives text; writing is left to ``tbp.commands``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from tbp import __version__
from tbp.asv.stored_traces import Cells, TraceSource
from tbp.errors import UsageError
from tbp.operator_views.views import Facts, facts
from tbp.report.base.render import flames_html, script_call, script_text
from tbp.report.parts.flame import Flame, FlameAddress, FlameSection, difference_flame, flame
from tbp.traces.differences.difference import difference
from tbp.traces.differences.frame_difference import frame_difference, pruned_difference
from tbp.traces.differences.typical import typical_frames
from tbp.traces.frames.frames import DRAWN_SHARE, MOST_DRAWN, Frames, pruned
from tbp.traces.operators.one_run import one_a_run
from tbp.wording import words

SCRIPTS = ("base/app.js", "base/address_state.js", "base/dom.js", "base/number_words.js", "charts/flame.js")
"""Scripts of the report that draw a flame graph, in the order in which they build on each other."""


def flame_file(shown: Cells) -> str:
    """The page with a flame graph for each source, or for each baseline and contender.

    Raises:
        UsageError: a trace has no callers, or no operators.
    """
    sections = tuple(_section(f"flame-{number}", sides) for number, sides in enumerate(shown))
    data = (script_call("tbp.flame", section.flame.payload) for section in sections)
    title = sections[0].title if len(sections) == 1 else _names(shown[0])
    return flames_html([*map(script_text, SCRIPTS), *data], title=title, sections=sections, version=__version__)


def _section(name: str, sides: tuple[TraceSource, ...]) -> FlameSection:
    cell = sides[0].cell or sides[-1].cell
    sentences = tuple(sentence for source in sides for sentence in _sentences(facts(source)))
    return FlameSection(f"{cell}, {_names(sides)}" if cell else _names(sides), sentences, _flame(name, sides))


def _names(sides: Sequence[TraceSource]) -> str:
    """The names of the sides' files without their folders, which stand in the facts below."""
    return " → ".join(PurePath(source.name).name or source.name for source in sides)


def _flame(name: str, sides: tuple[TraceSource, ...]) -> Flame:
    frames = [_frames(source) for source in sides]
    if len(frames) == 1:
        return flame(pruned(frames[0], DRAWN_SHARE, MOST_DRAWN), FlameAddress(name))
    before, after = (source.sessions for source in sides)
    both = pruned_difference(frame_difference(*frames), DRAWN_SHARE, MOST_DRAWN)
    return difference_flame(both, difference(before, after), FlameAddress(name))


def _frames(source: TraceSource) -> Frames:
    frames = typical_frames(one_a_run(source.sessions))
    if frames is None:
        raise UsageError(f"{source.name} has only operator tables, without callers: record its traces again")
    if not len(frames.rows):
        raise UsageError(f"{source.name} has no operator in its steps, so there is nothing to draw: record it again")
    return frames


def _sentences(side: Facts) -> tuple[str, ...]:
    traces = words.count(side.traces, "trace")
    torch = f"torch {side.torch}" if side.torch else "torch version not recorded"
    return (f"{side.name}: {'; '.join(filter(None, (traces, side.device, torch)))}", *side.losses)
