"""The text of a first suite over one callable: of ten lines or so, to be read and edited.

Takes a ``Candidate``, gives ``FirstSuite``s, of which several may be worth a trial: nobody knows beforehand which
inputs a module takes. Every name in them is an identifier and every argument was parsed, so none can break out of its
line.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from tbp.errors import UsageError
from tbp.scaffold.candidates import Candidate
from tbp.scaffold.guesses import CONSTANTS, given_width

_WRITING = "https://asv.readthedocs.io/en/stable/writing_benchmarks.html"
# Inputs of a model, the commonest first: a sequence of vectors, one of tokens, vectors, images (the last of digits).
_INPUTS = (
    'case.randn(1, case["tokens"], {width})',
    'torch.arange(case["tokens"], device=case.device).unsqueeze(0)',
    'case.randn(case["tokens"], {width})',
    'case.randn(1, {width}, case["tokens"])',
    "case.randn(1, {channels}, 64, 64)",
    "case.randn(1, {channels}, 28, 28)",
)


class FirstSuite(Struct, frozen=True):
    """A suite to write, with the benchmark in it."""

    subject: str  # inflection.pluralize: what it times
    file: str  # pluralize.py
    text: str
    benchmark: str  # pluralize.time_pluralize, as asv names it
    is_for_torch: bool = False


def suites_of(candidate: Candidate, is_ruler_there: bool, has_gpu: bool = False) -> tuple[FirstSuite, ...]:
    """The suites to try for a callable: with tbp's ruler where ``is_ruler_there``, else plain ones of asv."""
    if candidate.arguments is None:
        return ()
    if is_ruler_there and candidate.is_module:
        made = [each.format(width=candidate.width, channels=candidate.channels) for each in _INPUTS]
        return tuple(_module_suite(candidate, each, has_gpu) for each in made)
    return tuple(_plain_suite(candidate, is_lazy) for is_lazy in (False, True))


def import_suite(package: str) -> FirstSuite:
    """The time that an import of the package takes: it always can be measured, and users wait for it."""
    text = f'''"""The time that `import {package}` takes, in a new interpreter."""
# How to write more: {_WRITING}


def timeraw_import():
    return "import {package}"
'''
    return FirstSuite(f"import {package}", "imports.py", text, "imports.timeraw_import")


def checked_arguments(text: str) -> str:
    """``text``, arguments of a call in Python. Raises UsageError for anything else."""
    try:
        tree = ast.parse(f"f({text})", mode="eval").body
        is_call = (
            isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and "\n" not in text and "\r" not in text
        )
        shown = ast.unparse(tree).removeprefix("f(").removesuffix(")")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        is_call, shown = False, ""
    if not is_call:
        raise UsageError(
            "--callable: the arguments are no Python of one line; write them as in a call: 'mod:name(1, \"x\")'"
        )
    return shown


def _plain_suite(candidate: Candidate, is_lazy: bool) -> FirstSuite:
    """``is_lazy`` where the call gives an iterator, which has to be gone through to do any work."""
    name, module, top = candidate.name, candidate.module, candidate.module.partition(".")[0]
    snake = _snake(name)
    call = f"{name}({candidate.arguments})"
    imports = "from collections import deque\n\n" if is_lazy else ""
    body = f"deque({call}, maxlen=0)  # an iterator works only when somebody takes its values" if is_lazy else call
    constants = "".join(f"{each} = {text}\n" for each, text in CONSTANTS.items() if re.search(rf"\b{each}\b", call))
    text = f'''"""{module}.{name}, timed by asv for every commit."""
# How to write more: {_WRITING}

{imports}try:
    from {module} import {name}
except ImportError as error:  # a commit from before it is skipped; one that lacks a dependency fails
    if (error.name or "").partition(".")[0] != "{top}":
        raise

    def setup():
        raise NotImplementedError("this commit has no {module}.{name}")


{constants and constants + chr(10) + chr(10)}def time_{snake}():
    {body}
'''
    return FirstSuite(candidate.dotted, f"{snake}.py", text, f"{snake}.time_{snake}")


def _module_suite(candidate: Candidate, made: str, has_gpu: bool) -> FirstSuite:
    name, module = candidate.name, candidate.module
    snake = _snake(name)
    family = module.partition(".")[0]
    inputs = ", ".join([made] * candidate.inputs)
    devices = '("cpu", "cuda")' if has_gpu else '("cpu",)  # add "cuda" on a machine with a GPU'
    text = f'''"""{module}.{name}: timed, counted, traced and checked by tbp, for every commit that asv runs it on."""

{"import torch" + chr(10) if "torch." in made else ""}from tbp import bench


@bench.workload("{family}", "{snake}", reference=bench.in_float64, twin="{snake}_twin")
def {snake}(case):
    make = bench.subject("{module}", "{name}")  # from the commit under test; skipped where it has none
    module = case.place(lambda: make({candidate.arguments}))
    return bench.inference(module, {inputs})


class {_class_name(name)}(bench.Suite):
    family = "{family}"
    variants = ("{snake}", "{snake}_twin")  # the twin is the same again: how far they differ is your noise
    shapes = {{"tokens": (128,)}}
    devices = {devices}
'''
    return FirstSuite(
        candidate.dotted, f"{snake}.py", text, f"{snake}.{_class_name(name)}.torchtime_step", is_for_torch=True
    )


def named_candidate(text: str, known: Iterable[Candidate]) -> Candidate:
    """The callable that ``--callable`` names, with the arguments given there, or else guessed ones.

    Raises:
        UsageError: it is none of the package, or has arguments that nobody can guess.
    """
    spelled, parenthesis, rest = text.partition("(")
    module, _, name = spelled.strip().rpartition(":") if ":" in spelled else spelled.strip().rpartition(".")
    listed = {each.spelled: each for each in known}
    candidate = listed.get(f"{module}:{name}") or next(
        (each for each in listed.values() if each.name == name and each.module.startswith(f"{module}.")), None
    )
    if candidate is None:
        near = [each.spelled for each in listed.values() if each.name == name or each.module == module][:5]
        hint = f"; there are {', '.join(near)}" if near else "; write it as package.module:name"
        raise UsageError(f"--callable: {spelled} is no public function or class of this package{hint}")
    if parenthesis:
        arguments = checked_arguments(rest.rstrip().removesuffix(")"))
        size = given_width(arguments) or candidate.width
        candidate = replace(candidate, arguments=arguments, width=size)
    if candidate.arguments is None:
        raise UsageError(
            f"--callable: {candidate.spelled} needs arguments that tbp cannot guess; give them: "
            f"--callable '{candidate.spelled}(…)'"
        )
    return candidate


def _snake(name: str) -> str:
    """``FeedForward`` → ``feed_forward``, ``MLP`` → ``mlp``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _class_name(name: str) -> str:
    return name if name[:1].isupper() else "".join(part.capitalize() for part in name.split("_"))
