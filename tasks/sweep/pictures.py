"""A sweep's two pictures: its trials as lines through their values, and which values mattered."""

import io
import logging
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib as mpl
import optuna
from matplotlib.axes import Axes
from optuna.trial import FrozenTrial, TrialState, create_trial

from tasks.artifacts import whole_file

log = logging.getLogger(__name__)
_MIN_COMPLETE = 2  # trials, for an importance to mean anything
_INCHES_PER_KEY, _HEIGHT_INCHES, _DOTS_PER_INCH = 2.4, 4.8, 100


def write_pictures(study: optuna.Study, folder: Path) -> None:
    """PNG files in the study's folder; one that these trials do not allow costs a line."""
    from optuna.visualization import matplotlib as draw  # noqa: PLC0415 - takes a second

    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len({trial.value for trial in complete}) < _MIN_COMPLETE:
        log.info("no pictures: they need %d complete trials of unlike scores", _MIN_COMPLETE)
        return
    study = _with_short_names(complete)
    num_keys = len(complete[0].params) + 1
    pictures: dict[str, Callable[..., Any]] = {
        "parallel_coordinates.png": draw.plot_parallel_coordinate,
        "importances.png": draw.plot_param_importances,
    }
    for name, plot in pictures.items():
        with whole_file(folder / name) as stream:
            stream.write(_png(partial(plot, study, target_name="macro F1"), num_keys))


def _with_short_names(trials: Sequence[FrozenTrial]) -> optuna.Study:
    """A copy whose keys are their last words: Optuna cuts longer names until they look alike."""
    study = optuna.create_study(direction="maximize")
    for trial in trials:
        study.add_trial(
            create_trial(
                value=trial.value,
                params={_short(key): value for key, value in trial.params.items()},
                distributions={_short(key): one for key, one in trial.distributions.items()},
            )
        )
    return study


def _short(key: str) -> str:
    return key.rsplit(".", 1)[-1]


def _png(plot: Callable[[], Axes], num_keys: int) -> bytes:
    mpl.use("agg")
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        figure = plot().get_figure(root=True)
    assert figure  # axes are always of one
    figure.set_size_inches(max(_INCHES_PER_KEY * num_keys, 6), _HEIGHT_INCHES)
    figure.savefig(stream, format="png", dpi=_DOTS_PER_INCH, bbox_inches="tight")
    return stream.getvalue()
