"""A release as the service holds it: verified, loaded, and proven on its golden examples."""

import os
from typing import NamedTuple

from tokenizers import Tokenizer

from serving.params import ModelParams
from tasks.bundle import check_golden, load_bundle, load_score, verify_bundle
from tasks.label_set import LabelSet
from tasks.predictor import Score
from tasks.releases import Place, Target, find_bundle


class Model(NamedTuple):
    """One network, prepared twice; a text's answer is the same, to the last bit, from both."""

    target: Target
    precision: str
    label_set: LabelSet
    tokenizer: Tokenizer
    narrow: Score  # one thread: as many at a time as there are workers
    wide: Score  # all threads: for a text that has the machine to itself


def load_model(place: Place, target: Target, params: ModelParams) -> Model:
    """FlywheelError, in one line, for whatever is not as it was released."""
    folder = find_bundle(place, target)
    manifest = verify_bundle(folder)
    precision = manifest.default if params.precision == "default" else params.precision
    predictor = load_bundle(folder, precision)
    check_golden(folder, predictor, precision)
    threads = num_threads(params)
    return Model(
        target=target,
        precision=precision,
        label_set=predictor.label_set,
        tokenizer=predictor.tokenizer,
        narrow=predictor.score,
        wide=load_score(folder, precision, threads) if threads > 1 else predictor.score,
    )


def num_threads(params: ModelParams) -> int:
    return params.threads or len(os.sched_getaffinity(0))
