"""How fast cleaning and near-duplicate clustering are, and how many planted twins are found."""

import os
import platform
import random
import statistics
import string
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow as pa

from tasks import records
from tasks.clean.__main__ import merge_duplicates
from tasks.clean.near_duplicates import cluster
from tasks.clean.params import CleanParams
from tasks.errors import InputError
from tasks.params import load_params
from tasks.text import match_key, normalise

EXAMPLES = Path("data/aggregate/examples")
NUM_RUNS = 3
NUM_MANY = 200_000
NUM_PLANTED = 2_000
TARGETS = {"cleaning and exact duplicates": 150_000, "near-duplicate clustering": 40_000}
Change = Callable[[list[str], random.Random], list[str]]


def main() -> None:
    """Print rates on the example data, once as it is and once grown, and recall by kind."""
    params = load_params("clean", CleanParams)
    try:
        examples = records.read_table(EXAMPLES, records.AGGREGATED)
    except InputError as error:
        raise SystemExit(f"{error} `make run` does.") from None
    print_setting(params)
    heads = f"{'texts':>9}{'texts/s':>10}{'slowest - fastest':>20}{'per CPU s':>11}{'target':>9}"
    print(f"\n{'':32}{heads}")
    for name, table in (
        ("the example's texts", examples),
        ("fresh ones from halves of two", grow(examples, join_halves)),
        ("twins of each, 3 words changed", grow(examples, change_three_words)),
    ):
        print(f"{name}:")
        measure(table, params)
    print_recall(examples["text"].to_pylist(), params)


def print_setting(params: CleanParams) -> None:
    """What a reader needs to know to compare the figures."""
    names = ("rensa", "numpy", "scipy", "pyarrow")
    print(f"Python {platform.python_version()}, {', '.join(f'{n} {version(n)}' for n in names)}")
    load = os.getloadavg()[0]
    print(f"{len(os.sched_getaffinity(0))} CPUs, load {load:.1f} before; {NUM_RUNS} runs each")
    print(params.near_duplicates)


def measure(table: pa.Table, params: CleanParams) -> None:
    """Print the rates of both halves of the stage on this table."""
    unique = merge_duplicates(table, params)[0]["text"].to_pylist()

    def find_twins() -> None:
        cluster([match_key(text) for text in unique], params.near_duplicates)

    steps = (lambda: merge_duplicates(table, params), find_twins)
    for (name, target), num_texts, step in zip(
        TARGETS.items(), (len(table), len(unique)), steps, strict=True
    ):
        runs = [seconds(step) for _ in range(NUM_RUNS)]
        wall = sorted(num_texts / run for run, _ in runs)
        cpu = statistics.median(num_texts / run for _, run in runs)
        spread = f"{wall[0]:,.0f} - {wall[-1]:,.0f}"
        print(
            f"  {name:30}{num_texts:>9,}{statistics.median(wall):>10,.0f}{spread:>20}"
            f"{cpu:>11,.0f}{target:>9,}"
        )


def seconds(step: Callable[[], object]) -> tuple[float, float]:
    """Wall time and processor time of all threads; the second is fair on a busy machine."""
    wall, cpu = time.perf_counter(), time.process_time()
    step()
    return time.perf_counter() - wall, time.process_time() - cpu


def grow(
    examples: pa.Table, vary: Callable[[list[str], list[str], random.Random], None]
) -> pa.Table:
    """The examples and, up to NUM_MANY, variations of them; `vary` gets words and vocabulary."""
    rng = random.Random(1)
    texts = examples["text"].to_pylist()
    vocabulary = [word for text in texts for word in text.split()]
    grown = list(texts)
    while len(grown) < NUM_MANY:
        words = texts[len(grown) % len(texts)].split()
        vary(words, vocabulary, rng)
        grown.append(" ".join(words))
    rows = examples.take(np.arange(NUM_MANY) % len(examples))
    ids = pa.array([f"row{number}" for number in range(NUM_MANY)])
    rows = rows.set_column(rows.column_names.index("example_id"), "example_id", ids)
    return rows.set_column(rows.column_names.index("text"), "text", pa.array(grown))


def join_halves(words: list[str], vocabulary: list[str], rng: random.Random) -> None:
    """Keep the first half and go on with a stretch of another text."""
    half = len(words) // 2
    start = rng.randrange(len(vocabulary) - len(words))
    words[half:] = vocabulary[start : start + len(words) - half]


def change_three_words(words: list[str], vocabulary: list[str], rng: random.Random) -> None:
    for _ in range(3):
        words[rng.randrange(len(words))] = rng.choice(vocabulary)


def print_recall(texts: list[str], params: CleanParams) -> None:
    """Of planted near-duplicates among all the examples, the share found, by kind and length."""
    rng = random.Random(2)
    normal = [normalise(text) for text in texts]
    sample = [text.split() for text in rng.sample(normal, NUM_PLANTED) if len(text.split()) > 1]
    vocabulary = [word for text in normal for word in text.split()]
    lengths = ((2, 5), (6, 9), (10, 14), (15, 999))
    sizes = np.array([len(words) for words in sample])
    heads = [f"{low}-{high} words" if high < 999 else f"{low}+ words" for low, high in lengths]
    shares = [f"{np.mean((sizes >= low) & (sizes <= high)):.0%}" for low, high in lengths]
    print(f"\n{'recall of planted twins':32}" + "".join(f"{name:>14}" for name in ["all", *heads]))
    print(f"{'  share of texts':32}" + "".join(f"{name:>14}" for name in ["100%", *shares]))
    for name, change in changes(vocabulary).items():
        planted = [" ".join(change(list(words), rng)) for words in sample]
        keys = [match_key(text) for text in [*map(" ".join, sample), *planted, *normal] if text]
        found = cluster(keys, params.near_duplicates)
        same = found[: len(sample)] == found[len(sample) : 2 * len(sample)]
        by_length = [same[(sizes >= low) & (sizes <= high)].mean() for low, high in lengths]
        print(f"  {name:30}" + "".join(f"{share:14.3f}" for share in [same.mean(), *by_length]))


def changes(vocabulary: list[str]) -> dict[str, Change]:
    """Ways in which somebody repeats a text; each takes its words and gives the new ones."""

    def swap(words: list[str], rng: random.Random) -> list[str]:
        words[rng.randrange(len(words))] = rng.choice(vocabulary)
        return words

    def drop(words: list[str], rng: random.Random) -> list[str]:
        del words[rng.randrange(len(words))]
        return words

    def add(words: list[str], rng: random.Random) -> list[str]:
        words.insert(rng.randrange(len(words) + 1), rng.choice(vocabulary))
        return words

    def mistype(words: list[str], rng: random.Random) -> list[str]:
        at = rng.randrange(len(words))
        place = rng.randrange(len(words[at]))
        letter = rng.choice(string.ascii_lowercase)
        words[at] = words[at][:place] + letter + words[at][place + rng.randrange(2) :]
        return words

    def punctuate(words: list[str], rng: random.Random) -> list[str]:
        at = rng.randrange(len(words))
        words[at] = f"{words[at].upper()}..."
        return [*words, "!!!"]

    return {
        "one word changed": swap,
        "one word dropped": drop,
        "one word added": add,
        "a typo in one word": mistype,
        "case and punctuation": punctuate,
    }


if __name__ == "__main__":
    main()
