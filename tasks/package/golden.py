"""Which texts become golden examples: few, the same every time, and as unlike as can be."""

import hashlib
from collections import defaultdict
from itertools import chain, zip_longest

import numpy as np

from tasks.package.examples import Examples

# What breaks a preprocessing: nothing, blanks, entities, composed and invisible characters,
# scripts without spaces, emoji with joiners, words that look like missing values, and length.
EDGE_TEXTS = (
    "",
    " \t\n ",
    "?",
    "NA",
    "null",
    "1e5",
    "caf\u00e9 cafe\u0301 CAF\u00c9",
    "a &amp;amp; b &lt;3 &copy=2 &#8217;",
    "zero\u200bwidth \u00adhyphen\u00ad \u202eright to left\u202c \ufeff",
    "no\u00a0break \u3000wide\u2003spaces\r\nand lines",
    "\u8fd9\u90e8\u7535\u5f71\u5f88\u597d",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "\U0001f44d\U0001f3fd \U0001f468\u200d\U0001f469\u200d\U0001f467 :)",
    "https://example.org/?a=1&copy=2 @name #tag",
    "x" * 300,
    "the word " * 400,
)
_LENGTHS = 3  # thirds of the split by length: short, middle, long


def choose_golden(examples: Examples, num_golden: int) -> list[int]:
    """Indices of test examples, class by source by length in turn, in the order of the split.

    Within such a group the order is that of a hash, so new rows rarely change what is chosen.
    """
    longest_first = np.argsort([-len(text) for text in examples.texts], kind="stable")
    rank = np.empty(len(longest_first), dtype=int)
    rank[longest_first] = np.arange(len(longest_first))
    groups = defaultdict(list)
    for index in sorted(range(len(examples.texts)), key=lambda i: _key(examples.example_ids[i])):
        third = int(rank[index] * _LENGTHS / len(rank))
        groups[third, examples.labels[index], examples.sources[index]].append(index)
    in_turn = chain.from_iterable(zip_longest(*(groups[name] for name in sorted(groups))))
    return sorted([index for index in in_turn if index is not None][:num_golden])


def _key(example_id: str) -> str:
    return hashlib.sha256(example_id.encode()).hexdigest()
