"""Every command and every block of README and docs: parsed by the real parser, and run where it can be."""

import ast
import io
import json
import re
import shutil
import tomllib
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import json5
import pytest
import yaml

import tbp
from tbp.__main__ import main
from tbp.cli import VERBS, parse
from tbp.errors import ExitCode
from tbp.project.acknowledgements import read_acks
from tbp.project.policy import read_policy

from .documents import PAGES, ROOT, Block, blocks, commands, inline_commands
from .project import small_project

BLOCKS = [block for page in PAGES for block in blocks(page)]
LANGUAGES = {"sh", "python", "toml", "json", "yaml", "text", "groovy", "ini", "sql"}
# Programs of others, and words of the shell, that a command may begin with.
PROGRAMS = {"asv", "cd", "dask", "do", "docker", "done", "echo", "eval", "for", "git", "kubectl", "nox", "npm", "pip",
            "pre-commit", "pytest", "python", "sendmail", "source", "sudo", "tensorboard"}  # fmt: skip
VERDICTS = {ExitCode.OK, ExitCode.REGRESSION}  # the small project has regressions, so a report of it ends with 3


def identify(block: Block) -> str:
    return block.name


def of(*languages: str) -> list[Block]:
    return [block for block in BLOCKS if block.language in languages]


def words_of(block: Block) -> list[list[str]]:
    return list(commands(block.text))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A folder with the small project, and what its placeholders stand for."""
    folder = tmp_path_factory.mktemp("documented") / "project"
    return folder, small_project(folder)


@pytest.fixture
def copied(project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The current folder is a copy of the project, without what the block before left there.

    What was read is kept between the blocks, as it is on a user's machine: all of them read the same traces.
    """
    folder, words = project
    shutil.copytree(folder, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder.parent / "cache"))
    monkeypatch.delenv("TBP_NO_CACHE")
    return words


def test_words_are_told_from_comments_targets_and_further_commands() -> None:
    text = """eval "$(tbp help)"
tbp report --all > out.txt  # not: this
tbp gate main HEAD^! && tbp \\
  compare 'a b' C | head
"""
    assert [" ".join(words) for words in commands(text)] == [
        "tbp help", "eval $(tbp help)", "tbp report --all", "tbp gate main HEAD^!", "tbp compare a b C", "head",
    ]  # fmt: skip


def test_a_block_knows_its_line_language_and_why_it_is_not_run() -> None:
    text = "# T\n\n<!-- not run: it waits -->\n```sh\ntbp demo\n```\n\n- x\n\n  ```json\n  {}\n  ```\n"
    first, second = blocks(ROOT / "README.md", text)
    assert (first.line, first.language, first.text, first.reason) == (4, "sh", "tbp demo\n", "it waits")
    assert (second.line, second.language, second.text, second.reason) == (10, "json", "{}\n", "")
    assert blocks(ROOT / "README.md", f"<!-- not run on this page: why -->\n{text}")[1].reason == "why"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_block_escapes(page: Path) -> None:
    """Each fence is one that ``blocks`` finds, in a language that something below tries."""
    assert page.read_text("utf-8").count("```") == 2 * len(blocks(page))
    assert [block.name for block in blocks(page) if block.language not in LANGUAGES] == []


@pytest.mark.parametrize("block", of("sh"), ids=identify)
def test_the_commands_of_a_block_exist(block: Block) -> None:
    for program, *arguments in words_of(block):
        if program == "tbp" or (program, arguments[:2]) == ("python", ["-m", "tbp"]):
            assert parsed(arguments[2:] if program == "python" else arguments), f"{block.name}: tbp {arguments}"
        elif program == "nox":
            sessions = re.findall(r"^@nox\.session.*\ndef (\w+)", (ROOT / "noxfile.py").read_text(), re.MULTILINE)
            assert arguments == [] or arguments[1] in sessions
        elif program == "python" and arguments[0].endswith(".py"):
            assert (ROOT / arguments[0]).exists()
        else:
            assert program in PROGRAMS or re.fullmatch(r"[A-Z_]+=\S*", program), f"{block.name}: {program}"


def parsed(arguments: list[str]) -> bool:
    """True where the parser takes ``arguments``, or shows what it is asked for."""
    with redirect_stderr(io.StringIO()), redirect_stdout(io.StringIO()):
        try:
            return bool(parse(arguments))
        except SystemExit as done:
            return done.code == 0


def test_the_parser_of_the_tests_refuses() -> None:
    assert parsed(["report", "--all"])
    assert parsed(["--version"])
    assert not parsed(["report", "--al-l"])
    assert not parsed(["reports"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_in_sentences_name_real_verbs_and_options(page: Path) -> None:
    from tbp.cli import parser

    wrong = []
    for command in inline_commands(page.read_text("utf-8")):
        words = command.split()[1:]
        verb = next((name for name in VERBS if words[: len(name.split())] == name.split()), None)
        group = {name.split()[0] for name in VERBS if " " in name}
        if verb is None:
            if words[0] not in group and words[0] not in ("--version", "--help", "help", "VERB"):
                wrong.append(command)
            continue
        out = io.StringIO()
        with redirect_stdout(out), pytest.raises(SystemExit):
            parser().parse_args([*verb.split(), "--help"])
        known = set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", out.getvalue()))
        wrong += [command for option in re.findall(r"(?<![\w-])--?[a-z][\w-]*", command) if option not in known]
    assert wrong == []


@pytest.mark.slow
@pytest.mark.timeout(60)
@pytest.mark.parametrize("block", [block for block in of("sh") if not block.reason], ids=identify)
def test_the_commands_of_a_block_run(block: Block, copied: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """In the small project; a regression of it is a verdict, and no failure of the command."""
    programs = {program for program, *_ in words_of(block)}
    assert "tbp" in programs, f"{block.name} has no command of tbp; say before it why it is not run"
    for program, *arguments in words_of(block):
        if program == "tbp":
            code = main([placed(word, copied) for word in arguments])
            printed = capsys.readouterr()
            assert code in VERDICTS, f"{block.name}: tbp {arguments} ended with {code}: {printed.err}"


def placed(word: str, words: dict[str, str]) -> str:
    return words.get(word, word)


@pytest.mark.parametrize("block", of("python"), ids=identify)
def test_an_example_in_python_compiles(block: Block) -> None:
    assert ast.parse(block.text)


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", sorted({block.page for block in of("python") if not block.reason}), ids=lambda page: page.stem
)
def test_the_examples_of_a_page_run(page: Path, copied: dict[str, str]) -> None:
    names: dict[str, object] = {"tbp": tbp}
    for block in blocks(page):
        if block.language == "python" and not block.reason:
            exec(compile(block.text, block.name, "exec"), names)


@pytest.mark.parametrize("block", of("toml", "json", "yaml"), ids=identify)
def test_an_example_of_a_file_is_one(block: Block, tmp_path: Path) -> None:
    if block.language == "json":
        assert json.loads(block.text) if not block.text.lstrip().startswith("//") else json5.loads(block.text)
    elif block.language == "yaml":
        assert yaml.safe_load(block.text)
    elif "[[ack]]" in block.text:
        (tmp_path / "acks.toml").write_text(block.text)
        assert read_acks(tmp_path / "acks.toml")
    else:
        (tmp_path / "pyproject.toml").write_text(block.text)
        read_policy(tmp_path / "pyproject.toml")
        assert tomllib.loads(block.text) or block.text.startswith("#:schema ")
