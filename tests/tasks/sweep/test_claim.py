"""Each trial is one process's alone, and found again when that process is gone."""

import contextlib
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from tasks.errors import InputError
from tasks.sweep.claim import claimed
from tasks.sweep.params import SamplerParams
from tasks.sweep.plan import Plan, read_plan
from tasks.sweep.study import JOURNAL, add_trials, make_sampler, mend_journal, open_study
from tests.tasks.sweep.workspace import STUDY, begin_here, change_sweep, write_sweep

SECRET = "postgresql+psycopg://someone:s3same@127.0.0.1:1/none"


@pytest.fixture(params=["sqlite", "journal"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    storage = {"kind": request.param, "url_from": "SWEEP_DATABASE"}
    begin_here(write_sweep(tmp_path / "here", storage=storage))
    return tmp_path / "here" / STUDY


@pytest.fixture
def study(folder: Path) -> optuna.Study:
    return open_study(read_plan(folder), folder)


def numbers(*trials: optuna.Trial | None) -> list[int | None]:
    return [trial.number if trial else None for trial in trials]


def test_nobody_gets_a_trial_that_another_has(folder: Path, study: optuna.Study) -> None:
    with contextlib.ExitStack() as stack:
        trials = [stack.enter_context(claimed(study, folder, 3)) for _ in range(4)]
        assert numbers(*trials) == [0, 1, 2, None]
    assert {trial.state for trial in study.trials} == {TrialState.RUNNING}


def test_a_trial_whose_process_is_gone_comes_first_with_what_it_had_drawn(
    folder: Path, study: optuna.Study
) -> None:
    with claimed(study, folder, 3) as first:
        assert first
        rate = first.suggest_float("train.learning.learning_rate", 0, 1)
        first.report(0.5, 1)
    with claimed(study, folder, 3) as again:
        assert again
        assert numbers(first, again) == [0, 0]
        assert again.suggest_float("train.learning.learning_rate", 0, 1) == rate
        study.tell(again, 0.5)
    with claimed(study, folder, 3) as second:
        assert numbers(second) == [1]
    (only, *_) = study.trials
    assert only.intermediate_values == {1: 0.5}


def test_a_resume_adds_no_trial_and_more_trials_only_come_behind(
    folder: Path, study: optuna.Study
) -> None:
    begin_here(folder.parents[2])
    assert [trial.number for trial in study.trials] == [0, 1, 2]
    change_sweep(folder.parents[2], num_trials=5)
    begin_here(folder.parents[2])
    assert [trial.number for trial in study.trials] == [0, 1, 2, 3, 4]
    add_trials(study, 2)
    assert len(study.trials) == 5


def test_another_search_in_the_same_folder_is_refused(folder: Path) -> None:
    change_sweep(folder.parents[2], hyperband={
        "min_epochs": 1, "max_epochs": 2, "reduction_factor": 2,
    })  # fmt: skip
    with pytest.raises(InputError, match="begun with other params, data or code"):
        begin_here(folder.parents[2])


def test_two_folders_never_share_a_study(folder: Path) -> None:
    plan = read_plan(folder)
    with pytest.raises(InputError, match="of another folder"):
        open_study(plan.model_copy(update={"owner": "another"}), folder)


def test_a_half_written_last_line_of_a_journal_is_cut_off(folder: Path) -> None:
    if not (folder / JOURNAL).exists():
        mend_journal(folder)
        return
    whole = (folder / JOURNAL).read_bytes()
    (folder / JOURNAL).write_bytes(whole + b'{"op_code":4,"wor')
    mend_journal(folder)
    assert (folder / JOURNAL).read_bytes() == whole


@pytest.mark.parametrize("kind", ["random", "tpe"])
def test_seed_and_number_alone_decide_what_a_trial_draws(kind: Any) -> None:
    params = SamplerParams(kind=kind, seed=1, num_startup_trials=5)

    def draw(number: int) -> float:
        study = optuna.create_study(sampler=make_sampler(params, number))
        return study.ask().suggest_float("x", 0, 1)

    assert draw(3) == draw(3)
    assert len({draw(number) for number in range(4)}) == 4


def test_a_databases_password_is_in_no_error_and_no_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan: Plan = read_plan(folder)
    storage = plan.sweep.storage.model_copy(update={"kind": "database"})
    sweep = plan.sweep.model_copy(update={"storage": storage})
    plan = plan.model_copy(update={"sweep": sweep})
    with pytest.raises(InputError, match="the environment has no SWEEP_DATABASE"):
        open_study(plan, folder)
    monkeypatch.setenv("SWEEP_DATABASE", SECRET)
    with pytest.raises(Exception, match="SWEEP_DATABASE names cannot be opened") as error:
        open_study(plan, folder)
    assert "s3same" not in repr(error.value)
    assert "s3same" not in (folder / "study.json").read_text()
