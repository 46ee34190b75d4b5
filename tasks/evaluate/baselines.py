"""What is easy to reach: the commonest class, and logistic regression on TF-IDF."""

from typing import Any

import numpy as np

from tasks.errors import InputError
from tasks.evaluate.examples import Examples, Ints
from tasks.evaluate.params import TfidfParams

MAJORITY, TFIDF = "majority", "tfidf_logistic_regression"
_WORD_OR_SIGNS = r"(?u)\b\w+\b|[^\w\s]+"  # '!!!' and ':)' say something, too
_TOLERANCE = 1e-3


def predict_baselines(train: Examples, test: Examples, params: TfidfParams) -> dict[str, Ints]:
    """Class indices per baseline, shape (test examples,), learnt from the train split."""
    return {MAJORITY: predict_majority(train, test), TFIDF: predict_tfidf(train, test, params)}


def predict_majority(train: Examples, test: Examples) -> Ints:
    """The commonest label of the train split everywhere; a tie goes to the earlier class."""
    commonest = np.bincount(train.labels).argmax()
    return np.full(len(test.labels), commonest, dtype=np.int64)


def predict_tfidf(train: Examples, test: Examples, params: TfidfParams) -> Ints:
    """Predictions of multinomial logistic regression; the majority where there is one class."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415  heavy

    if len(set(train.labels.tolist())) == 1:
        return predict_majority(train, test)
    features = make_features(params)
    try:
        learnt = features.fit_transform(train.texts)
    except ValueError as error:  # scikit-learn's word for an empty vocabulary
        raise InputError(
            f"train split: no word that {params.min_texts} of {len(train.texts)} texts share "
            f"({error}). Lower evaluate.tfidf.min_texts in params.yaml, or bring more data."
        ) from None
    regression = LogisticRegression(
        C=params.inverse_regularisation,
        max_iter=params.max_iterations,
        solver="saga",  # ten times as fast here as lbfgs, at the same F1
        tol=_TOLERANCE,
        random_state=params.seed,
    )
    predicted: Ints = regression.fit(learnt, train.labels).predict(features.transform(test.texts))
    return predicted


def make_features(params: TfidfParams) -> Any:
    """Sublinear TF-IDF of word and, if asked for, character n-grams, side by side."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415  heavy
    from sklearn.pipeline import make_union  # noqa: PLC0415

    words = {"ngram_range": (1, params.max_words), "token_pattern": _WORD_OR_SIGNS}
    spans = (min(2, params.max_characters), params.max_characters)
    characters = {"ngram_range": spans, "analyzer": "char_wb"}
    chosen = [words, characters] if params.max_characters else [words]
    return make_union(
        *(TfidfVectorizer(min_df=params.min_texts, sublinear_tf=True, **one) for one in chosen)
    )
