"""The words that a report explains: each that its states, heads and captions have, in one sentence."""

import pytest

from tbp.model.changes import State
from tbp.wording.glossary import Word, glossary, words_of
from tbp.wording.verdicts import GLYPHS, PLURALS


def test_a_table_is_words_and_meanings() -> None:
    text = "| word | meaning |\n| --- | --- |\n| one, two | is a *number* |\n\nprose | no row\n"
    assert words_of(text) == (Word(("one", "two"), "is a *number*"),)


def test_every_state_is_explained_with_its_symbol() -> None:
    meanings = {form: word.meaning for word in glossary()[0] for form in word.forms}
    for state in State:
        for name in PLURALS[state]:
            assert meanings[name].startswith(f"{GLYPHS[state]} "), name


@pytest.mark.parametrize(
    "word", ["suspect", "stale", "series", "twin", "noise", "noise between runs", "99 % CI", "p < 0.001", "event"]
)
def test_what_a_newcomer_asks_is_explained(word: str) -> None:
    assert word in {form for entry in glossary()[0] for form in entry.forms}


def test_no_word_is_explained_twice() -> None:
    forms = [form for word in glossary()[0] for form in word.forms]
    assert len(forms) == len(set(forms))
