"""Do texts mean something else than before? A classifier tries to tell the two samples apart.

Lopez-Paz and Oquab, "Revisiting Classifier Two-Sample Tests" (ICLR 2017): where no classifier can,
on rows it has not learnt from, the samples are of one distribution. Its area under the ROC curve is
the effect: 0.5, it guesses. Texts become points by latent semantic analysis of the reference.
"""

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from tasks.monitor.measures import Floats, Measured
from tasks.monitor.params import EmbeddingParams


class Embedding:
    """Fitted on half of the reference; any number of samples are compared with the other half.

    What it was fitted on lies better in it than what it was not, and would be told apart by that.
    """

    def __init__(self, reference: Sequence[str], params: EmbeddingParams, seed: int) -> None:
        self._params, self._seed = params, seed
        texts = list(dict.fromkeys(reference))
        order = np.random.default_rng(seed).permutation(len(texts))
        fitted, compared = ([texts[i] for i in half] for half in np.array_split(order, 2))
        self._lsa = _make_lsa(params, len(fitted), seed).fit(fitted)
        self._points: Floats = self._lsa.transform(compared)

    def compare(self, texts: Sequence[str]) -> Measured:
        """Every text counts once: a copy in both halves of a fold would be told apart by heart.

        A text of both samples tells nothing apart, and pulls the area towards 0.5, as it should.
        """
        points = self._lsa.transform(list(dict.fromkeys(texts)))
        rows = np.concatenate([self._points, points])
        is_seen = np.repeat([0, 1], [len(self._points), len(points)])
        folds = StratifiedKFold(self._params.num_folds, shuffle=True, random_state=self._seed)
        areas, variances = [], []
        for learnt, held in folds.split(rows, is_seen):
            model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced"))
            scores = model.fit(rows[learnt], is_seen[learnt]).decision_function(rows[held])
            areas.append(float(roc_auc_score(is_seen[held], scores)))
            variances.append(_variance_by_luck(is_seen[held]))
        area = float(np.mean(areas))
        error = math.sqrt(sum(variances)) / len(variances)
        return Measured(area, float(stats.norm.sf((area - 0.5) / error)), None)


def _make_lsa(params: EmbeddingParams, num_texts: int, seed: int) -> Pipeline:
    words = HashingVectorizer(n_features=params.num_features, alternate_sign=False, norm=None)
    num_components = min(params.num_components, max(2, num_texts - 1))
    return make_pipeline(
        words, TfidfTransformer(sublinear_tf=True), TruncatedSVD(num_components, random_state=seed)
    )


def _variance_by_luck(is_seen: Floats) -> float:
    """Of the area where nothing can be told apart: Mann and Whitney's, without ties."""
    second = int(is_seen.sum())
    first = len(is_seen) - second
    return (first + second + 1) / (12 * first * second)
