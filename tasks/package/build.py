"""The files of a bundle, one function each."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import yaml

from tasks.artifacts import json_bytes
from tasks.bundle import (
    GOLDEN,
    LABEL_SET,
    MANIFEST,
    MODELS,
    PREPROCESSING,
    TOKENIZER,
    Golden,
    GoldenExample,
    Manifest,
    Preprocessing,
    record_files,
)
from tasks.errors import InputError
from tasks.package.examples import Examples, Floats
from tasks.package.export import export_onnx, write_onnx
from tasks.package.golden import EDGE_TEXTS
from tasks.package.params import RECORDED_SECTIONS, PackageParams
from tasks.package.quantise import write_int8
from tasks.params import PARAMS_FILE
from tasks.text import normalise
from tasks.train.model import load_classifier

_DIGITS = 6  # of golden probabilities; well below any tolerance


def write_models(bundle: Path, model_folder: Path, params: PackageParams) -> None:
    write_onnx(bundle / MODELS["fp32"], export_onnx(load_classifier(model_folder), params.opset))
    write_int8(bundle / MODELS["fp32"], bundle / MODELS["int8"], params.int8)


def write_surroundings(
    bundle: Path, model_folder: Path, metrics_file: Path, max_tokens: int
) -> None:
    """What goes with the models: preparing of texts, meaning of classes, metrics, params."""
    for name in (TOKENIZER, LABEL_SET):
        shutil.copyfile(model_folder / name, bundle / name)
    if not metrics_file.is_file():
        raise InputError(
            f"{metrics_file}: no such file. Run the stage `evaluate`, which writes it."
        )
    shutil.copyfile(metrics_file, bundle / "metrics.json")
    preprocessing = Preprocessing(
        max_tokens=max_tokens,
        normalisation=f"{normalise.__module__}.{normalise.__name__}",
        normal_forms={text: normalise(text) for text in EDGE_TEXTS},
    )
    (bundle / PREPROCESSING).write_bytes(json_bytes(preprocessing.model_dump(mode="json")))
    tree = yaml.safe_load(PARAMS_FILE.read_text(encoding="utf-8"))
    recorded = {name: tree[name] for name in RECORDED_SECTIONS if name in tree}
    text = yaml.safe_dump(recorded, sort_keys=False, allow_unicode=True)
    (bundle / PARAMS_FILE.name).write_text(text, encoding="utf-8")


def make_golden(
    examples: Examples, chosen: Sequence[int], fp32: Floats, int8: Floats, params: PackageParams
) -> Golden:
    """The chosen examples, then the edge texts; `fp32` and `int8`: probabilities in that order."""
    known: list[tuple[str, str | None, str | None]] = [
        (examples.texts[index], examples.sources[index], examples.labels[index]) for index in chosen
    ]
    known += [(text, None, None) for text in EDGE_TEXTS]
    return Golden(
        tolerance={"fp32": params.max_difference, "int8": params.int8.tolerance},
        examples=[
            GoldenExample(
                text=text,
                source=source,
                label=label,
                probs={"fp32": _rounded(trained), "int8": _rounded(quantised)},
            )
            for (text, source, label), trained, quantised in zip(known, fp32, int8, strict=True)
        ],
    )


def _rounded(probs: Floats) -> list[float]:
    return [round(float(prob), _DIGITS) for prob in probs]


def write_golden(bundle: Path, golden: Golden) -> None:
    (bundle / GOLDEN).write_bytes(json_bytes(golden.model_dump(mode="json")))


def write_manifest(bundle: Path, manifest: Manifest) -> None:
    """Last of all, since it names every other file."""
    whole = manifest.model_copy(update={"files": record_files(bundle)})
    (bundle / MANIFEST).write_bytes(json_bytes(whole.model_dump(mode="json")))
