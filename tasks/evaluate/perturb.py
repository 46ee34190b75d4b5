"""Pairs of texts, before and after a change, that a behavioural check compares."""

import itertools
import random
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tasks.evaluate.examples import Examples
from tasks.evaluate.params import (
    SLOT,
    Append,
    Case,
    Check,
    Replace,
    SplitTexts,
    TemplateTexts,
    Typos,
    Vary,
)

Change = Typos | Case | Append | Replace


class Pair(NamedTuple):
    before: str
    after: str


def make_pairs(check: Check, examples: Examples) -> list[Pair]:
    """The pairs of a check, in a fixed order; a text that the change leaves as it is gives none."""
    texts, change = check.texts, check.change
    if isinstance(change, Vary):
        assert isinstance(texts, TemplateTexts)  # the params refuse anything else
        return _vary(texts, change.slot)
    before = pick_texts(texts, examples) if isinstance(texts, SplitTexts) else fill(texts)
    pairs = [Pair(text, after) for text in before for after in _change(text, change)]
    return [pair for pair in pairs if pair.before != pair.after]


def fill(texts: TemplateTexts) -> list[str]:
    return [
        _put(template, values)
        for template in texts.templates
        for values in _combinations(template, texts.slots)
    ]


def pick_texts(texts: SplitTexts, examples: Examples) -> list[str]:
    """Texts with the lowest ids: as data grow, few of them change."""
    order = sorted(range(len(examples.texts)), key=examples.example_ids.__getitem__)
    return [examples.texts[index] for index in order[: texts.max_texts]]


def swap_letters(text: str, seed: int, number: int) -> str:
    """One typo: two neighbours within a word change places, never its first letter or its last.

    Seed, number and text alone decide where, so a text keeps its typos wherever it stands.
    """
    places = [
        index
        for index in range(1, len(text) - 2)
        if text[index - 1 : index + 3].isalpha() and text[index] != text[index + 1]
    ]
    if not places:
        return text
    place = random.Random(f"{seed} {number} {text}").choice(places)
    return text[:place] + text[place + 1] + text[place] + text[place + 2 :]


def _vary(texts: TemplateTexts, slot: str) -> list[Pair]:
    first, *others = texts.slots[slot]
    return [
        Pair(_put(template, values | {slot: first}), _put(template, values | {slot: other}))
        for template in texts.templates
        if slot in SLOT.findall(template)
        for values in _combinations(template, texts.slots, without=slot)
        for other in others
    ]


def _change(text: str, change: Change) -> Iterator[str]:
    if isinstance(change, Typos):
        yield from (swap_letters(text, change.seed, n) for n in range(change.num_per_text))
    elif isinstance(change, Case):
        yield text.upper() if change.to == "upper" else text.lower()
    elif isinstance(change, Append):
        yield from (text + addition for addition in change.additions)
    else:
        yield _replace(text, change.words)


def _replace(text: str, words: Mapping[str, str]) -> str:
    for old, new in words.items():
        if old in text:
            return text.replace(old, new, 1)
    return text


def _combinations(
    template: str, slots: Mapping[str, list[str]], without: str | None = None
) -> Iterator[dict[str, str]]:
    names = [name for name in dict.fromkeys(SLOT.findall(template)) if name != without]
    for values in itertools.product(*(slots[name] for name in names)):
        yield dict(zip(names, values, strict=True))


def _put(template: str, values: Mapping[str, str]) -> str:
    return SLOT.sub(lambda found: values[found[1]], template)
