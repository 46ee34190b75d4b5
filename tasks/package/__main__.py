"""Command line of stage package."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from tasks import stage
from tasks.artifacts import json_bytes, whole_folder
from tasks.bundle import MODELS, Manifest, Precision, check_golden, load_bundle, load_score
from tasks.package import build
from tasks.package.examples import Examples, read_examples
from tasks.package.gate import Agreement, Loss, check_same_model, compare, measure_loss
from tasks.package.golden import EDGE_TEXTS, choose_golden
from tasks.package.origin import describe_origin
from tasks.package.params import PackageParams
from tasks.params import load_params
from tasks.predictor import Predictor, score_texts
from tasks.torch_predictor import load_predictor

_BYTES_PER_MB = 1e6
log = logging.getLogger(__name__)


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Answers that no number of CPUs changes; for texts one by one it is no slower."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@one_torch_thread()
def main(
    model_folder: Path, test_file: Path, metrics_file: Path, predictions_file: Path, target: Path
) -> None:
    """Export the trained model, check the export against it, and bundle it for serving.

    The tables of the other splits, whose sha256s are the data version, lie beside `test_file`.
    """
    params = load_params("package", PackageParams)
    trained = load_predictor(model_folder)
    examples = read_examples(test_file, predictions_file, trained.label_set)
    chosen = choose_golden(examples, params.num_golden)
    check_same_model(trained, examples, chosen, params.max_difference)
    with whole_folder(target) as folder:
        bundle = folder / "bundle"
        bundle.mkdir()
        log.info("exporting to ONNX, fp32 and int8")
        build.write_models(bundle, model_folder, params)
        build.write_surroundings(bundle, model_folder, metrics_file, max_tokens_of(trained))
        agreement, loss = check(bundle, trained, examples, chosen, params)
        origin = describe_origin(test_file.parent)
        checks = agreement._asdict() | loss._asdict()
        default: Precision = (
            "int8" if loss.int8_loss_points <= params.int8.max_loss_points else "fp32"
        )
        build.write_manifest(
            bundle, Manifest(files={}, default=default, checks=checks, origin=origin)
        )
        for precision in MODELS:
            check_golden(bundle, load_bundle(bundle, precision), precision)
        metrics = {"package": measure(bundle, examples, default) | checks}
        (folder / "metrics.json").write_bytes(json_bytes(metrics))
    tell(default, agreement, loss, target)


def check(
    bundle: Path, trained: Predictor, examples: Examples, chosen: list[int], params: PackageParams
) -> tuple[Agreement, Loss]:
    """Compare fp32 with the network and int8 with fp32, and keep the golden answers of both."""
    fp32, int8 = (
        trained._replace(score=load_score(bundle, precision, threads=1)) for precision in MODELS
    )
    texts = [*(examples.texts[index] for index in chosen), *EDGE_TEXTS]
    agreement = compare(trained, fp32, texts, params.max_difference)
    golden = build.make_golden(examples, chosen, trained.probs(texts, 1), int8.probs(texts), params)
    build.write_golden(bundle, golden)
    num_threads = params.threads or len(os.sched_getaffinity(0))
    int8_probs = score_texts(int8, examples.texts, num_threads)
    return agreement, measure_loss(examples, trained.label_set.classes, int8_probs)


def max_tokens_of(predictor: Predictor) -> int:
    truncation = predictor.tokenizer.truncation
    assert truncation is not None  # load_tokenizer sets it
    return int(truncation["max_length"])


def measure(bundle: Path, examples: Examples, default: Precision) -> dict[str, float]:
    sizes = {
        f"{precision}_mb": (bundle / name).stat().st_size / _BYTES_PER_MB
        for precision, name in MODELS.items()
    }
    return {
        "rows_in": len(examples.texts),
        "rows_out": len(examples.texts),
        "rejected": 0,
        "int8_is_default": int(default == "int8"),
        **sizes,
    }


def tell(default: Precision, agreement: Agreement, loss: Loss, target: Path) -> None:
    log.info("ONNX fp32 repeats the network within %.1e (logits), %.1e (probabilities)", *agreement)
    log.info(
        "macro F1 on the test split: fp32 %.4f, int8 %.4f (%+.2f points)",
        loss.fp32_macro_f1,
        loss.int8_macro_f1,
        -loss.int8_loss_points,
    )
    if default == "fp32":
        log.warning("int8 costs more than package.int8.max_loss_points: fp32 is the default")
    log.info("%s is the default of %s/bundle", default, target)


if __name__ == "__main__":
    stage.run("package", main)
