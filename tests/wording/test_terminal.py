"""Text on a terminal: columns, names that are too long, hostile text, wide characters."""

import pytest
from rich.cells import cell_len
from rich.text import Text

from tbp.wording.terminal import Name, Paragraph, TextRows, terminal_text


def lines(*parts: object, width: int = 60) -> list[str]:
    return terminal_text(parts, width=width).splitlines()  # type: ignore[arg-type]


def test_numbers_stand_in_columns_behind_their_names() -> None:
    rows = TextRows()
    rows.add("operator", "self time", "share")
    rows.add("aten::mm", "1.20 ms", "33 %")
    rows.below(Paragraph("64×64", "    "))
    rows.add("aten::add", "7 µs", "")
    assert lines(rows) == [
        "operator   self time  share",
        "aten::mm     1.20 ms   33 %",
        "    64×64",
        "aten::add       7 µs",
    ]


def test_a_name_gives_way_to_the_numbers_and_loses_its_middle() -> None:
    rows = TextRows()
    rows.add("a" * 60 + "end", "1.20 ms")
    (line,) = lines(rows)
    assert len(line) == 60
    assert line.endswith("end  1.20 ms")
    assert "a…a" in line


def test_split_rows_have_names_on_their_own_lines_where_there_is_no_room() -> None:
    rows = TextRows(indent=2, justify="left", is_split=True)
    rows.add("x" * 30, "first", "", "1")
    rows.add("", "second number", "", "22")
    assert lines(rows, width=80) == [f"  {'x' * 30}  first          1", f"  {' ' * 30}  second number  22"]
    rows.below("between")
    rows.add("y" * 30, "n" * 24, "", "3")
    assert lines(rows, width=60) == [
        f"  {'x' * 30}",
        f"    first{' ' * 19}  1",
        f"    second number{' ' * 11}  22",
        "between",
        f"  {'y' * 30}",
        f"    {'n' * 24}  3",
    ]


def test_numbers_that_do_not_fit_in_columns_follow_each_other() -> None:
    rows = TextRows(indent=2, justify="left", is_split=True)
    rows.add("a", "1" * 40, "2")
    rows.add("b", "", "3" * 20)
    assert lines(rows) == ["  a", f"    {'1' * 40}; 2", "  b", f"    {'3' * 20}"]


def test_rows_without_numbers_take_no_line_for_them() -> None:
    """As benchmarks do that an interrupt left without a pair."""
    rows = TextRows(indent=2, justify="left", is_split=True)
    rows.below("benchmark")
    rows.add("", "", "")
    rows.below("  interrupted")
    assert lines(rows) == ["benchmark", "  interrupted"]
    rows.add("x" * 70, "", "")
    assert lines(rows, width=40)[-1].startswith("  xxx")
    rows.add("short", "1 µs", "")
    assert lines(rows)[-2:] == ["  short", "    1 µs"]


def test_wide_characters_take_two_columns() -> None:
    rows = TextRows()
    rows.add("日本語" * 20, "1 µs")
    rows.add("aten::mm", "2 µs")
    shown = lines(rows)
    assert [cell_len(line) for line in shown] == [60, 60]
    assert "…" in shown[0]


@pytest.mark.parametrize("hostile", ["\x1b[31mred", "[bold]x[/bold]", ":smile:", "a\nb\u202e"])
def test_hostile_text_is_shown_and_does_not_act(hostile: str) -> None:
    rows = TextRows()
    rows.add(hostile, hostile)
    text = terminal_text([Name(hostile), Paragraph(hostile), rows], width=80, colour=True)
    assert not set(text) & set("\x1b\u202e")
    assert text.count("[bold]x[/bold]") == 4 * (hostile == "[bold]x[/bold]")
    assert text.count(":smile:") == 4 * (hostile == ":smile:")


def test_later_lines_of_a_paragraph_are_indented() -> None:
    text = " ".join(["word"] * 20)
    first, second = lines(Paragraph(text, "before: ", " " * 8))
    assert (first[:12], second[:12]) == ("before: word", "        word")
    assert lines(Paragraph("")) == []


def test_colours_are_written_only_when_they_are_wanted() -> None:
    title = Text("Title", "bold red")
    assert terminal_text([title], width=80) == "Title\n"
    assert terminal_text([title], width=80, colour=True) == "\x1b[1;31mTitle\x1b[0m\n"
