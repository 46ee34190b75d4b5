"""Command line of stage evaluate."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tasks import progress, stage
from tasks.artifacts import sha256_of, whole_folder
from tasks.evaluate.baselines import predict_baselines
from tasks.evaluate.behaviour import run_checks
from tasks.evaluate.card import build_context, render_html, render_markdown
from tasks.evaluate.examples import Examples, Floats, read_examples
from tasks.evaluate.label_issues import LABEL_ISSUES, find_label_issues
from tasks.evaluate.params import EvaluateParams
from tasks.evaluate.pictures import draw_pictures
from tasks.evaluate.summary import Summary, summarise
from tasks.evaluate.tables import write_tables
from tasks.params import load_params
from tasks.predictor import Predictor
from tasks.records import write_table
from tasks.torch_predictor import load_predictor
from tasks.train.model import WEIGHTS

_TEXTS_PER_STEP = 256  # between two lines of progress
log = logging.getLogger(__name__)


def main(train_file: Path, test_file: Path, model: Path, target: Path) -> None:
    """Score the model on the test split, beside baselines, and write metrics and model card."""
    params = load_params("evaluate", EvaluateParams)
    predictor = load_predictor(model)
    label_set = predictor.label_set
    train, test = (read_examples(file, label_set) for file in (train_file, test_file))
    log.info("baselines learn from %s examples", f"{len(train.texts):,}")
    baselines = predict_baselines(train, test, params.tfidf)
    probs = score_texts(predictor, test.texts)
    issues = find_label_issues(test, probs, label_set, params.label_issues)
    summary = summarise(label_set, test, probs, baselines, params)._replace(
        outcomes=run_checks(
            params.checks, test, label_set, lambda texts: score_texts(predictor, texts)
        ),
        num_label_issues=issues.num_rows,
    )
    with whole_folder(target) as folder:
        write_tables(folder, summary)
        write_table(folder / "label_issues.parquet", issues, LABEL_ISSUES)
        write_card(folder, summary, train, params, sha256_of(model / WEIGHTS))
    tell(summary, target)


def score_texts(predictor: Predictor, texts: Sequence[str]) -> Floats:
    """Class probabilities, shape (texts, classes), with progress; longest texts first."""
    order = np.argsort([-len(text) for text in texts], kind="stable")
    probs = np.zeros((len(texts), len(predictor.label_set.classes)))
    total = len(order)
    for done in progress.track(range(1, total + 1), total, "texts"):
        if done % _TEXTS_PER_STEP == 0 or done == total:
            some = order[(done - 1) // _TEXTS_PER_STEP * _TEXTS_PER_STEP : done]
            probs[some] = predictor.probs([texts[index] for index in some])
    return probs


def write_card(
    folder: Path, summary: Summary, train: Examples, params: EvaluateParams, weights_sha256: str
) -> None:
    """model_card.md with pictures/ beside it, and model_card.html that needs nothing."""
    context = build_context(summary, train, params, weights_sha256)
    pictures = draw_pictures(summary)
    (folder / "pictures").mkdir()
    for name, content in pictures.items():
        (folder / "pictures" / name).write_bytes(content)
    (folder / "model_card.md").write_text(render_markdown(context), encoding="utf-8")
    (folder / "model_card.html").write_text(render_html(context, pictures), encoding="utf-8")


def tell(summary: Summary, target: Path) -> None:
    for name, scores in {"model": summary.overall, **summary.baselines}.items():
        log.info("%s: macro F1 %.4f, weighted F1 %.4f", name, scores.macro_f1, scores.weighted_f1)
    for outcome in summary.outcomes:
        log.info(
            "check %s: %d of %d pairs of texts passed",
            outcome.check.name,
            outcome.num_pairs - len(outcome.failures),
            outcome.num_pairs,
        )
    log.info(
        "%d labels of the test split may be wrong; all of it in %s/model_card.html",
        summary.num_label_issues,
        target,
    )


if __name__ == "__main__":
    stage.run("evaluate", main)
