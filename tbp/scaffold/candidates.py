"""The callables of a package that a first benchmark may time, with arguments for them, the likeliest first.

Takes the sources, which are parsed and never imported; gives ``Candidate``s. Only those come up by themselves whose
text names nothing that acts on files, processes or the network, as nobody has looked at them yet.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from warnings import catch_warnings

from msgspec import Struct

from tbp.project.directions import set_of
from tbp.scaffold.guesses import CHANNELS, WIDTH, guessed_arguments, likely_features

MOST_NODES = 4_000  # of a callable's syntax; a longer one is more than a first benchmark should time
_ACTING_NAMES = set_of(
    "open input print exec eval compile exit quit breakpoint os sys subprocess shutil socket requests urllib http "
    "pathlib Path tempfile signal threading multiprocessing asyncio ctypes logging warnings sqlite3 pickle time "
    "importlib"
)
_ACTING_WORDS = set_of(
    "main run delete remove clean clear drop write save dump send post put upload download fetch deploy install "
    "uninstall train kill stop start serve open close connect login register setup teardown cli patch reset test"
)
_BASES = ("Module", "LightningModule", "PreTrainedModel")  # of torch.nn, by their last name
# asv takes a function for a benchmark by such a name, also where a suite has only imported it.
_ASV_NAME = ("time", "timeraw", "mem", "peakmem", "track", "torchtime")


class Candidate(Struct, frozen=True):
    """A callable with the arguments that it is to be called with."""

    module: str
    name: str
    arguments: str | None = ""  # as source text; None where nothing is guessed
    inputs: int = 0  # of an nn.Module: how many ``forward`` requires; 0 for any other callable
    width: int = WIDTH  # of an nn.Module: features of a likely input
    channels: int = CHANNELS  # of an nn.Module: those of a likely image
    is_safe: bool = True  # nothing in its text acts on anything but values
    score: tuple[int, ...] = ()  # the higher, the likelier

    @property
    def dotted(self) -> str:
        """``inflection.pluralize``."""
        return f"{self.module}.{self.name}"

    @property
    def spelled(self) -> str:
        """The text that ``--callable`` takes: ``inflection:pluralize``."""
        return f"{self.module}:{self.name}"

    @property
    def is_module(self) -> bool:
        """True for a class of nn.Module."""
        return self.inputs > 0


def candidates(sources: Iterable[tuple[str, bytes]]) -> tuple[Candidate, ...]:
    """Every public callable of the modules, the likeliest first; a module that cannot be parsed has none."""
    trees = {name: tree for name, text in sources if (tree := _parsed(text)) is not None}
    exported = _exported(trees)
    modules = _nn_modules(trees)
    listed = [
        candidate
        for module, tree in trees.items()
        for node in tree.body
        if (candidate := _candidate(module, node, exported, modules)) is not None
    ]
    return tuple(sorted(listed, key=lambda candidate: candidate.score, reverse=True))


def _parsed(text: bytes) -> ast.Module | None:
    try:
        with catch_warnings(action="ignore"):  # of strange literals in somebody's code
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _exported(trees: Mapping[str, ast.Module]) -> frozenset[str]:
    """Names that any ``__all__``, or the package itself, offers."""
    names: set[str] = set()
    for position, tree in enumerate(trees.values()):
        for node in tree.body:
            if isinstance(node, ast.Assign) and any(getattr(each, "id", "") == "__all__" for each in node.targets):
                names |= {
                    each.value
                    for each in ast.walk(node.value)
                    if isinstance(each, ast.Constant) and isinstance(each.value, str)
                }
            elif isinstance(node, ast.ImportFrom) and position == 0:
                names |= {alias.asname or alias.name for alias in node.names}
    return frozenset(names)


def _nn_modules(trees: Mapping[str, ast.Module]) -> Mapping[str, ast.ClassDef]:
    """Classes of nn.Module by name, also those that inherit it from another class of the package."""
    classes = {node.name: node for tree in trees.values() for node in tree.body if isinstance(node, ast.ClassDef)}
    known: dict[str, ast.ClassDef] = {}
    while True:
        more = {
            name: node for name, node in classes.items() if name not in known and {*_BASES, *known} & set(_bases(node))
        }
        if not more:
            return known
        known |= more


def _bases(node: ast.ClassDef) -> list[str]:
    return [getattr(base, "attr", getattr(base, "id", "")) for base in node.bases]


def _candidate(
    module: str, node: ast.stmt, exported: frozenset[str], modules: Mapping[str, ast.ClassDef]
) -> Candidate | None:
    if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_") or _is_for_asv(node.name):
        return None
    nodes = list(ast.walk(node))
    if len(nodes) > MOST_NODES:
        return None
    names = {each.id for each in nodes if isinstance(each, ast.Name)}
    is_exported = int(node.name in exported)
    if isinstance(node, ast.ClassDef) and node.name in modules:
        return _of_module(module, node, modules, names, is_exported)
    call = node if isinstance(node, ast.FunctionDef) else _method(node, "__init__", {})
    if call is None or _is_context_manager(node) or (isinstance(node, ast.ClassDef) and _is_error(node)):
        return None
    is_function = isinstance(node, ast.FunctionDef)
    arguments = guessed_arguments(call, is_method=not is_function, is_torch=False)
    is_safe = not (names & _ACTING_NAMES or set(node.name.lower().split("_")) & _ACTING_WORDS or _may_not_end(node))
    works = int(any(isinstance(each, ast.For | ast.While | ast.comprehension) for each in nodes))
    score = (int(arguments is not None and is_safe), works, is_exported, int(is_function), min(len(nodes), 300))
    return Candidate(module, node.name, arguments, is_safe=is_safe, score=score)


def _of_module(
    module: str, node: ast.ClassDef, modules: Mapping[str, ast.ClassDef], names: set[str], is_exported: int
) -> Candidate:
    """The candidate of a class of nn.Module: the more other modules it is made of, the likelier it is the whole."""
    inputs = max(1, _required(_method(node, "forward", modules)))
    init = _method(node, "__init__", modules)
    arguments = guessed_arguments(init, is_method=True, is_torch=True)
    width, channels = likely_features(init)
    parts = len(names & modules.keys() - {node.name, *_bases(node)})
    score = (int(arguments is not None), 1, parts, is_exported)
    return Candidate(module, node.name, arguments, inputs, width, channels, score=score)


def _is_context_manager(node: ast.FunctionDef | ast.ClassDef) -> bool:
    """True of a decorated generator: a call of it does nothing by itself, and neither do its values."""
    return bool(node.decorator_list) and any(isinstance(each, ast.Yield | ast.YieldFrom) for each in _at_top(node))


def _may_not_end(node: ast.FunctionDef | ast.ClassDef) -> bool:
    """True of a generator with an endless loop, as ``count`` is."""
    nodes = list(_at_top(node))
    loops = [each for each in nodes if isinstance(each, ast.While) and isinstance(each.test, ast.Constant)]
    return bool(loops) and any(isinstance(each, ast.Yield) for each in nodes)


def _is_error(node: ast.ClassDef) -> bool:
    return any(base.endswith(("Error", "Exception", "Warning", "Enum")) for base in _bases(node))


def _is_for_asv(name: str) -> bool:
    return name.lower().startswith(tuple(f"{prefix}_" for prefix in _ASV_NAME)) or any(
        name.lower().startswith(prefix) and name[len(prefix) : len(prefix) + 1].isupper() for prefix in _ASV_NAME
    )


def _at_top(node: ast.stmt) -> Iterator[ast.AST]:
    """The nodes of a function without those of functions inside it."""
    pending: list[ast.AST] = list(ast.iter_child_nodes(node))
    while pending:
        each = pending.pop()
        yield each
        if not isinstance(each, ast.FunctionDef | ast.Lambda | ast.ClassDef | ast.AsyncFunctionDef):
            pending += ast.iter_child_nodes(each)


def _method(node: ast.ClassDef, name: str, modules: Mapping[str, ast.ClassDef]) -> ast.FunctionDef | None:
    """The method of a class, or of the nearest class of the package that it inherits it from."""
    pending, seen = [node], set[str]()
    while pending:
        owner = pending.pop(0)
        if owner.name in seen:  # bases may go in circles: nothing of this was ever run
            continue
        seen.add(owner.name)
        for each in owner.body:
            if isinstance(each, ast.FunctionDef) and each.name == name:
                return each
        pending[:0] = [modules[base] for base in _bases(owner) if base in modules]
    return None


def _required(method: ast.FunctionDef | None) -> int:
    """How many arguments beside ``self`` have no default."""
    if method is None:
        return 0
    positional = [*method.args.posonlyargs, *method.args.args]
    return len(positional) - 1 - len(method.args.defaults)
