"""Texts nearly equal to others, found without comparing all with all."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain, islice

_SHINGLE_CHARACTERS = 4
Texts = dict[str, str]  # match key by example_id


class Index:
    """Texts to be found again: by their rarest words, and by how many words they have.

    Exact: two sets of words more similar than the bound share one of the rarest few of each
    (prefix filter, Chaudhuri et al. 2006), and their sizes differ little, so only such texts are
    compared. `counts` says how often each word occurs, in what is asked about, too.
    """

    def __init__(self, texts: Texts, counts: Counter[str], bound: float) -> None:
        self._texts, self._counts, self._bound = texts, counts, bound
        self._words = {own: set(key.split()) for own, key in texts.items()}
        self._by_word: defaultdict[str, defaultdict[int, list[str]]] = defaultdict(
            lambda: defaultdict(list)
        )
        for own, words in self._words.items():
            for word in _rarest(words, counts, bound):
                self._by_word[word][len(words)].append(own)

    def candidates(self, words: set[str]) -> Iterator[str]:
        """Ids of those that can be near, some of them twice."""
        rare = _rarest(words, self._counts, self._bound)
        lists = (self._by_word[word] for word in rare if word in self._by_word)
        return chain.from_iterable(_of_like_size(lists, len(words), self._bound))

    def find(self, key: str, most: int | None) -> tuple[str | None, bool]:
        """The id of one that is near, if any, and whether all that can be were compared.

        Near: words and character shingles both have a Jaccard above the bound.
        """
        words, shingles = set(key.split()), _shingles(key)
        candidates = self.candidates(words)
        for other in candidates if most is None else islice(candidates, most):
            if _jaccard(words, self._words[other]) > self._bound and (
                _jaccard(shingles, _shingles(self._texts[other])) > self._bound
            ):
                return other, True
        return None, next(candidates, None) is None


def find_near(
    asked: Texts, others: Texts, bound: float, most: int | None
) -> Iterator[tuple[str, str | None]]:
    """Each of the asked that is near to one of the others, and that one's id; or None, where more
    than `most` could be and none of the first is."""
    words = (key.split() for key in chain(asked.values(), others.values()))
    counts = Counter(word for key in words for word in set(key))
    index = Index(others, counts, bound)
    for own, key in asked.items():
        other, all_compared = index.find(key, most)
        if other is not None or not all_compared:
            yield own, other


def _rarest(words: set[str], counts: Counter[str], bound: float) -> list[str]:
    """So many of the rarest words that a set more similar than the bound must have one of them."""
    num_shared = int(bound * len(words)) + 1
    return sorted(words, key=lambda word: (counts[word], word))[: len(words) - num_shared + 1]


def _of_like_size(
    by_size: Iterable[dict[int, list[str]]], size: int, bound: float
) -> Iterator[list[str]]:
    """What belongs to sets neither so small nor so large that their Jaccard must be below."""
    for lists in by_size:
        for other_size, others in lists.items():
            if min(size, other_size) > bound * max(size, other_size):
                yield others


def _jaccard(first: set[str], second: set[str]) -> float:
    return len(first & second) / len(first | second)


def _shingles(key: str) -> set[str]:
    padded = " " * (_SHINGLE_CHARACTERS - 1) + key
    return {padded[start : start + _SHINGLE_CHARACTERS] for start in range(len(key))}
