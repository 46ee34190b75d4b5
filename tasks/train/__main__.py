"""Stage train: read the splits and the encoder, fit, write the model folder and its curve."""

import shutil
from pathlib import Path

from tasks.artifacts import whole_folder
from tasks.label_set import read_label_set
from tasks.params import load_params
from tasks.stage import RECORDS, run
from tasks.tracking.params import TrackingParams
from tasks.train.checkpoint import fingerprint
from tasks.train.choose import choose
from tasks.train.job import Job, find_encoder
from tasks.train.launch import launch
from tasks.train.model import save_tokenizer
from tasks.train.params import TrainParams
from tasks.train.session import RESULT, TOKENIZER
from tasks.train.strategy import check_scale


def main(
    train_file: Path, validation_file: Path, label_set_file: Path, encoders: Path, target: Path
) -> None:
    """Fine-tune the encoder on the train split; an interrupted run goes on where it was."""
    job = make_job(train_file, validation_file, label_set_file, encoders)
    work = open_work_folder(job, target)
    launch(job, work)
    with whole_folder(target) as folder:
        shutil.copytree(work / RESULT, folder, dirs_exist_ok=True)
    shutil.rmtree(work.parent)


def make_job(train_file: Path, validation_file: Path, label_set_file: Path, encoders: Path) -> Job:
    """The training that the params ask for, with strategy and devices chosen."""
    params = load_params("train", TrainParams)
    encoder = str(find_encoder(encoders, params.network.encoder))
    num_classes = len(read_label_set(label_set_file).classes)
    scale = choose(encoder, num_classes, params)
    check_scale(scale)
    return Job(
        train_file=train_file,
        validation_file=validation_file,
        label_set_file=label_set_file,
        encoder=encoder,
        params=params.model_copy(update={"scale": scale}),
        tracking=load_params("tracking", TrackingParams),
        tracking_folder=RECORDS / "tracking",
    )


def open_work_folder(job: Job, target: Path) -> Path:
    """Where this exact training keeps its checkpoints; those of any other training are dropped."""
    inputs = [job.train_file, job.validation_file, job.label_set_file, Path(job.encoder)]
    name = fingerprint(job.params.what_is_learnt(), inputs)
    trainings = target.with_name(f".{target.name}.unfinished")
    for other in trainings.glob("*"):
        if other.name != name:
            shutil.rmtree(other)
    work = trainings / name
    work.mkdir(parents=True, exist_ok=True)
    save_tokenizer(job.encoder, work / TOKENIZER)
    return work


if __name__ == "__main__":
    run("train", main)
