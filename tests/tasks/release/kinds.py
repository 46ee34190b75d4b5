"""Kinds of bad candidate: how to make one of a good bundle, and what its refusal says."""

import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from tasks.artifacts import json_bytes
from tasks.bundle import GOLDEN, LABEL_SET, MANIFEST, MODELS, PREPROCESSING
from tests.tasks.release import networks
from tests.tasks.release.side import rewrite

Spoil = Callable[[Path], object]
FP32 = MODELS["fp32"]


def change_json(name: str, change: Callable[[Any], object]) -> Spoil:
    def spoil(bundle: Path) -> None:
        tree = json.loads((bundle / name).read_bytes())
        change(tree)
        rewrite(bundle, name, json.dumps(tree).encode())  # NaN is written as such

    return spoil


def change_network(change: Callable[[onnx.ModelProto], object], name: str = FP32) -> Spoil:
    def spoil(bundle: Path) -> None:
        network = onnx.load(bundle / name)
        change(network)
        rewrite(bundle, name, network.SerializeToString())

    return spoil


def set_manifest(change: Callable[[Any], object]) -> Spoil:
    def spoil(bundle: Path) -> None:
        manifest = json.loads((bundle / MANIFEST).read_bytes())
        change(manifest)
        (bundle / MANIFEST).write_bytes(json_bytes(manifest))

    return spoil


def truncate(bundle: Path) -> None:
    os.truncate(bundle / FP32, (bundle / FP32).stat().st_size // 2)


def truncate_and_vouch(bundle: Path) -> None:
    rewrite(bundle, FP32, (bundle / FP32).read_bytes()[:-100])


def link_outside(bundle: Path) -> None:
    outside = bundle.parent / "outside.onnx"
    shutil.move(bundle / FP32, outside)
    (bundle / FP32).symlink_to(outside)


def make_huge(bundle: Path) -> None:
    with (bundle / "params.yaml").open("ab") as stream:
        stream.truncate(10 * 2**40)  # sparse: it takes no disk, but hours to hash


def empty(bundle: Path) -> None:
    for file in bundle.iterdir():
        file.unlink()


def nest(bundle: Path) -> None:
    (bundle / "more").mkdir()
    (bundle / "more/code.json").write_text("{}")


def replace_by_link(bundle: Path) -> None:
    moved = bundle.rename(bundle.with_name("elsewhere"))
    bundle.symlink_to(moved.resolve(), target_is_directory=True)


def inflate_tolerance(golden: Any) -> None:
    golden["tolerance"] = dict.fromkeys(MODELS, 1.0)
    for example in golden["examples"]:
        example["probs"] = {name: [0.25] * 4 for name in MODELS}


def flip_golden(golden: Any) -> None:
    for example in golden["examples"]:
        example["probs"] = {name: probs[::-1] for name, probs in example["probs"].items()}


def put_nan(golden: Any) -> None:
    golden["examples"][0]["probs"]["fp32"][0] = float("nan")


PICKLE = pickle.dumps({"weights": [1.0]})
KINDS: dict[str, tuple[Spoil, str]] = {
    "weights that are NaN": (change_network(networks.set_weights(np.nan)), "not finite"),
    "weights that are infinite": (change_network(networks.set_weights(np.inf)), "not finite"),
    "int8 weights that are NaN": (
        change_network(networks.set_weights(np.nan), MODELS["int8"]), "not finite"),
    "other weights than were packaged": (
        change_network(networks.scale_weights), "off the golden ones"),
    "another input": (change_network(networks.rename_input), "inputs"),
    "an input of another type": (change_network(networks.take_floats), "inputs"),
    "another output": (change_network(networks.rename_output), "outputs"),
    "weights outside of the bundle": (
        change_network(networks.put_weights_outside), "outside of the file"),
    "an operator of its own": (change_network(networks.add_foreign_operator), "com.evil"),
    "an operator of its own, in a branch": (
        change_network(networks.hide_foreign_operator), "com.evil"),
    "a function of its own": (
        change_network(networks.add_function), "a function of its own, 'Gelu'"),
    "a hunger for memory": (change_network(networks.want_memory), "alloc"),
    "another label set": (
        change_json(LABEL_SET, lambda tree: tree.update(classes=["a", "b", "c", "d"])), "expected"),
    "the label set in another order": (
        change_json(LABEL_SET, lambda tree: tree["classes"].reverse()), "expected"),
    "a class more": (change_json(LABEL_SET, lambda tree: tree["classes"].append("x")), "expected"),
    "a truncated model": (truncate, "another content"),
    "a truncated model, vouched for": (truncate_and_vouch, FP32),
    "a pickle in place of the model": (lambda bundle: rewrite(bundle, FP32, PICKLE), FP32),
    "a pickle beside the model": (
        lambda bundle: rewrite(bundle, "extra.pkl", PICKLE), "'extra.pkl' does not belong there"),
    "an extra file": (lambda bundle: (bundle / "run.py").write_text("x"), "'run.py'"),
    "a folder inside": (nest, "'more' does not belong there"),
    "a link in place of the model": (link_outside, "no plain file"),
    "a link in place of the bundle": (replace_by_link, "no folder of its own"),
    "no manifest": (lambda bundle: (bundle / MANIFEST).unlink(), "not the bundle"),
    "a wrong hash": (
        set_manifest(lambda tree: tree["files"][FP32].update(sha256="0" * 64)), "another content"),
    "names that lead outside": (
        set_manifest(lambda tree: tree["files"].update({"../release.json": tree["files"][FP32]})),
        "release.json is missing"),
    "a manifest that is none": (
        lambda bundle: (bundle / MANIFEST).write_bytes(b"[]"), MANIFEST),
    "other preprocessing": (
        change_json(PREPROCESSING, lambda tree: tree["normal_forms"].update(a="b")), "normalises"),
    "wrong golden answers": (change_json(GOLDEN, flip_golden), "off the golden ones"),
    "golden answers that are NaN": (change_json(GOLDEN, put_nan), "nan off the golden ones"),
    "golden answers that anything meets": (change_json(GOLDEN, inflate_tolerance), "any answer"),
    "no golden answers": (
        change_json(GOLDEN, lambda tree: tree.update(examples=[])), "expected examples"),
    "ten terabytes": (make_huge, "MB, at most"),
    "nothing": (empty, "not the bundle that was released"),
}  # fmt: skip
