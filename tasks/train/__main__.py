"""Stage train: read the splits and the encoder, fit, write the model folder and its curve."""

import logging
import shutil
from pathlib import Path
from typing import Any

from tasks.artifacts import whole_folder
from tasks.params import load_params
from tasks.stage import RECORDS, run
from tasks.tracking.params import TrackingParams
from tasks.train.checkpoint import fingerprint
from tasks.train.choose import choose
from tasks.train.job import Job
from tasks.train.launch import launch
from tasks.train.model import save_tokenizer
from tasks.train.params import TrainParams
from tasks.train.session import RESULT, TOKENIZER
from tasks.train.strategy import check_scale

log = logging.getLogger(__name__)


def main(
    train_file: Path, validation_file: Path, label_set_file: Path, encoders: Path, target: Path
) -> None:
    """Fine-tune the encoder on the train split; an interrupted run goes on where it was."""
    params = load_params("train", TrainParams)
    scale, reason = choose(params.scale)
    log.info("strategy %s: %s", scale.strategy, reason)
    check_scale(scale)
    encoder = _encoder_place(encoders, params.network.encoder)
    job = Job(
        train_file=train_file,
        validation_file=validation_file,
        label_set_file=label_set_file,
        encoder=str(encoder),
        params=params.model_copy(update={"scale": scale}),
        tracking=load_params("tracking", TrackingParams),
        tracking_folder=RECORDS / "tracking",
    )
    inputs = [train_file, validation_file, label_set_file, encoder]
    work = _work_folder(target, fingerprint(_what_is_learnt(params), inputs))
    save_tokenizer(job.encoder, work / TOKENIZER)
    launch(job, work)
    with whole_folder(target) as folder:
        shutil.copytree(work / RESULT, folder, dirs_exist_ok=True)
    shutil.rmtree(work.parent)


def _encoder_place(encoders: Path, name: str) -> Path:
    """A folder the fetch stage wrote comes first; else a local path or a hub name as it is."""
    fetched = encoders / name
    return fetched if fetched.is_dir() else Path(name)


def _what_is_learnt(params: TrainParams) -> dict[str, Any]:
    """The params without those that only say where: a training may go on elsewhere."""
    tree = params.model_dump(mode="json", exclude={"launch", "scale"})
    scale = params.scale
    return {**tree, "scale": [scale.precision, scale.gradient_accumulation]}


def _work_folder(target: Path, name: str) -> Path:
    """Where this exact training keeps its checkpoints; those of any other training are dropped."""
    trainings = target.with_name(f".{target.name}.unfinished")
    for other in trainings.glob("*"):
        if other.name != name:
            shutil.rmtree(other)
    work = trainings / name
    work.mkdir(parents=True, exist_ok=True)
    return work


if __name__ == "__main__":
    run("train", main)
