"""Names as a recorder writes them → names that compare between runs.

Takes the names of one trace, gives the comparable one of each. RULES is the one table of what differs from run to run
without being different: addresses, hashes, counters, paths, spellings. A project adds its own in pyproject.toml
(``tbp.project.policy``). docs/reference/operator-names.md describes them.

Names that a rule with NUMBER makes alike stay apart within a trace: two kernels of one kind, two graphs, two functions
of one name are two things. They are numbered by their own counter, or where that is a hash by their first calls.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
from msgspec import Struct

from tbp.system.arrays import Indices
from tbp.traces.reading.trace import UNNAMED, Codes

STEP = "ProfilerStep#*"  # every "ProfilerStep#12" of a trace

NUMBER = "{n}"  # in a replacement: "#1", "#2", … of the different things in one trace
_HERE = "\0"  # stands for NUMBER until all names are known

_SEARCHED = 4_096  # characters; templates have up to about 2,000, and nothing behind these tells two names apart


class NameRule(Struct, frozen=True):
    """A part of names that differs between runs, and the text that stands for it."""

    pattern: re.Pattern[str]
    replacement: str  # of re.sub, with NUMBER
    hint: str = ""  # a text that every name with the pattern has
    longest: int = _SEARCHED  # longer names are left as they are


def _rule(pattern: str, replacement: str, hint: str = "") -> NameRule:
    return NameRule(re.compile(pattern), replacement, hint)


_BASE32 = r"c[a-z2-7]{40,60}"  # Inductor's code hash; a file of it lies in a folder of two characters

# Applied in this order. Each line: what a recorder wrote → what compares.
RULES: tuple[NameRule, ...] = (
    # ProfilerStep#12 → ProfilerStep#*
    _rule(r"^ProfilerStep#\d+$", STEP, "ProfilerStep#"),
    # <function f at 0x7f10> → <function f>; an object of every call, so all are one. Not k<0x10>, which is a size.
    _rule(r"\s?\bat\s0x[0-9a-fA-F]+\b|[\s@]0x[0-9a-fA-F]+\b|\b0x[0-9a-fA-F]{8,}\b", "", "0x"),
    # nccl:all_reduce_12, gloo:all_reduce seq 12 → nccl:all_reduce, one of every call. Not nccl:send 0->1: its ranks
    _rule(r"^((?:[a-z]*ccl|gloo|mpi|ucc):[a-z_][a-z0-9_]*?[a-z])[ _#:/=]+(?:seq[a-z_]*[ _#:=]*)?\d+$", r"\1", ":"),
    # ## Call CompiledFxGraph fwx3… ## → ## Call CompiledFxGraph #1 ##
    _rule(r"\bCompiledFxGraph \w+", "CompiledFxGraph " + NUMBER, "CompiledFxGraph "),
    # Torch-Compiled Region: 0/0 → Torch-Compiled Region: #1
    _rule(r"\bTorch-Compiled Region: (?P<n>\d+/\d+(?:_\d+)?)$", "Torch-Compiled Region: " + NUMBER, "Region: "),
    # cuda graph 12 replay → cuda graph #1 replay
    _rule(r"(?i)\b((?:cuda|hip)[ _]?graph(?:[ _](?:exec|replay|launch|node|id|tree|partition))*)[ _:#=]+(?P<n>\d+)\b",
          r"\1 " + NUMBER, "raph"),
    # graph_0_cpp_fused_add_1 → graph_#1_cpp_fused_add_#1
    _rule(r"^graph_(?P<n>\d+)_(?=cpp_|triton_)", "graph_" + NUMBER + "_", "graph_"),
    # triton_poi_fused_add_0, …_0_0d1d2de, …_3d4d5d → triton_poi_fused_add_#1: Inductor's count in the graph, with what
    # Triton specialised it for
    _rule(r"^((?:graph_[^_]+_)?(?:triton|cpp_fused|cpp_[a-z]+_fused|halide|pallas)_\w*?)"
          r"_(?P<n>\d+(?:_(?:\d+[dce]+)+)?|(?:\d+[dce]+)+|(?=[a-f]*\d)[0-9a-f]{6,64})$", r"\1_" + NUMBER, "_"),
    # /tmp/torchinductor_user/xy/cxyz.py(12): call → torchinductor(#1): call
    _rule(r"^(?:\S*/)?(?P<n>torchinductor_[^/]+/\S*\.py\(\d+\)|[a-z0-9]{2}/" + _BASE32 + r"\.py\(\d+\))",
          "torchinductor(" + NUMBER + ")", ".py("),
    # /home/a/venv/lib/python3.11/site-packages/torch/_ops.py → torch/_ops.py; env/0123…/project/m.py (asv's) → m.py
    _rule(r"^.*[/\\](?:site|dist)-packages[/\\]|^.*/lib/python3\.\d+/|^.*/env/[0-9a-f]{32}/(?:project/)?", "", ".py("),
    # model.py(7): forward → model.py(#1): forward; a line moves with every edit above it
    _rule(r"^(\S.*?)\((?P<n>\d+)\): (?=\S)", r"\1(" + NUMBER + "): ", "): "),
    # C++ of other compilers and versions: (anonymous namespace), 3ul, (int)4, `> >`, at::detail::Array (torch < 2.6)
    _rule(r"<unnamed>|\{anonymous\}|\(anonymous class\)", "(anonymous namespace)", "::"),
    _rule(r"\bat::detail::Array<", "std::array<", "at::detail::Array<"),
    _rule(r"\((?:unsigned )?(?:int|short|char|long|long long|unsigned)\)(?=-?\d)", "", ")"),
    _rule(r"(?<=[<, ])(-?\d+)(?:[uU]?[lL]{1,2}|[uU])(?=[,> ])", r"\1", "<"),
    _rule(r" (?=[>*&])", "", "<"),
    # the clone of a kernel on AMD
    _rule(r"(?: \[clone \.kd\]|\.kd)$", "", ".kd"),
)  # fmt: skip


class Names(Struct, frozen=True, eq=False):
    """The names of a trace that compare between runs."""

    texts: tuple[str, ...]  # distinct
    code_of: Codes  # of each name of the trace: into ``texts``
    recorded: tuple[str, ...]  # of each text: as it is in the file; "" where that is the same, or several


def comparable_names(names: Sequence[str], first_ns: Callable[[], Indices], rules: Sequence[NameRule] = ()) -> Names:
    """The comparable names of one trace; ``first_ns`` gives the start of the first event of each name.

    ``rules`` come before RULES. The function is asked only where hashes have to be put in order.
    """
    families: dict[str, dict[tuple[str, ...], list[int]]] = {}
    for code, name in enumerate(names):
        family, parts = _family(name, (*rules, *RULES))
        families.setdefault(family, {}).setdefault(parts, []).append(code)
    texts: dict[str, int] = {}
    recorded: list[str] = []
    code_of = np.zeros(len(names), dtype=np.int32)
    for family, members in families.items():
        for number, parts in enumerate(_in_order(members, first_ns), 1):
            text = family.replace(_HERE, f"#{number}") or UNNAMED
            while text in texts:  # a name in the file looks like a numbered one
                text += "'"
            codes = members[parts]
            code_of[codes] = texts[text] = len(texts)
            recorded.append(names[codes[0]] if len(codes) == 1 and names[codes[0]] != text else "")
    return Names(tuple(texts), code_of, tuple(recorded))


def _family(name: str, rules: Sequence[NameRule]) -> tuple[str, tuple[str, ...]]:
    """The name with _HERE for what is numbered, and those parts of it."""
    parts: list[str] = []
    text = name.replace(_HERE, " ")
    for rule in rules:
        if rule.hint in text and len(text) <= rule.longest:
            if NUMBER in rule.replacement:
                parts += [_part(match) for match in rule.pattern.finditer(text)]
            text = rule.pattern.sub(rule.replacement.replace(NUMBER, _HERE), text)
    return text, tuple(parts)


def _part(match: re.Match[str]) -> str:
    return match["n"] if "n" in match.re.groupindex else match[0]


def _in_order(members: dict[tuple[str, ...], list[int]], first_ns: Callable[[], Indices]) -> list[tuple[str, ...]]:
    """The things of one family: by their counters where all have some, else in order of time."""
    if len(members) == 1:
        return list(members)
    if all(re.fullmatch(r"\d+(?:[/_]\d+)*", part) for parts in members for part in parts):
        return sorted(members, key=lambda parts: [int(digits) for part in parts for digits in re.findall(r"\d+", part)])
    starts = first_ns()
    return sorted(members, key=lambda parts: (min(int(starts[code]) for code in members[parts]), parts))
