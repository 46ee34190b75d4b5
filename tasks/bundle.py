"""The deployable bundle as serving reads it: verified file by file, then a Predictor.

Needs onnxruntime and tokenizers alone, nothing of what trained the model.
"""

from pathlib import Path
from typing import Annotated, Literal, TypeVar

import numpy as np
import numpy.typing as npt
import onnxruntime
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tasks.artifacts import sha256_of
from tasks.errors import GateError, InputError
from tasks.label_set import read_label_set
from tasks.predictor import Predictor, Score
from tasks.text import normalise
from tasks.tokens import Ids, load_tokenizer

Kind = TypeVar("Kind", bound=BaseModel)
Precision = Literal["fp32", "int8"]
MODELS: dict[Precision, str] = {"fp32": "model.onnx", "int8": "model.int8.onnx"}
MANIFEST = "manifest.json"
GOLDEN = "golden.json"
PREPROCESSING = "preprocessing.json"
LABEL_SET = "label_set.json"
TOKENIZER = "tokenizer.json"


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class FileRecord(_Document):
    sha256: str
    size_bytes: int


class Origin(_Document):
    """The code, the data and the libraries that a bundle came from."""

    commit: str | None  # of git; null: not a git repository, or nothing committed yet
    uncommitted_changes: bool | None  # in code or graph; null: as above
    data: dict[str, str]  # split: sha256 of its table
    num_examples: int | None = None  # of train and validation; null: packaged before it was kept
    newest: str | None = None  # created_at of those, ISO 8601 in UTC; null: none says when
    libraries: dict[str, str]  # name: version


class Manifest(_Document):
    files: dict[str, FileRecord]  # all but the manifest
    default: Precision
    checks: dict[str, float]
    origin: Origin


class Preprocessing(_Document):
    max_tokens: Annotated[int, Field(ge=1)]
    normalisation: str
    normal_forms: dict[str, str]  # text: what normalisation made of it


class GoldenExample(_Document):
    text: str
    source: str | None  # null: made by hand
    label: str | None
    probs: dict[Precision, list[float]]  # in the label set's order


class Golden(_Document):
    tolerance: dict[Precision, float]  # largest difference of a probability, texts one by one
    examples: list[GoldenExample]


def load_bundle(folder: Path, precision: Precision | None = None, threads: int = 1) -> Predictor:
    """A Predictor from the bundle alone; precision None: the bundle's default.

    InputError, in one line, when a file is not as the manifest says or this code would prepare
    texts differently from the code that made the bundle.
    """
    manifest = verify_bundle(folder)
    preprocessing = read_document(folder / PREPROCESSING, Preprocessing)
    check_normalisation(folder, preprocessing)
    return Predictor(
        read_label_set(folder / LABEL_SET),
        load_tokenizer(folder, preprocessing.max_tokens),
        load_score(folder, precision or manifest.default, threads),
    )


def verify_bundle(folder: Path) -> Manifest:
    """Compare every file with the manifest; InputError names all that differ."""
    manifest = read_document(folder / MANIFEST, Manifest)
    found = {str(path.relative_to(folder)) for path in folder.rglob("*")} - {MANIFEST}
    problems = [f"{name} is missing" for name in sorted(manifest.files.keys() - found)]
    problems += [f"{name} is not in the manifest" for name in sorted(found - manifest.files.keys())]
    for name in sorted(found & manifest.files.keys()):
        if _record_of(folder / name) != manifest.files[name]:
            problems.append(f"{name} has another content than when it was packaged")
    if problems:
        raise InputError(
            f"{folder}: {'; '.join(problems)}. Restore the bundle (`dvc checkout`) or re-run the "
            "stage `package`."
        )
    return manifest


def record_files(folder: Path) -> dict[str, FileRecord]:
    """What the manifest says of every file beside it."""
    return {
        str(path.relative_to(folder)): _record_of(path)
        for path in sorted(folder.rglob("*"))
        if path.name != MANIFEST
    }


def _record_of(file: Path) -> FileRecord:
    if file.is_symlink() or not file.is_file():
        return FileRecord(sha256="not a file", size_bytes=0)
    return FileRecord(sha256=sha256_of(file), size_bytes=file.stat().st_size)


def read_document(file: Path, kind: type[Kind]) -> Kind:
    """One JSON file of the bundle; InputError, in one line, when it is missing or malformed."""
    try:
        return kind.model_validate_json(file.read_bytes())
    except OSError as error:
        problem = str(error.strerror)
    except ValidationError as error:
        first = error.errors()[0]
        problem = f"{'.'.join(map(str, first['loc'])) or 'content'}: {first['msg']}"
    raise InputError(f"{file}: {problem}. Re-run the stage `package`, which writes it.")


def check_normalisation(folder: Path, preprocessing: Preprocessing) -> None:
    """InputError when this code's `normalise` is not the one the model was trained with."""
    for text, expected in preprocessing.normal_forms.items():
        if (found := normalise(text)) != expected:
            raise InputError(
                f"{folder}: this code normalises {text[:80]!r} to {found[:80]!r}, the bundle's to "
                f"{expected[:80]!r}. Serve it with the commit in its {MANIFEST}, or package anew."
            )


def check_golden(folder: Path, predictor: Predictor, precision: Precision) -> float:
    """Largest difference from the expected probabilities; GateError names the worst text."""
    golden = read_document(folder / GOLDEN, Golden)
    texts = [example.text for example in golden.examples]
    expected = np.array([example.probs[precision] for example in golden.examples])
    differences = np.abs(predictor.probs(texts) - expected).max(axis=1)
    worst = int(differences.argmax())
    if not differences[worst] <= golden.tolerance[precision]:  # NaN is no agreement either
        raise GateError(
            f"{precision} model: probabilities of {texts[worst][:80]!r} are "
            f"{differences[worst]:.2g} off the golden ones, at most "
            f"{golden.tolerance[precision]:.2g} expected. Re-run the stage `package`."
        )
    return float(differences[worst])


def load_score(folder: Path, precision: Precision, threads: int) -> Score:
    """One of the bundle's models as a `predictor.Score`; a text's answer is the same in any batch.

    int8 rounds activations by the largest of the whole batch (up to 0.1 in a probability were seen
    to depend on the company), so its rows go one by one.
    """
    score = _onnx_score(folder / MODELS[precision], threads)
    return _row_by_row(score) if precision == "int8" else score


def _row_by_row(score: Score) -> Score:
    def score_rows(ids: Ids, mask: Ids) -> npt.NDArray[np.float32]:
        lengths = mask.sum(axis=1)
        rows = [
            score(ids[row : row + 1, :length], mask[row : row + 1, :length])
            for row, length in enumerate(lengths)
        ]
        return np.concatenate(rows)

    return score_rows


def _onnx_score(file: Path, threads: int) -> Score:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    # threads wait for each other in a loop while they score (asleep, a text takes half as long
    # again), but no longer: that would take the CPU from those that work
    options.add_session_config_entry("session.force_spinning_stop", "1")
    errors_only = 3
    options.log_severity_level = errors_only
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])

    def score(ids: Ids, mask: Ids) -> npt.NDArray[np.float32]:
        logits: npt.NDArray[np.float32] = session.run(["logits"], {"ids": ids, "mask": mask})[0]
        return logits

    return score
