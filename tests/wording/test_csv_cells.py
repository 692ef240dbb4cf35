"""Foreign texts in a spreadsheet: text stays text, and a number a number."""

import pytest

from tbp.wording.csv_cells import csv_cell


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", " '=1"),
        ("\r=1", " '=1"),
        ("\n=1", " '=1"),
        ("a\nb", "a b"),
        ("＝1", "'＝1"),
        ("＋1", "'＋1"),
        ("  =1", "  '=1"),
        ("\u00a0@x", "\u00a0'@x"),
        ("\x00=1", "\ufffd=1"),
        ("\u200b=1", "\ufffd=1"),
        ("a;=1+1", "a;'=1+1"),
        ("a; -x", "a; '-x"),
        ("--flag", "'--flag"),
        ("-", "'-"),
    ],
)
def test_no_cell_is_a_formula(text: str, cell: str):
    assert csv_cell(text) == cell


@pytest.mark.parametrize("text", ["-1", "+1", "-2.5", "+.5", "-1e-05", "0", "3.", "-3E+8"])
def test_a_number_stays_a_number(text: str):
    assert csv_cell(text) == text


@pytest.mark.parametrize("text", ["", "a=1", "sdpa", "numpy=1.26;torch=2", "1-2", "x+y", "a@b", "variant=-1, n=2"])
def test_other_text_stays_as_it_is(text: str):
    assert csv_cell(text) == text
