"""The claims of a project: sentences that its benchmarks put numbers on, and defects that can be demonstrated.

    [[claim]]
    title = "Faster training"

    [[claim.practice]]
    title = "Fused AdamW"
    benchmarks = "train_step.*"      # asv's names, with * and ?; all of them unless it is given
    variant = "adamw_recommended"    # the value of a parameter, or asv's name of a benchmark
    against = "adamw_for_loop"       # the one that it is held against
    measure = "time"                 # or "peak_bytes" for track_peak_bytes, "error_rate", …
    at_least = 2.0                   # optional: how many times better; without it any difference that matters

    [[defect]]
    name = "mask-in-float16"         # of a demonstration in tbp.defects
    snippet = "scores.masked_fill(mask == 0, -1e9)"
    happens = "raises in float16"
    right = "a boolean mask"

Takes the file (benchmarks/claims.toml, or as ``[tool.tbp] claims`` says), gives a ``ClaimsFile``. What the benchmarks
say of it is decided in ``tbp.claims``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, TypeAlias, TypeVar

import msgspec
from msgspec import Meta, Struct, field

from tbp.errors import UsageError
from tbp.project.asv_config import AsvConfig
from tbp.project.policy import Policy
from tbp.project.toml_file import read_toml
from tbp.wording.words import value_text

NAME = "claims.toml"
MOST_TEXT = 2_000  # characters of a text: a snippet of thirty lines
MOST_PRACTICES = 500  # and defects: each is looked for among all series; a page of more is read by nobody
LARGEST = 1e9  # of a factor or a difference
TIME = "time"

Text: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MOST_TEXT, pattern=r"\S")]
Size: TypeAlias = Annotated[float, Meta(ge=0, le=LARGEST)]


class Practice(Struct, frozen=True, forbid_unknown_fields=True):
    """One way to do something, held against another by a measure."""

    title: Text
    variant: Text  # the value of a parameter, or asv's name of a benchmark
    against: Text  # as variant; all other parameters are equal
    parameter: str = ""  # that has the value; empty: the one called variant, in a suite without one any of them
    benchmarks: Text = "*"  # asv's names, a pattern with * and ?
    measure: Text = TIME  # or the name of a benchmark's method without its kind: peak_bytes for track_peak_bytes
    at_least: Size | None = None  # how many times better it has to be; without it any difference that matters
    within: Size | None = None  # instead: how much worse it may be, in the unit of the measure
    over: str = ""  # a parameter of repetitions, such as a seed: its cells are one, with an interval over them
    where: Mapping[str, str | int | float] = {}  # parameters that the cells must have
    why: str = ""
    is_claimed: bool = field(name="claimed", default=True)  # False: shown for comparison, and no part of the claim


class Claim(Struct, frozen=True, forbid_unknown_fields=True):
    """A sentence with the practices that it rests on."""

    title: Text
    text: str = ""
    practices: tuple[Practice, ...] = field(name="practice", default=())


class KnownDefect(Struct, frozen=True, forbid_unknown_fields=True):
    """A mistake of a naive snippet that a demonstration shows."""

    name: Text  # of the demonstration, and the value of the parameter ``defect`` of the benchmarks that record it
    snippet: Text
    happens: Text
    right: Text
    part: str = ""  # of the code: "mask"
    unit: str = ""  # of the numbers that the benchmarks record
    note: str = ""  # where it shows and where it does not


class ClaimsFile(Struct, frozen=True):
    """The content of a claims file."""

    path: Path
    claims: tuple[Claim, ...] = ()
    defects: tuple[KnownDefect, ...] = ()


# Of msgspec's messages, in this order.
WORDS_OF_TOML = (
    ("int [|] float [|] str", "text or number"), (" [|] null", ""), ("float", "number"), ("int", "number"),
    ("str", "text"), ("bool", "true or false"), ("array", "list"), ("object", "table"),
)  # fmt: skip

Entry = TypeVar("Entry", Claim, Practice, KnownDefect)
KEYS = {
    kind: tuple(each.encode_name for each in msgspec.structs.fields(kind)) for kind in (Claim, Practice, KnownDefect)
}


def claims_path(config: AsvConfig, policy: Policy) -> Path:
    """The claims file of a project, which need not exist."""
    return config.path.parent / (policy.claims or Path(config.benchmark_dir, NAME))


def read_claims(path: Path) -> ClaimsFile | None:
    """The claims in ``path``; None without such a file.

    Raises:
        UsageError: the file cannot be read, or an entry cannot be meant; the message names file and entry.
    """
    content = read_toml(path)
    if content is None:
        return None
    if unknown := sorted(set(content) - {"claim", "defect"}):
        raise UsageError(f"{path} knows only [[claim]] and [[defect]] tables, not {value_text(unknown[0])}")
    claims = tuple(_claim(where, table) for where, table in _tables(path, content, "claim"))
    defects = tuple(_entry(where, table, KnownDefect) for where, table in _tables(path, content, "defect"))
    number = sum(len(claim.practices) for claim in claims) + len(defects)
    if number > MOST_PRACTICES:
        raise UsageError(f"{path} has {number:,} practices and defects; keep it to {MOST_PRACTICES}")
    names = [defect.name for defect in defects]
    if twice := [name for name in names if names.count(name) > 1]:
        raise UsageError(f"{path} has two defects called {value_text(twice[0])}; give each a name of its own")
    return ClaimsFile(path, claims, defects)


def _tables(where: object, content: Mapping[str, object], key: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Each table of an array, and words for where it stands."""
    tables = content.get(key, [])
    name = "[[claim.practice]]" if key == "practice" else f"[[{key}]]"
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise UsageError(f"{where}: each {key} is a table that begins with {name}")
    if len(tables) > MOST_PRACTICES:
        raise UsageError(f"{where} has {len(tables):,} {name} tables; keep it to {MOST_PRACTICES}")
    for number, table in enumerate(tables, start=1):
        yield f"{where}, {name} number {number}", table


def _claim(where: str, table: Mapping[str, object]) -> Claim:
    claim = _entry(where, {key: value for key, value in table.items() if key != "practice"}, Claim)
    practices = tuple(_practice(at, entry) for at, entry in _tables(where, table, "practice"))
    return msgspec.structs.replace(claim, practices=practices)


def _practice(where: str, table: Mapping[str, object]) -> Practice:
    practice = _entry(where, table, Practice)
    limits = [limit for limit in (practice.at_least, practice.within) if limit is not None]
    if len(limits) > 1:
        raise UsageError(f"{where} has at_least and within: leave the one that is not meant")
    if any(math.isnan(limit) for limit in limits) or practice.at_least == 0:
        raise UsageError(f"{where}: at_least and within must be numbers, at_least above 0")
    return practice


def _entry(where: str, table: Mapping[str, object], kind: type[Entry]) -> Entry:
    if unknown := sorted(set(table) - set(KEYS[kind])):
        raise UsageError(f"{where} has no key {value_text(unknown[0])}; it knows {', '.join(KEYS[kind])}")
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        raise UsageError(f"{where}: {_reason(str(error))}") from None


def _reason(message: str) -> str:
    """msgspec's message in the words of TOML: ``at_least: expected number, got text``."""
    text, _, path = message.partition(" - at `$.")
    text = text.replace("Object missing required field", "it has no key").replace("`", "")
    for word, shown in WORDS_OF_TOML:
        text = re.sub(rf"\b{word}\b", shown, text)
    if r"\S" in text:
        text = "expected a text with letters in it"
    key = path.rstrip("`").removesuffix("[...]")
    return f"{key}: {text[:1].lower()}{text[1:]}" if path else text
