"""The running service asked whether it really serves what it should, by the door everybody uses."""

import json
import time
from pathlib import Path

import numpy as np

from tasks import live_service
from tasks.bundle import GOLDEN, LABEL_SET, Golden, GoldenExample, read_document
from tasks.errors import GateError, TemporaryError
from tasks.label_set import read_label_set
from tasks.live_service import Limits, Prediction, Service
from tasks.release.params import ProbeParams
from tasks.releases import Place, Target, find_bundle

_PAUSE_SECONDS = 0.2


def probe(place: Place, target: Target, params: ProbeParams) -> str:
    """What it answered, in one line; GateError when it has not answered well by the deadline."""
    deadline = time.monotonic() + params.seconds
    while True:
        left = max(deadline - time.monotonic(), _PAUSE_SECONDS)
        try:
            return _probe_once(place, target, params.num_texts, left)
        except TemporaryError as error:  # it is restarting, or very busy
            problem = str(error)
        if time.monotonic() >= deadline:
            raise GateError(f"no good answer within {params.seconds:g} s: {problem}")
        time.sleep(_PAUSE_SECONDS)


def _probe_once(place: Place, target: Target, num_texts: int, seconds: float) -> str:
    service = live_service.find_service(place)
    if service is None:
        raise TemporaryError("the service has ended")
    check_identity(service, target, seconds)
    bundle = find_bundle(place, target)
    examples = choose(
        read_document(bundle / GOLDEN, Golden).examples, num_texts, live_service.read_limits()
    )
    answers = live_service.predict(service, [example.text for example in examples], seconds)
    difference = compare(bundle, target, examples, answers)
    return (
        f"{service.url} answers as {target.version}: {len(answers)} golden texts, probabilities "
        f"within {difference:.1g}"
    )


def check_identity(service: Service, target: Target, seconds: float) -> None:
    """It has loaded the very bundle that is meant, and says so by both doors."""
    reloaded = live_service.reload(service, seconds)
    if reloaded.live is None or not reloaded.live.is_of(target):
        has = reloaded.live.version if reloaded.live else "nothing"
        raise GateError(
            f"the service goes on with {has}: {reloaded.problem or 'it does not say why'}"
        )
    model = live_service.read_model(service, seconds)
    if not model.is_of(target):
        raise GateError(
            f"{service.url}/v1/model says {model.version}, {model.manifest_sha256[:12]}; expected "
            f"{target.version}, {target.manifest_sha256[:12]}"
        )


def choose(examples: list[GoldenExample], number: int, limits: Limits) -> list[GoldenExample]:
    """The shortest real texts, so many as one request may hold; GateError when it can hold none."""
    real = sorted((one for one in examples if one.label is not None), key=lambda one: len(one.text))
    chosen, size = [], len('{"texts":[]}')
    for one in real[: min(number, limits.max_texts)]:
        size += len(json.dumps(one.text, ensure_ascii=False).encode()) + len(",")
        if len(one.text) > limits.max_characters or size > limits.max_body_bytes:
            break
        chosen.append(one)
    if not chosen:
        shortest = f", the shortest has {len(real[0].text):,} characters" if real else ""
        raise GateError(
            f"none of {len(real)} golden texts may be asked{shortest}: raise max_characters "
            f"({limits.max_characters}) or max_body_bytes ({limits.max_body_bytes}) of "
            "serving.limits in params.yaml, and restart the service"
        )
    return chosen


def compare(
    bundle: Path, target: Target, examples: list[GoldenExample], answers: list[Prediction]
) -> float:
    """Largest difference from the golden answers of the precision that it serves."""
    classes = read_label_set(bundle / LABEL_SET).classes
    versions = {answer.model_version for answer in answers}
    if len(answers) != len(examples) or versions != {target.version}:
        raise GateError(
            f"{len(answers)} predictions by {sorted(versions)} for {len(examples)} texts"
        )
    found = [[answer.probabilities.get(name, np.nan) for name in classes] for answer in answers]
    tolerance = read_document(bundle / GOLDEN, Golden).tolerance
    differences = {
        precision: float(np.abs(np.array([one.probs[precision] for one in examples]) - found).max())
        for precision in tolerance
    }
    if not any(differences[precision] <= tolerance[precision] for precision in tolerance):
        raise GateError(
            f"its probabilities of golden texts are {differences} off, at most {tolerance} expected"
        )
    return min(differences.values())
