"""The help of the command line: an overview for whoever knows no verb, and examples that the real parser takes."""

import shlex
from importlib import import_module

import pytest

from tbp.cli import AIMS, EXAMPLES, GROUPS, VERBS, parse

from .command_line import Run


def exit_of(run: Run, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int | str | None, str, str]:
    with pytest.raises(SystemExit) as ended:
        run(*arguments)
    captured = capsys.readouterr()
    return ended.value.code, captured.out, captured.err


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_has_help_with_examples_that_are_taken(verb: str, run: Run, capsys: pytest.CaptureFixture[str]):
    module = import_module(f"tbp.commands.{VERBS[verb]}")
    assert 2 <= len(module.EXAMPLES) <= 4
    for aim, command in module.EXAMPLES:
        words = shlex.split(command.removeprefix('eval "$(').removesuffix(')"').partition(" > ")[0])
        assert words[: 1 + len(verb.split())] == ["tbp", *verb.split()], "it shows this verb"
        assert parse(words[1:]).verb is module.run
        assert aim[0] == aim[0].lower()
        assert not aim.endswith(".")
    code, out, _ = exit_of(run, capsys, *verb.split(), "--help")
    assert (code, [command for _, command in module.EXAMPLES if f"\n  {command}\n" not in out]) == (0, [])
    shown = " ".join(out.split())
    assert shown.startswith(f"usage: tbp {verb} ")
    assert module.HELP in shown


def test_bare_tbp_is_an_overview_and_no_verdict(run: Run):
    """Its exit code is not 0: a script whose verb came out empty has decided nothing."""
    code, out, err = run()
    assert (code, out) == (2, "")
    assert [command for _, command in EXAMPLES if f"\n  {command}\n" not in err] == []
    assert [verb for verb in VERBS if f"\n  {verb} " not in err] == []
    assert [aim for aim in AIMS if f"\n{aim}:\n" not in err] == []
    assert len(EXAMPLES) == 3
    assert all(parse(shlex.split(command)[1:]).verb for _, command in EXAMPLES)


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_without_its_verb_shows_its_verbs(group: str, run: Run):
    code, out, err = run(group)
    assert (code, out) == (2, "")
    assert f"usage: tbp {group} " in err


@pytest.mark.parametrize(
    ("asked", "answer"),
    [("gate", "usage: tbp gate "), ("trace prune", "usage: tbp trace prune "), ("", "usage: tbp VERB")],
)
def test_help_is_a_verb_too(asked: str, answer: str, run: Run, capsys: pytest.CaptureFixture[str]):
    code, out, _ = exit_of(run, capsys, "help", *asked.split())
    assert (code, out.startswith(answer)) == (0, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("reprot", "tbp: there is no verb reprot: did you mean `tbp report`?\n"),
        ("trace prun", "tbp: there is no verb trace prun: did you mean `tbp trace prune`?\n"),
        ("xyzzy HEAD", "tbp: there is no verb xyzzy: `tbp help` lists them\n"),
    ],
)
def test_a_mistyped_verb_is_answered_with_the_nearest(
    words: str, message: str, run: Run, capsys: pytest.CaptureFixture[str]
):
    assert exit_of(run, capsys, *words.split()) == (2, "", message)


def test_a_verb_of_somebody_s_making_acts_on_no_terminal(run: Run, capsys: pytest.CaptureFixture[str]):
    _, _, err = exit_of(run, capsys, "a\nb\x1b[31m")
    assert err.count("\n") == 1
    assert "\x1b" not in err


@pytest.mark.parametrize("columns", ["20", "200"])
def test_an_overview_fits_its_terminal(columns: str, run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", columns)
    _, _, err = run()
    assert ("\n  demo         make a sample repository, time and trace its commits for real, and report\n" in err) == (
        columns == "200"
    )
