"""What a study is, in its folder: `study.json`, written once and read by every trial."""

import os
import uuid
from pathlib import Path
from typing import NamedTuple

from tasks.errors import InputError, ParamsError
from tasks.params import Params, load_params
from tasks.stage import RECORDS
from tasks.sweep.params import SweepParams
from tasks.sweep.space import check_space
from tasks.tracking.params import TrackingParams
from tasks.train.checkpoint import fingerprint
from tasks.train.job import Job, find_encoder, write_record
from tasks.train.params import TrainParams

PLAN = "study.json"


class Inputs(NamedTuple):
    """What every trial reads: the paths of stage train, no test split among them."""

    train_file: Path
    validation_file: Path
    label_set_file: Path
    encoders: Path


class Plan(Params):
    name: str
    owner: str  # of this folder alone: two folders never share a study in one database
    fingerprint: str  # of params, data and code; trials are compared only where it is the same
    sweep: SweepParams
    job: Job  # of a trial, before it has its values


def make_plan(inputs: Inputs, folder: Path) -> Plan:
    """From params.yaml; ParamsError where it cannot be searched as it stands."""
    sweep, train = load_params("sweep", SweepParams), load_params("train", TrainParams)
    check_space(sweep.space, train)
    if train.run.debug != "off":
        raise ParamsError(f"train.run.debug = {train.run.debug}: set it to off for a sweep.")
    encoder = find_encoder(inputs.encoders, train.network.encoder)
    files = [inputs.train_file, inputs.validation_file, inputs.label_set_file, encoder]
    return Plan(
        name=folder.name,
        owner=uuid.uuid4().hex,
        fingerprint=fingerprint({**train.what_is_learnt(), **sweep.what_is_searched()}, files),
        sweep=sweep,
        job=Job(
            train_file=inputs.train_file,
            validation_file=inputs.validation_file,
            label_set_file=inputs.label_set_file,
            encoder=str(encoder),
            params=_of_a_trial(train, sweep),
            tracking=load_params("tracking", TrackingParams),
            tracking_folder=RECORDS / "tracking",
        ),
    )


def _of_a_trial(train: TrainParams, sweep: SweepParams) -> TrainParams:
    """One process each, on its share of the CPUs; the learning rate decays over all the epochs
    that Hyperband grants, so that a rung compares like with like and the winner is trained alike.
    """
    share = max(1, len(os.sched_getaffinity(0)) // sweep.num_parallel)
    scale = train.scale.model_copy(update={"strategy": "single", "devices": 1, "nodes": 1})
    learning = train.learning.model_copy(update={"max_epochs": sweep.hyperband.max_epochs})
    run = train.run.model_copy(update={"threads": train.run.threads or share})
    return train.model_copy(update={"scale": scale, "learning": learning, "run": run})


def keep_plan(plan: Plan, folder: Path) -> Plan:
    """Write it, or go on with the one that is there; InputError when that is another study."""
    if (folder / PLAN).exists():
        earlier = read_plan(folder)
        if earlier.fingerprint != plan.fingerprint:
            raise InputError(
                f"{folder}: begun with other params, data or code, so its trials do not compare "
                "with new ones. Give the sweep another name, or remove that folder."
            )
        plan = plan.model_copy(update={"owner": earlier.owner})
    write_record(folder, PLAN, plan)
    return plan


def read_plan(folder: Path) -> Plan:
    try:
        return Plan.model_validate_json((folder / PLAN).read_bytes())
    except FileNotFoundError:
        raise InputError(
            f"{folder / PLAN}: no such file. Begin the sweep with python -m tasks.sweep."
        ) from None
