"""Recordings → one HTML file of their flame graphs, for a trace of anywhere: ``tbp hotspots TRACE --flame FILE``.

Takes sources that were read, one cell or two sides of it each, gives text; writing is left to ``options``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from tbp import __version__
from tbp.asv.stored_traces import Source
from tbp.errors import UsageError
from tbp.hotspots.views import Facts, facts
from tbp.report.base.render import STATIC, flames_html, script_call
from tbp.report.parts.flame import Flame, FlameSection, FlamesPage, Place, difference_flame, flame
from tbp.traces.differences.difference import difference
from tbp.traces.differences.frame_difference import frame_difference, pruned_difference
from tbp.traces.frames.frames import DRAWN_SHARE, MOST_DRAWN, Frames, pruned
from tbp.traces.operators.operators import merged_frames
from tbp.wording import words

SCRIPTS = ("base/app.js", "base/address_state.js", "base/dom.js", "base/number_words.js", "charts/flame.js")
"""Scripts of the report that draw a flame graph, in the order in which they build on each other."""


def flame_file(shown: Sequence[tuple[Source, ...]]) -> str:
    """The page of one source, or of a baseline and a contender, each.

    Raises:
        UsageError: nothing is known of who called whom.
    """
    sections = tuple(_section(f"flame-{place}", sides) for place, sides in enumerate(shown))
    own = tuple((STATIC / name).read_text("utf-8") for name in SCRIPTS)
    data = tuple(script_call("tbp.flame", section.flame.payload) for section in sections)
    return flames_html(
        FlamesPage(
            title=sections[0].title if len(sections) == 1 else _names(shown[0]),
            sections=sections,
            scripts=(*own, *data),
            style=(STATIC / "base/style.css").read_text("utf-8"),
            version=__version__,
        )
    )


def _section(place: str, sides: tuple[Source, ...]) -> FlameSection:
    cell = sides[0].cell or sides[-1].cell
    told = tuple(sentence for source in sides for sentence in _said(facts(source)))
    return FlameSection(f"{cell}, {_names(sides)}" if cell else _names(sides), told, _flame(place, sides))


def _names(sides: Sequence[Source]) -> str:
    """Files without their folders, which the facts below tell."""
    return " → ".join(PurePath(source.name).name or source.name for source in sides)


def _flame(place: str, sides: tuple[Source, ...]) -> Flame:
    found = [_frames(source) for source in sides]
    if len(found) == 1:
        return flame(pruned(found[0], DRAWN_SHARE, MOST_DRAWN), Place(place))
    before, after = ([one.session for one in source.recordings] for source in sides)
    both = pruned_difference(frame_difference(*found), DRAWN_SHARE, MOST_DRAWN)
    return difference_flame(both, difference(before, after), Place(place))


def _frames(source: Source) -> Frames:
    found = merged_frames([one.session for one in source.recordings])
    if found is None:
        raise UsageError(f"of {source.name} only operator tables are left, without callers; record it again")
    if not len(found.rows):
        raise UsageError(f"{source.name} holds no operator in its steps, so there is nothing to draw")
    return found


def _said(side: Facts) -> tuple[str, ...]:
    traces = words.count(side.traces, "trace")
    torch = f"torch {side.torch}" if side.torch else "torch version not recorded"
    return (f"{side.name}: {'; '.join(filter(None, (traces, side.device, torch)))}", *side.losses)
