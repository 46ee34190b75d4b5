"""Class votes of raters who carry ids: cleanlab weighs each rater by merit, with a classifier."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from tasks.label.labels import Labels
from tasks.label.raters import RaterVotes, build_matrix
from tasks.votes import ConsensusParams, Floats, Ints

log = logging.getLogger(__name__)
Splits = list[tuple[Ints, Ints]]
# cleanlab 2.9.0 miscounts unanimous rows in its "best_quality" consensus by plain agreement: one
# distinct vote is counted as class 0 whatever it is (internal.util.value_counts)
_CONSENSUS_METHODS = {"crowdlab": "best_quality", "agreement": "majority_vote"}


@dataclass(frozen=True)
class Consensus:
    labels: Labels  # of all rows; those with known raters carry the consensus
    num_rows: int  # rows that do
    rater_quality: dict[str, float]


def apply_consensus(
    examples: pa.Table, labels: Labels, votes: RaterVotes, params: ConsensusParams
) -> Consensus:
    """Replace the class and agreement of rows with known raters by cleanlab's consensus.

    Agreement there is the quality of the consensus label: how likely it is right, given the raters'
    merit and the classifier (Goh, Tkachenko, Mueller 2022, CROWDLAB), so a lone vote is not certain
    for want of a second one. `probs` stay the plain shares of votes. Where the votes are too few to
    learn from, the majority stands, and the log says why.
    """
    rows, matrix = build_matrix(votes, params.max_cells)
    present = ~np.isnan(matrix).all(axis=0)
    matrix = matrix[:, present]
    majority = labels.classes[rows]
    splits = split_by_group(examples.column("group_id").take(pa.array(rows)), params)
    reason = _reason_against(matrix, majority, splits)
    if reason:
        log.info("no consensus of raters: %s; the majority of votes stands", reason)
        return Consensus(labels, 0, {})
    log.info("weighing %s raters over %s examples", matrix.shape[1], f"{len(rows):,}")
    texts = examples.column("text").cast(pa.large_string()).take(pa.array(rows)).to_pylist()
    probs = predict_out_of_sample(texts, majority, splits, params)
    wide = np.zeros((len(rows), labels.probs.shape[1]))
    wide[:, np.unique(majority)] = probs
    consensus, quality, merits = find_consensus(matrix, wide, params)
    classes, agreement = labels.classes.copy(), labels.agreement.copy()
    classes[rows], agreement[rows] = consensus, quality
    names = np.array(votes.names, dtype=object)[present].tolist()
    merged = replace(labels, classes=classes, agreement=agreement)
    return Consensus(merged, len(rows), dict(zip(names, merits.tolist(), strict=True)))


def split_by_group(groups: pa.ChunkedArray, params: ConsensusParams) -> Splits:
    """Folds that keep near-duplicates together; none when there are fewer groups than folds."""
    from sklearn.model_selection import GroupKFold  # noqa: PLC0415  heavy, and seldom needed

    names = groups.to_numpy()
    if len(np.unique(names)) < params.folds:
        return []
    folds = GroupKFold(params.folds, shuffle=True, random_state=params.seed)
    return list(folds.split(names, groups=names))


def predict_out_of_sample(
    texts: list[str], majority: Ints, splits: Splits, params: ConsensusParams
) -> Floats:
    """Probabilities by TF-IDF and logistic regression, (examples, classes of the majority)."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.model_selection import cross_val_predict  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415

    model = make_pipeline(
        # any run of visible characters, or texts of single characters would have no word at all
        TfidfVectorizer(max_features=params.max_features, ngram_range=(1, 2), token_pattern=r"\S+"),
        LogisticRegression(C=params.inverse_regularisation, max_iter=params.max_iterations),
    )
    with warnings.catch_warnings():  # a class too rare for every fold gets probability 0 there
        warnings.filterwarnings("ignore", "Number of classes in training fold", RuntimeWarning)
        probs: Floats = cross_val_predict(model, texts, majority, cv=splits, method="predict_proba")
    return probs


def find_consensus(
    matrix: Floats, probs: Floats, params: ConsensusParams
) -> tuple[Ints, Floats, Floats]:
    """Class and quality per example, and quality per rater, by cleanlab."""
    from cleanlab.multiannotator import get_label_quality_multiannotator  # noqa: PLC0415
    from pandas import DataFrame  # noqa: PLC0415

    with _seeded(params.seed):
        found = get_label_quality_multiannotator(
            DataFrame(matrix),
            probs,
            consensus_method=_CONSENSUS_METHODS[params.quality_method],
            quality_method=params.quality_method,
            return_detailed_quality=False,
            verbose=False,
        )
    by_example, by_rater = found["label_quality"], found["annotator_stats"].sort_index()
    return (
        by_example["consensus_label"].to_numpy(np.int64),
        by_example["consensus_quality_score"].to_numpy(np.float64),
        by_rater["annotator_quality"].to_numpy(np.float64),
    )


def _reason_against(matrix: Floats, majority: Ints, splits: Splits) -> str | None:
    if matrix.shape[1] < 2:  # noqa: PLR2004  it takes two to agree
        return f"{matrix.shape[1]} raters with ids, expected 2 or more"
    if not (np.isfinite(matrix).sum(axis=1) > 1).any():
        return "no example has votes of two raters"
    if not splits:
        return "fewer groups of near-duplicates than label.consensus.folds"
    if any(len(np.unique(majority[train])) < 2 for train, _ in splits):  # noqa: PLR2004
        return "too few examples of all classes but one to train a classifier on"
    return None


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """cleanlab breaks a last tie with numpy's global generator: the same bytes need its seed."""
    state = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(state)
