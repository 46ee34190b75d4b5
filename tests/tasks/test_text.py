"""The normal form every text gets, and the key two texts share."""

# ruff: noqa: RUF001 - look-alike letters are the point here

import time
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tasks.text import match_key, normalise

PIECES = [
    *["&", "amp;", "lt;", "gt;", "#38;", "#x26;", "#894;", "&amp;", "&#10;", "nbsp;", "&zwj;", ";"],
    *["a", "e", "Z", "1", " ", "  ", "\n", "\t", "\r", "\x00", "\x1f", "\x85", "\x7f", "\u00a0"],
    *["\u2028", "\u3000", "\u200b", "\u200c", "\u200d", "\u200e", "\ufeff", "\u00ad", "\u2060"],
    *["\ud800", "\udfff", "\u0301", "\u0327", "\u037e", "\u212a", "\u0958", "é", "می", "क्"],
    *["❤", "\ufe0f", "👩", "🚀"],
]
NASTY = st.lists(st.sampled_from(PIECES), max_size=14).map("".join) | st.text(max_size=30)


@settings(max_examples=800, deadline=None, derandomize=True)
@given(NASTY)
@example("&amp;lt;b&amp;gt;")
@example("e\u200b\u0301")
@example("é\u200d\u200b\u200da")
@example("&amp" + "\u037e" + "lt;")
@example("&" + "amp;" * 30 + "lt;")
def test_normalising_twice_changes_nothing_and_leaves_nothing_invisible(text):
    once = normalise(text)
    assert normalise(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert once == " ".join(once.split())
    assert not set(once) & set("\x00\x1f\x7f\u200b\u200e\ufeff\u00ad\u2060\ud800\udfff")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  plain  text ", "plain text"),
        ("a &lt; b &amp; c &#39;d&#x27;", "a < b & c 'd'"),
        ("&amp;lt;3", "<3"),
        ("AT&T, R&D &nosuch; ?a=1&copy=2&notit;", "AT&T, R&D &nosuch; ?a=1&copy=2&notit;"),
        ("cafe\u0301", "café"),
        ("e\u200b\u0301", "é"),
        ("zero\u200bwidth\ufeff and\u00a0no-break\r\nlines\x00", "zerowidth and no-break lines"),
        ("joined\u200dascii \u200cends\u200d", "joinedascii ends"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("क्\u200dष", "क्\u200dष"),
        ("👩\u200d🚀 ❤\ufe0f\u200d🔥", "👩\u200d🚀 ❤\ufe0f\u200d🔥"),
        ("می\u200c\u200c\u200cخواهم", "می\u200cخواهم"),
        ("half a pair \ud83d", "half a pair"),
        ("\u200b \ufeff\t", ""),
        ("NA", "NA"),
    ],
)
def test_each_text_has_one_normal_form(text, expected):
    assert normalise(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "x" * 1_000_000,
        "&" + "amp;" * 250_000 + "lt;",
        "&#5" * 200_000 + "6;" * 200_000,
        "é" + "\u200d" * 500_000 + "a",
        "e" + "\u0301" * 200_000 + "\u0327" * 200_000,
    ],
    ids=["long", "nested-entities", "entities-in-entities", "joiners", "marks"],
)
def test_a_huge_hostile_text_takes_no_longer_than_its_length_deserves(text):
    started = time.process_time()
    once = normalise(text)
    assert time.process_time() - started < 3
    assert normalise(once) == once


def test_of_many_marks_on_one_letter_the_first_thirty_stay():
    text = "a" + "\u0316" * 29 + "\u0301" * 50 + "b" + "\u0301" * 30 + "c"
    assert unicodedata.normalize("NFD", normalise(text)) == unicodedata.normalize(
        "NFD", "a" + "\u0316" * 29 + "\u0301" + "b" + "\u0301" * 30 + "c"
    )
    emoji = "\U0001f44d" * 40
    assert normalise(emoji) == emoji


def test_deeply_nested_entities_stay_as_text_instead_of_being_resolved_for_ever():
    assert normalise("&" + "amp;" * 3 + "lt;") == "<"
    assert normalise("&" + "amp;" * 100 + "lt;").startswith("& amp;amp;")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Great phone!!!", "great phone"),
        ("don't", "DON’T"),
        ("well-made, really", "Well made... really"),
        ("Straße", "STRASSE"),
        ("ｆｕｌｌ　ｗｉｄｔｈ", "full width"),
        ("I love it ❤\ufe0f", "i love it"),
        ("cafe\u0301", "CAFÉ"),
    ],
)
def test_case_and_punctuation_do_not_make_a_text_another_one(one, other):
    assert match_key(normalise(one)) == match_key(normalise(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [(":)", ":("), ("👍", "👎"), ("...", "!"), ("किताब", "कताब"), ("no 1", "no 2"), ("a b", "ab")],
)
def test_texts_that_differ_in_letters_digits_or_have_neither_stay_apart(one, other):
    assert match_key(one) != match_key(other)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(NASTY.map(normalise).filter(bool))
def test_no_text_has_an_empty_key(text):
    key = match_key(text)
    assert key.strip()
    assert key == " ".join(key.split())
