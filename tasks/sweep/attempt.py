"""One trial of a study, from the claim to what it tells: trained by the stage's own session."""

import logging
from pathlib import Path
from typing import Any

import optuna
import pytorch_lightning as pl
from optuna.trial import Trial, TrialState

from tasks.artifacts import write_json
from tasks.errors import GateError
from tasks.sweep.claim import claimed, drop_work, folder_of, work_of
from tasks.sweep.plan import Plan, read_plan
from tasks.sweep.space import SECTION, suggest, with_values
from tasks.sweep.study import KEPT, REASON, make_sampler, open_study, outcome_of
from tasks.train.job import Job
from tasks.train.model import save_tokenizer
from tasks.train.session import TOKENIZER, train

log = logging.getLogger(__name__)
PARAMS, METRICS = "params.json", "metrics.json"
_SCORE = "validation/macro_f1"  # a loss would hang on the trial's own mix of targets


class Reporting(pl.Callback):
    """Tells the study each epoch's validation score, and stops where Hyperband says so."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        # a resumed training validates again what was not in its checkpoint, with the same score
        self.reported = set(trial.study.trials[trial.number].intermediate_values)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        if trainer.sanity_checking:
            return
        epoch = trainer.current_epoch + 1
        if epoch not in self.reported:
            self.trial.report(float(trainer.callback_metrics[_SCORE]), epoch)
        # after the last epoch there is nothing left to save
        if epoch != trainer.max_epochs and self.trial.should_prune():
            raise optuna.TrialPruned


def run_trial(folder: Path) -> None:
    """Run the next trial of the study that nobody runs, to its end; nothing when none is left."""
    plan = read_plan(folder)
    study = open_study(plan, folder)
    with claimed(study, folder, plan.sweep.num_trials) as trial:
        if trial is None:
            log.info("no trial is left to begin")
            return
        _name_lines(trial.number)
        study.sampler = make_sampler(plan.sweep.sampler, trial.number)
        _run(plan, trial, folder_of(folder, trial.number))
        _log_progress(study, plan.sweep.num_trials)


def _run(plan: Plan, trial: Trial, place: Path) -> None:
    """Train, record, tell: a kill before the last leaves a trial that goes on from its checkpoint.

    The values are drawn once and then stand in the study, so that they are the same on going on.
    """
    values = suggest(trial, plan.sweep.space)
    log.info("%s", ", ".join(f"{key}={value}" for key, value in values.items()))
    params = with_values(plan.job.params, values)
    write_json(place / PARAMS, {SECTION: params.model_dump(mode="json")})
    work = work_of(place)
    # trackers show all trials of a study as one group
    named = {"group": f"{plan.name}-{plan.fingerprint}", "run_name": work.name}
    tracking = plan.job.tracking.model_copy(update=named)
    job = plan.job.model_copy(update={"params": params, "tracking": tracking})
    state = _train(job, trial, work)
    outcome = outcome_of(trial.study.trials[trial.number], state)
    write_json(place / METRICS, outcome.as_metrics())
    trial.study.tell(trial, outcome.macro_f1 if state == TrialState.COMPLETE else None, state)
    drop_work(place)
    log.info("%s", outcome.in_one_line())


def _train(job: Job, trial: Trial, work: Path) -> TrialState:
    """How it ended. A loss that is not finite is the values' fault, so the trial has diverged; any
    other error is not, so the trial stays to be run."""
    save_tokenizer(job.encoder, work / TOKENIZER)
    try:
        trained = train(job, work, [Reporting(trial)])
        trial.set_user_attr(KEPT, trained.fitted.best_row()["macro_f1"])
    except optuna.TrialPruned:
        return TrialState.PRUNED
    except GateError as error:
        trial.set_user_attr(REASON, str(error))
        return TrialState.FAIL
    return TrialState.COMPLETE


def _name_lines(number: int) -> None:
    """Trials that run side by side share a terminal."""
    for handler in logging.getLogger().handlers:
        handler.setFormatter(logging.Formatter(f"sweep {number:04d}: %(message)s"))


def _log_progress(study: optuna.Study, num_trials: int) -> None:
    done = sum(trial.state.is_finished() for trial in study.trials[:num_trials])
    log.info("%d of %d trials (%d %%)", done, num_trials, 100 * done // num_trials)
