"""Scripts as readers load them: smaller, and the same to the last space of a sentence."""

import pytest

from tbp.report.base.render import STATIC, minified, script_text, static_text

SCRIPTS = sorted(
    name
    for name in (path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*.js"))
    if not name.startswith("vendor/")
)


@pytest.mark.parametrize(
    ("script", "small"),
    [
        ("// why\nconst a  =  1;\n\n  // more\n  f( a );", "const a=1;f(a);"),
        ("x = `${n} runs`;", "x = `${n} runs`;"),
        # The text of the inner template is between two backticks of the outer one.
        (
            '  say(`${a}${b ? `, ${c} against ${d}, // ${e}` : ""}`);\n  go( 1 );',
            'say(`${a}${b ? `, ${c} against ${d}, // ${e}` : ""}`);\ngo(1);',
        ),
        ('const url = "https://e.org";\nreturn /[ /]/.test(x)', 'const url="https://e.org";return/[ /]/.test(x)'),
    ],
)
def test_a_script_loses_comments_and_spaces_and_no_text(script, small) -> None:
    assert minified(script) == small


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_template_of_a_script_is_as_it_was_written(name) -> None:
    templates = [line.strip() for line in static_text(name).splitlines() if "`" in line]
    templates = [line for line in templates if not line.startswith("//")]
    assert [line for line in templates if line.count("`") % 2] == []  # none goes on in the next line
    assert set(templates) <= set(script_text(name).splitlines())
