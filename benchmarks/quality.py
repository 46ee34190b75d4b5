"""The candidate beside TF-IDF and VADER on the same test split, and the paper's Table 4."""

import csv
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table
from sklearn.metrics import f1_score
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from tasks.records import LABELLED, PREDICTED, read_table

TEST = Path("data/split/test.parquet")
PREDICTIONS = Path("data/evaluate/predictions.parquet")
PER_SOURCE = Path("data/evaluate/per_source.csv")
CLASSES = np.array(["negative", "neutral", "positive"])
THRESHOLD = 0.05  # of the paper, on its score from -1 to 1


class Published(NamedTuple):
    """Table 4 of Hutto & Gilbert, ICWSM 2014: r with the mean rating, and overall F1."""

    rules_r: float
    rules_f1: float
    human_r: float
    human_f1: float


TABLE_4 = {
    "tweets": Published(0.881, 0.96, 0.888, 0.84),
    "movies": Published(0.451, 0.61, 0.899, 0.92),
    "products": Published(0.565, 0.63, 0.911, 0.85),
    "editorials": Published(0.492, 0.55, 0.745, 0.65),
}


def main() -> None:
    """Print macro F1 and r per source; the paper's figures use other thresholds and all texts."""
    test = read_table(TEST, LABELLED).to_pandas()
    predictions = read_table(PREDICTIONS, PREDICTED).to_pandas()
    assert (test["example_id"] == predictions["example_id"]).all()
    scores = np.stack(predictions["probs"].to_list()) @ np.arange(len(CLASSES))
    analyzer = SentimentIntensityAnalyzer()
    rules = np.array([analyzer.polarity_scores(text)["compound"] for text in test["text"]])
    ruled = CLASSES[1 + (rules >= THRESHOLD).astype(int) - (rules <= -THRESHOLD).astype(int)]
    tfidf = {row["source"]: row for row in csv.DictReader(PER_SOURCE.read_text().splitlines())}
    table = make_table()
    for source, published in TABLE_4.items():
        some = (test["source"] == source).to_numpy()
        labels, votes = test["label"][some], test["mean_vote"][some].to_numpy()
        table.add_row(
            source,
            f"{macro_f1(labels, predictions['predicted'][some]):.3f}",
            f"{float(tfidf[source]['tfidf_macro_f1']):.3f}",
            f"{macro_f1(labels, ruled[some]):.3f}",
            f"{np.corrcoef(scores[some], votes)[0, 1]:.3f}",
            f"{np.corrcoef(rules[some], votes)[0, 1]:.3f}",
            *(f"{value:.3f}" for value in published),
        )
    console = Console(width=130)
    console.print(table)
    console.print(
        f"VADER over all sources: macro F1 {macro_f1(test['label'], ruled):.3f}, weighted F1 "
        f"{f1_score(test['label'], ruled, average='weighted'):.3f}; {len(test):,} test examples; "
        f"vaderSentiment {version('vaderSentiment')}"
    )


def make_table() -> Table:
    table = Table(title="Test split: macro F1, Pearson's r with the raters' mean, and Table 4")
    columns = ("source", "F1 ours", "F1 TF-IDF", "F1 VADER", "r ours", "r VADER")
    for column in (*columns, *(f"paper: {name}" for name in Published._fields)):
        table.add_column(
            column.replace("_", " "), justify="left" if column == "source" else "right"
        )
    return table


def macro_f1(labels: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    return float(f1_score(labels, predicted, average="macro"))


if __name__ == "__main__":
    main()
