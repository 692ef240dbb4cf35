"""The words of the code: docstrings that stand alone, names that name, class names used once, short sentences."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Folders whose words are held to the rules.
CLEAN_ROOMS = ("benchmarks", "docs", "tbp", "tools")
# All of them, but for decisions that another one supersedes: those stay as they were written.
CLEAN_DOCS = [
    str(path.relative_to(ROOT))
    for path in (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))
    if path.name != "CHANGELOG.md" and not path.read_text(encoding="utf-8").startswith("Superseded by")
]

# A docstring that begins with one of these has no subject, or needs the docstring above it.
NO_SUBJECT = re.compile(r"(What|Whether|Where|Those|See|Of|The same)\b")
NAMELESS = {"own", "one", "what", "found", "said", "told", "asked", "held", "kept", "others", "place"}
LONGEST_SENTENCE = 25  # words


def docstrings_without_subject(source: str) -> list[str]:
    """``line: first line`` of each docstring, of an attribute too, that begins with a word of NO_SUBJECT."""
    texts = [
        (node.lineno, node.value.value.strip())
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    ]
    return [f"{line}: {text.splitlines()[0]}" for line, text in texts if NO_SUBJECT.match(text)]


def nameless_names(source: str) -> list[str]:
    """``line: name`` of each variable, attribute or argument that is called one of NAMELESS."""
    names = [(node.lineno, name) for node in ast.walk(ast.parse(source)) for name in _bound(node)]
    return [f"{line}: {name}" for line, name in names if name in NAMELESS]


def _bound(node: ast.AST) -> Iterator[str]:
    """The names that this node itself binds; a function's name is an interface, and may be a verb."""
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()) | ast.arg(arg=name):
            yield name
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name
        case ast.Import() | ast.ImportFrom():
            yield from (alias.asname for alias in node.names if alias.asname)


def long_sentences(markdown: str) -> list[str]:
    """Each sentence of more than LONGEST_SENTENCE words; headings, tables and code are no sentences."""
    prose = re.sub(r"^```.*?^```$", "", markdown, flags=re.DOTALL | re.MULTILINE)
    lines = ["" if line.startswith(("    ", "#", "|")) else line for line in prose.splitlines()]
    blocks = re.split(r"\n\s*\n|\n(?=\s*(?:[-*]|\d+\.) )", "\n".join(lines))
    sentences = [" ".join(text.split()) for block in blocks for text in re.split(r"(?<=[.!?])[)*\"]*\s+", block)]
    return [sentence for sentence in sentences if len(re.findall(r"\S*\w\S*", sentence)) > LONGEST_SENTENCE]


def sources(*rooms: str) -> list[Path]:
    return [path for room in rooms for path in sorted((ROOT / room).rglob("*.py"))]


def test_a_docstring_has_a_subject_and_stands_alone():
    assert docstrings_without_subject('"""What it gives."""\ndef f():\n    """Whether."""\nA = 1\n"""Whatever."""') == [
        "1: What it gives.",
        "3: Whether.",
    ]


def test_names_are_nameless_wherever_they_are_bound():
    source = "def told(own, *, held=1):\n    what: int = 2\n    self.kept = [one for one in own]\n    print(place)"
    assert nameless_names(source) == ["1: own", "1: held", "2: what", "3: kept", "3: one"]


def test_sentences_are_counted_in_words():
    short, long = "word " * 24 + "end.", "word " * 25 + "end."
    assert long_sentences(f"# {long}\n\n{short} {long}\n\n- {short}\n- {short}\n\n    {long}\n") == [long]


@pytest.mark.parametrize("room", CLEAN_ROOMS)
def test_the_words_of_a_room_are_clean(room: str):
    paths = sources(room)
    assert paths, f"{room} has moved: CLEAN_ROOMS names the rooms as they are"
    offences = [
        f"{path.relative_to(ROOT)}:{offence}"
        for path in paths
        for check in (docstrings_without_subject, nameless_names)
        for offence in check(path.read_text(encoding="utf-8"))
    ]
    assert offences == []


@pytest.mark.parametrize("document", CLEAN_DOCS)
def test_the_sentences_of_a_document_are_short(document: str):
    assert long_sentences((ROOT / document).read_text(encoding="utf-8")) == []


def test_a_class_name_is_defined_once():
    defined = Counter(
        node.name
        for path in sources("tbp")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    )
    assert {name for name, count in defined.items() if count > 1} == set()


# The ruler and the code under test run without msgspec in the environments of the measured project, as does the gate's
# worker.
WITHOUT_MSGSPEC = (
    "tbp/bench", "tbp/blocks", "tbp/training", "tbp/compression", "tbp/defects", "tbp/selftest",
    "tbp/turns/worker.py",
)  # fmt: skip


def test_values_of_the_analysis_are_structs():
    names = [
        f"{path.relative_to(ROOT)}: {alias.name}"
        for path in sources("tbp")
        if not str(path.relative_to(ROOT)).startswith(WITHOUT_MSGSPEC)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module in ("dataclasses", "typing")
        for alias in node.names
        if node.module == "dataclasses" or alias.name == "NamedTuple"
    ]
    assert names == [], "frozen msgspec.Struct is the one value class of the analysis"
