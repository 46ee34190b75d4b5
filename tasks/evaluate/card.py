"""The model card, for people: one context, rendered as Markdown and as a page of its own."""

import base64
from collections.abc import Iterator
from importlib import resources
from typing import Any, NamedTuple

import jinja2
import numpy as np

from tasks.evaluate.baselines import MAJORITY, TFIDF
from tasks.evaluate.behaviour import Outcome
from tasks.evaluate.examples import Examples
from tasks.evaluate.params import CardParams, Direction, EvaluateParams
from tasks.evaluate.summary import Scores, Summary

_MARKDOWN_SIGNS = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_{}[]<>#|~$!"})
_LONGEST_TEXT = 300
_OTHER = {"up": "down", "down": "up"}
BASELINE_NAMES = {
    MAJORITY: "commonest class",
    TFIDF: "TF-IDF + logistic regression",
}


class Mistake(NamedTuple):
    text: str
    source: str
    label: str
    predicted: str
    confidence: float


def build_context(
    summary: Summary, train: Examples, params: EvaluateParams, weights_sha256: str
) -> dict[str, Any]:
    """Everything the templates say, as values; they format and say nothing else."""
    classes = summary.label_set.classes
    scored = {"This model": summary.overall} | {
        BASELINE_NAMES[name]: scores for name, scores in summary.baselines.items()
    }
    return {
        "card": params.card,
        "classes": classes,
        "ordered": summary.label_set.ordered,
        "level": params.intervals.level,
        "summary": summary,
        "scored": scored,
        "sources": summary.sources,
        "baseline_sources": summary.baseline_sources[TFIDF],
        "train": count_examples(train, len(classes)),
        "test": count_examples(summary.test, len(classes)),
        "checks": [_describe(outcome) for outcome in summary.outcomes],
        "failures": [
            failure
            for outcome in summary.outcomes
            for failure in outcome.failures[: params.card.num_shown_failures]
        ],
        "mistakes": find_worst(summary, params.card),
        "weakest": list(_find_weakest(summary)),
        "weights_sha256": weights_sha256,
    }


def count_examples(examples: Examples, num_classes: int) -> dict[str, list[int]]:
    """Examples per source and class, the whole number last."""
    counts = {}
    for source in examples.source_names():
        labels = examples.labels[examples.sources == source]
        counts[source] = [*np.bincount(labels, minlength=num_classes).tolist(), len(labels)]
    return counts


def find_worst(summary: Summary, params: CardParams) -> list[Mistake]:
    """The wrong predictions the model was most confident of."""
    predicted, confidence = summary.predicted, summary.probs.max(axis=1)
    wrong = np.flatnonzero(predicted != summary.test.labels)
    order = wrong[np.argsort(-confidence[wrong], kind="stable")][: params.num_worst_mistakes]
    classes = summary.label_set.classes
    return [
        Mistake(
            summary.test.texts[index],
            str(summary.test.sources[index]),
            classes[summary.test.labels[index]],
            classes[predicted[index]],
            float(confidence[index]),
        )
        for index in order
    ]


def render_markdown(context: dict[str, Any]) -> str:
    templates = _make_environment(is_html=False)
    return templates.get_template("card.md.jinja").render(context)


def render_html(context: dict[str, Any], pictures: dict[str, bytes]) -> str:
    """One file that needs no other: pictures and style are within."""
    encoded = {name: base64.b64encode(content).decode() for name, content in pictures.items()}
    templates = _make_environment(is_html=True)
    return templates.get_template("card.html.jinja").render(context, pictures=encoded)


def _make_environment(is_html: bool) -> jinja2.Environment:
    folder = resources.files("tasks.evaluate")
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: (folder / name).read_text(encoding="utf-8")),
        autoescape=is_html,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["md"] = lambda text: str(text).translate(_MARKDOWN_SIGNS)
    environment.filters["short"] = _shorten
    environment.filters["score"] = "{:.3f}".format
    environment.filters["count"] = "{:,}".format
    environment.filters["percent"] = "{:.0%}".format
    return environment


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"


def _describe(outcome: Outcome) -> dict[str, Any]:
    expect = outcome.check.expect
    if isinstance(expect, Direction):
        what = f"probability of {expect.of_class}" if expect.of_class else "expected score"
        wanted = f"{what} goes {expect.moves} by {expect.min_move:.2f} or more"
        if expect.min_move <= 0:
            wanted = f"{what} does not go {_OTHER[expect.moves]} by over {-expect.min_move:.2f}"
    else:
        wanted = "the predicted class stays"
    return {
        "name": outcome.check.name.replace("_", " "),
        "wanted": wanted,
        "num_pairs": outcome.num_pairs,
        "pass_rate": outcome.pass_rate,
    }


def _find_weakest(summary: Summary) -> Iterator[str]:
    """Limits that the numbers themselves tell."""
    name, scores = min(summary.classes.items(), key=lambda item: item[1].f1)
    where = f"{scores.num_examples:,} examples"
    yield f"Weakest class: {name}, with an F1 of {scores.f1:.3f} on {where}."
    if len(summary.sources) > 1:
        source, weakest = min(summary.sources.items(), key=_by_macro_f1)
        yield f"Weakest source: {source}, with a macro F1 of {weakest.macro_f1:.3f}."


def _by_macro_f1(item: tuple[str, Scores]) -> float:
    return item[1].macro_f1
