"""The study in Optuna: where it is kept, how it draws values, and which trials it has."""

import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState, create_trial
from sqlalchemy import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from tasks.errors import FlywheelError, InputError, TemporaryError
from tasks.sweep.params import SamplerParams, StorageParams
from tasks.sweep.plan import Plan
from tasks.sweep.summary import Outcome, Summary

SQLITE, JOURNAL = "study.db", "study.journal"
_OWNER = "owner"  # attribute of a study
REASON, KEPT = "reason", "kept_macro_f1"  # of a diverged trial; of one that is complete
_WORDS: Mapping[TrialState, Any] = {
    TrialState.WAITING: "waiting", TrialState.RUNNING: "running", TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned", TrialState.FAIL: "diverged",
}  # fmt: skip
_BUSY_SECONDS = 60  # that a worker waits for others which write to the same SQLite file


def open_study(plan: Plan, folder: Path) -> optuna.Study:
    """The study of this folder, made at the first call.

    Raises InputError when its database already has a study of that name from another folder.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)  # its own lines would come twice
    hyperband = plan.sweep.hyperband
    study = optuna.create_study(
        study_name=plan.name,  # by it and by a trial's number Hyperband chooses the trial's bracket
        storage=open_storage(plan.sweep.storage, folder),
        direction="maximize",
        pruner=optuna.pruners.HyperbandPruner(
            hyperband.min_epochs, hyperband.max_epochs, hyperband.reduction_factor
        ),
        load_if_exists=True,
    )
    owner = study.user_attrs.get(_OWNER)
    if owner is None:
        study.set_user_attr(_OWNER, plan.owner)
    elif owner != plan.owner:
        raise InputError(
            f"the database that {plan.sweep.storage.url_from} names has a study {plan.name} of "
            "another folder. Give the sweep another name."
        )
    return study


def open_storage(storage: StorageParams, folder: Path) -> BaseStorage:
    """A file in the study's folder, or the database that the environment names."""
    if storage.kind == "journal":
        return JournalStorage(JournalFileBackend(str(folder / JOURNAL)))
    if storage.kind == "sqlite":
        url = URL.create("sqlite", database=str(folder / SQLITE)).render_as_string()
        return RDBStorage(url, engine_kwargs={"connect_args": {"timeout": _BUSY_SECONDS}})
    if not (address := os.environ.get(storage.url_from)):
        raise InputError(
            f"sweep.storage: the environment has no {storage.url_from}. Set it, such as "
            "postgresql+psycopg://user:password@host/name, or choose sqlite or journal."
        )
    try:
        # a word per epoch: no connection lies idle between them, for a firewall to cut
        return RDBStorage(address, engine_kwargs={"poolclass": NullPool})
    except (SQLAlchemyError, ImportError, ValueError) as error:
        # the address may hold a password, and what a driver says of it as well
        kind = type(error).__name__
        raise _no_database(storage, kind) from None


def _no_database(storage: StorageParams, kind: str) -> FlywheelError:
    return TemporaryError(
        f"sweep.storage: the database that {storage.url_from} names cannot be opened ({kind}). "
        "See that it is up and that its address and password are right, then run again."
    )


def mend_journal(folder: Path) -> None:
    """Cut off the last line when a full disk has left it half-written; it said nothing yet."""
    file = folder / JOURNAL
    if not file.exists():
        return
    content = file.read_bytes()
    if (whole := content.rfind(b"\n") + 1) < len(content):
        with file.open("r+b") as stream:
            stream.truncate(whole)


def add_trials(study: optuna.Study, num_trials: int) -> None:
    """All of them up front, waiting and without values: a resume adds none and loses none."""
    for _ in range(len(study.get_trials(deepcopy=False)), num_trials):
        study.add_trial(create_trial(state=TrialState.WAITING))


def make_sampler(params: SamplerParams, number: int) -> optuna.samplers.BaseSampler:
    """Of one trial: seed and number alone decide what is random in it, whoever runs it."""
    seed = int(np.random.SeedSequence([params.seed, number]).generate_state(1)[0])
    if params.kind == "random":
        return optuna.samplers.RandomSampler(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.TPESampler(
            n_startup_trials=params.num_startup_trials, seed=seed, constant_liar=True
        )


def outcome_of(trial: FrozenTrial, state: TrialState | None = None) -> Outcome:
    """How a trial stands; `state` where it is about to end and the study does not know yet."""
    scores = trial.intermediate_values
    return Outcome(
        number=trial.number,
        state=_WORDS[state or trial.state],
        values=trial.params,
        epochs=len(scores),
        macro_f1=trial.user_attrs.get(KEPT, max(scores.values(), default=None)),
        reason=trial.user_attrs.get(REASON, ""),
    )


def summarise(study: optuna.Study, plan: Plan) -> Summary:
    trials = study.get_trials(deepcopy=False)[: plan.sweep.num_trials]
    return Summary(
        name=plan.name,
        max_epochs=plan.sweep.hyperband.max_epochs,
        outcomes=[outcome_of(trial) for trial in trials],
    )
