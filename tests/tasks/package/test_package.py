"""The stage makes one bundle that can be trusted, or none and leaves the earlier one alone."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from tasks.artifacts import sha256_of
from tasks.bundle import verify_bundle
from tasks.errors import GateError, InputError, ParamsError
from tasks.package.examples import read_examples
from tasks.package.gate import compare, measure_loss
from tasks.package.golden import EDGE_TEXTS, choose_golden
from tasks.package.params import RECORDED_SECTIONS, PackageParams
from tasks.params import load_params
from tasks.records import PREDICTED, write_table
from tasks.torch_predictor import load_predictor
from tests.tiny_bundle import CLASSES, ROOT, package, write_params
from tests.tiny_model import write_tiny_model

MACHINE_PATH = re.compile(rb"/(?:work|tmp|root|home|usr)/|site-packages|\.py\b")


@pytest.fixture
def inputs(packaged: Path, tmp_path: Path) -> Path:
    """The inputs and the earlier bundle, to spoil."""
    return shutil.copytree(packaged, tmp_path / "inputs")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def test_the_bundle_is_whole_and_its_manifest_says_where_it_is_from(packaged: Path) -> None:
    bundle = packaged / "package/bundle"
    manifest = verify_bundle(bundle)
    assert set(manifest.files) == {
        "model.onnx", "model.int8.onnx", "tokenizer.json", "label_set.json", "preprocessing.json",
        "golden.json", "metrics.json", "params.yaml",
    }  # fmt: skip
    assert manifest.origin.data["train"] == sha256_of(packaged / "split/train.parquet")
    assert manifest.origin.libraries["torch"].startswith("2.")
    assert manifest.checks["max_logit_difference"] <= 1e-4
    assert (bundle / "metrics.json").read_bytes() == (
        packaged / "evaluate/metrics.json"
    ).read_bytes()
    metrics = json.loads((packaged / "package/metrics.json").read_bytes())["package"]
    assert metrics["rows_in"] == metrics["rows_out"] == 48
    assert metrics["fp32_mb"] > metrics["int8_mb"] > 0
    assert all(isinstance(value, int | float) for value in metrics.values())


def test_golden_examples_are_of_every_class_source_and_length_and_the_edges(packaged: Path) -> None:
    examples = json.loads((packaged / "package/bundle/golden.json").read_bytes())["examples"]
    chosen = [example for example in examples if example["label"] is not None]
    assert len(chosen) == 12
    assert {example["label"] for example in chosen} == set(CLASSES)
    assert {example["source"] for example in chosen} == {"ann", "bob"}
    assert [e["text"] for e in examples if e["label"] is None] == list(EDGE_TEXTS)
    for example in examples:
        assert sum(example["probs"]["fp32"]) == pytest.approx(1, abs=1e-4)


def test_two_runs_give_the_same_bytes_without_a_path_of_this_machine(inputs: Path) -> None:
    elsewhere = inputs.rename(inputs.with_name("elsewhere"))
    package(elsewhere, "again")
    once, again = contents(elsewhere / "package"), contents(elsewhere / "again")
    assert once.keys() == again.keys()
    assert [name for name in once if once[name] != again[name]] == []
    models = [once[f"bundle/{name}"] for name in ("model.onnx", "model.int8.onnx")]
    assert [MACHINE_PATH.findall(model) for model in models] == [[], []]


def test_int8_that_costs_too_much_is_not_the_default(
    inputs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_params(inputs, max_loss_points=-100.0)
    assert verify_bundle(package(inputs)).default == "fp32"
    assert "fp32 is the default" in caplog.text
    metrics = json.loads((inputs / "package/metrics.json").read_bytes())
    assert metrics["package"]["int8_is_default"] == 0


def test_predictions_of_another_model_stop_the_stage_and_the_earlier_bundle_stays(
    inputs: Path,
) -> None:
    before = contents(inputs / "package")
    shutil.rmtree(inputs / "model")
    write_tiny_model(inputs / "model", CLASSES, seed=1)
    with pytest.raises(InputError, match="they are of another model"):
        package(inputs)
    assert contents(inputs / "package") == before
    assert [path.name for path in inputs.glob(".*")] == []


def test_a_model_that_is_not_the_trained_one_closes_the_gate(inputs: Path) -> None:
    trained = load_predictor(inputs / "model")
    changed = load_predictor(write_tiny_model(inputs / "changed", CLASSES, seed=1))
    with pytest.raises(GateError, match=r"logits of .* off the trained network's") as caught:
        compare(trained, changed, ["it was good", "?", "a b c"], 1e-4)
    assert "\n" not in str(caught.value)
    broken = trained._replace(score=lambda ids, mask: trained.score(ids, mask) * float("nan"))
    with pytest.raises(GateError):
        compare(trained, broken, ["it was good"], 1e-4)


def test_a_bound_that_the_export_cannot_keep_closes_the_gate_and_the_earlier_bundle_stays(
    inputs: Path,
) -> None:
    before = contents(inputs / "package")
    params = yaml.safe_load((inputs / "params.yaml").read_text())
    params["package"]["max_difference"] = 1e-12
    # evaluate's predictions are the network's own in other batches, so they must not fail first
    rewrite_predictions(inputs, PackageParams.model_validate(params["package"]))
    (inputs / "params.yaml").write_text(yaml.safe_dump(params))
    with pytest.raises(GateError, match="trained network"):
        package(inputs)
    assert contents(inputs / "package") == before


def rewrite_predictions(inputs: Path, params: PackageParams) -> None:
    """As the stage scores the golden examples itself: the very same batch."""
    file = inputs / "evaluate/predictions.parquet"
    trained = load_predictor(inputs / "model")
    examples = read_examples(inputs / "split/test.parquet", file, trained.label_set)
    chosen = choose_golden(examples, params.num_golden)
    examples.probs[chosen] = trained.probs([examples.texts[index] for index in chosen])
    table = pq.ParquetFile(file).read()
    probs = table.schema.field("probs")
    write_table(
        file, table.set_column(3, probs, pa.array(examples.probs.tolist(), probs.type)), PREDICTED
    )


def test_a_class_without_examples_counts_in_no_macro_f1(packaged: Path) -> None:
    """As in evaluate: of two numbers called macro F1 of one model, one would be wrong."""
    trained = load_predictor(packaged / "model")
    file = packaged / "evaluate/predictions.parquet"
    examples = read_examples(packaged / "split/test.parquet", file, trained.label_set)
    position = [CLASSES.index(label) for label in examples.labels]
    perfect = examples._replace(probs=np.eye(len(CLASSES))[position])
    loss = measure_loss(perfect, (*CLASSES, "never seen"), perfect.probs)
    assert (loss.fp32_macro_f1, loss.int8_macro_f1, loss.int8_loss_points) == (1, 1, 0)


def test_predictions_of_other_rows_are_an_error_in_one_line(inputs: Path) -> None:
    file = inputs / "evaluate/predictions.parquet"
    write_table(file, pq.ParquetFile(file).read().slice(1), PREDICTED)
    with pytest.raises(InputError, match="47 predictions, expected one per row") as caught:
        package(inputs)
    assert "\n" not in str(caught.value)


def test_a_misspelt_param_is_named(inputs: Path) -> None:
    write_params(inputs, per_chanel=True)
    with pytest.raises(ParamsError, match="per_chanel"):
        package(inputs)


def test_the_bundle_records_the_params_that_the_graph_watches_for_it(packaged: Path) -> None:
    graph = yaml.safe_load((ROOT / "dvc.yaml").read_text())
    assert graph["stages"]["package"]["params"] == list(RECORDED_SECTIONS)
    recorded = yaml.safe_load((packaged / "package/bundle/params.yaml").read_text())
    assert list(recorded) == list(RECORDED_SECTIONS)
    assert recorded["train"] == yaml.safe_load((ROOT / "params.yaml").read_text())["train"]
    load_params("package", PackageParams, ROOT / "params.yaml")


@pytest.mark.slow
def test_the_command_says_in_one_line_what_is_missing(tmp_path: Path) -> None:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    paths = ["model", "test.parquet", "metrics.json", "predictions.parquet", "package"]
    done = subprocess.run(
        [sys.executable, "-m", "tasks.package", *paths],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.strip().startswith("package failed: model: no model.safetensors there.")
    assert not (tmp_path / "package").exists()
