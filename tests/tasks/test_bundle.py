"""A bundle serves as it was packaged, from its own files alone, or says what is wrong with it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tokenizers import processors

from tasks.artifacts import json_bytes, sha256_of
from tasks.bundle import (
    MANIFEST,
    MODELS,
    PREPROCESSING,
    Precision,
    check_golden,
    load_bundle,
    verify_bundle,
)
from tasks.errors import GateError, InputError

ROOT = Path(__file__).parents[2]
SERVE = """
import sys
from pathlib import Path
from tasks.bundle import check_golden, load_bundle
for precision in ("fp32", "int8"):
    print(check_golden(Path(sys.argv[1]), load_bundle(Path(sys.argv[1]), precision), precision))
heavy = {"torch", "transformers", "onnx", "sklearn", "pandas", "tasks.train"} & set(sys.modules)
assert not heavy, heavy
"""


@pytest.fixture
def bundle(packaged: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return shutil.copytree(packaged / "package/bundle", tmp_path / "bundle")


def rewrite(bundle: Path, name: str, content: bytes) -> None:
    """Change a file and the manifest's sha256 of it, as a careless person would."""
    (bundle / name).write_bytes(content)
    manifest = json.loads((bundle / MANIFEST).read_bytes())
    record = {"sha256": sha256_of(bundle / name), "size_bytes": len(content)}
    manifest["files"][name] = record
    (bundle / MANIFEST).write_bytes(json_bytes(manifest))


def test_golden_answers_come_from_the_bundle_alone_in_a_process_without_torch(bundle: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SERVE, str(bundle)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    differences = [float(line) for line in done.stdout.split()]
    assert differences[0] < 1e-5
    assert differences[1] < 1e-5  # same machine: int8 repeats itself


def test_the_default_precision_and_the_classes_come_from_the_bundle(bundle: Path) -> None:
    default = verify_bundle(bundle).default
    assert default == "int8"
    texts = ["it was good", "NA"]
    found = load_bundle(bundle).probs(texts)
    expected = load_bundle(bundle, "int8").probs(texts)
    np.testing.assert_array_equal(found, expected)
    assert (found != load_bundle(bundle, "fp32").probs(texts)).any()
    assert load_bundle(bundle).label_set.classes == ("NA", "None", "1e5", "True")


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_the_company_in_a_batch_changes_no_answer(bundle: Path, precision: Precision) -> None:
    predictor = load_bundle(bundle, precision)
    texts = ["it was good", "x" * 300, "?", "the film was not bad at all, it was great!"]
    alone = np.concatenate([predictor.probs([text]) for text in texts])
    np.testing.assert_allclose(predictor.probs(texts), alone, atol=1e-6)


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_a_text_of_no_token_gets_an_answer(bundle: Path, precision: Precision) -> None:
    """As from a tokenizer that adds no special tokens."""
    predictor = load_bundle(bundle, precision)
    predictor.tokenizer.post_processor = processors.TemplateProcessing(single="$A")
    assert predictor.tokenizer.encode("").ids == []
    alone = predictor.probs([""])
    assert alone.sum() == pytest.approx(1)
    np.testing.assert_allclose(predictor.probs(["", "it was good"])[:1], alone, atol=1e-6)


def test_more_threads_give_the_same_answers(bundle: Path) -> None:
    one, two = (load_bundle(bundle, "fp32", threads).probs(["the film", "?"]) for threads in (1, 2))
    np.testing.assert_allclose(one, two, atol=1e-6)


@pytest.mark.parametrize("name", [*MODELS.values(), "tokenizer.json", "golden.json", "params.yaml"])
def test_a_flipped_byte_is_refused_with_its_files_name(bundle: Path, name: str) -> None:
    content = bytearray((bundle / name).read_bytes())
    content[len(content) // 2] ^= 1
    (bundle / name).write_bytes(content)
    with pytest.raises(InputError, match=f"{name} has another content") as caught:
        load_bundle(bundle)
    assert "\n" not in str(caught.value)


def test_missing_and_extra_files_are_all_named_at_once(bundle: Path) -> None:
    (bundle / "label_set.json").unlink()
    (bundle / "model.onnx.bak").touch()
    (bundle / "notes").mkdir()
    with pytest.raises(InputError) as caught:
        verify_bundle(bundle)
    assert "label_set.json is missing" in str(caught.value)
    assert "model.onnx.bak is not in the manifest" in str(caught.value)
    assert "notes is not in the manifest" in str(caught.value)


@pytest.mark.parametrize("content", [None, b"", b"[]", b'{"files": {}, "default": "int4"}'])
def test_no_manifest_or_a_broken_one_is_an_error_in_one_line(
    bundle: Path, content: bytes | None
) -> None:
    (bundle / MANIFEST).unlink()
    if content is not None:
        (bundle / MANIFEST).write_bytes(content)
    with pytest.raises(InputError, match=MANIFEST) as caught:
        load_bundle(bundle)
    assert "\n" not in str(caught.value)


def test_a_bundle_whose_texts_were_prepared_otherwise_is_refused(bundle: Path) -> None:
    preprocessing = json.loads((bundle / PREPROCESSING).read_bytes())
    preprocessing["normal_forms"]["NA"] = "na"  # as if texts had been put into lower case
    rewrite(bundle, PREPROCESSING, json_bytes(preprocessing))
    with pytest.raises(InputError, match=r"normalises 'NA' to 'NA', the bundle's to 'na'"):
        load_bundle(bundle)


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_another_answer_than_the_golden_one_closes_the_gate(
    bundle: Path, precision: Precision
) -> None:
    golden = json.loads((bundle / "golden.json").read_bytes())
    golden["examples"][3]["probs"][precision].reverse()
    rewrite(bundle, "golden.json", json_bytes(golden))
    with pytest.raises(GateError, match=f"{precision} model: probabilities of"):
        check_golden(bundle, load_bundle(bundle, precision), precision)
