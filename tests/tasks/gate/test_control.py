"""The control of the gate itself: what is no better must be refused, again and again."""

import numpy as np
import pytest

from tasks.gate.evidence import Evidence, Measured, Rows
from tasks.gate.gather import Files, gather
from tasks.gate.judge import judge
from tasks.gate.paired import Answers, measure_gain
from tasks.gate.relative import of_gain
from tasks.verdict import Verdict
from tests.tasks.gate.cases import SHIPPED, failed_names, guess
from tests.tasks.gate.conftest import Trained

NUM_DRAWS = 100
# tiny networks are timid; and 1000 are steady enough for a hundred verdicts in a few seconds
PARAMS = SHIPPED.model_copy(
    update={
        "calibration": SHIPPED.calibration.model_copy(update={"max_ece": 0.2}),
        "gain": SHIPPED.gain.model_copy(update={"num_resamples": 1000}),
    }
)


def resample_rows(evidence: Evidence, draw: int) -> Evidence:
    """The evidence if other rows had been in the test split."""
    assert evidence.rows is not None
    test = evidence.rows.test
    some = np.random.default_rng(draw).integers(0, len(test.labels), len(test.labels))
    drawn = test._replace(
        texts=[test.texts[row] for row in some],
        labels=test.labels[some],
        sources=test.sources[some],
    )
    models = [evidence.candidate, evidence.champion]
    assert all(isinstance(model, Measured) for model in models)
    candidate, champion = (model._replace(probs=model.probs[some]) for model in models)  # type: ignore[union-attr]
    return evidence._replace(
        rows=Rows(drawn, evidence.rows.test_sha256, None), candidate=candidate, champion=champion
    )


def score(trained: Trained, candidate: str, champion: str) -> Evidence:
    """Both answer, by the files that would be served."""
    arena = trained.arena
    files = Files(
        getattr(trained, candidate), getattr(trained, champion), None, arena.test, None,
        arena.metrics,
    )  # fmt: skip
    evidence = gather(files, SHIPPED, [])
    for model in (evidence.candidate, evidence.champion):
        assert isinstance(model, Measured)
    clean = [_committed(model) for model in (evidence.candidate, evidence.champion)]  # type: ignore[arg-type]
    return evidence._replace(candidate=clean[0], champion=clean[1])


def _committed(model: Measured) -> Measured:
    """Tests may run beside changes of the code; here that is not the question."""
    origin = model.manifest.origin.model_copy(update={"uncommitted_changes": False})
    return model._replace(
        manifest=model.manifest.model_copy(update={"origin": origin}), milliseconds=1.0
    )


def judge_draws(evidence: Evidence) -> list[Verdict]:
    return [judge(resample_rows(evidence, draw), PARAMS, 15) for draw in range(NUM_DRAWS)]


@pytest.mark.slow
def test_the_champion_never_beats_itself(trained: Trained) -> None:
    evidence = score(trained, "champion", "champion")
    assert [one.decision for one in judge_draws(evidence)] == ["refused"] * NUM_DRAWS
    assert failed_names(judge(evidence, PARAMS, 15)) == {"gain.min_gain"}


@pytest.mark.slow
@pytest.mark.parametrize("pair", [("other_seed", "champion"), ("champion", "other_seed")])
def test_another_seed_of_the_champion_never_beats_it(
    trained: Trained, pair: tuple[str, str]
) -> None:
    evidence = score(trained, *pair)
    candidate, champion = evidence.candidate, evidence.champion
    assert isinstance(candidate, Measured)
    assert isinstance(champion, Measured)
    assert (candidate.predicted != champion.predicted).any()  # two models indeed
    verdicts = judge_draws(evidence)
    assert [one.decision for one in verdicts] == ["refused"] * NUM_DRAWS
    assert all("gain.min_gain" in failed_names(one) for one in verdicts)


@pytest.mark.slow
def test_a_truly_better_model_passes_and_a_truly_worse_one_does_not(trained: Trained) -> None:
    better = judge_draws(score(trained, "champion", "weak"))
    assert [one.decision for one in better] == ["passed"] * NUM_DRAWS
    worse = judge_draws(score(trained, "weak", "champion"))
    assert [one.decision for one in worse] == ["refused"] * NUM_DRAWS


@pytest.mark.slow
def test_an_equal_model_that_learnt_from_newer_data_passes(trained: Trained) -> None:
    verdicts = judge_draws(score(trained, "newer", "champion"))
    num_passed = sum(one.decision == "passed" for one in verdicts)
    assert num_passed >= 0.9 * NUM_DRAWS


def test_a_hundred_pairs_of_equally_good_models_that_disagree_widely_show_no_gain() -> None:
    """Each pair has rows of its own; a third of the answers differ, far more than of two seeds."""
    gains = []
    for draw in range(NUM_DRAWS):
        labels = np.random.default_rng(draw).integers(0, 3, 3000)
        champion, candidate = (guess(0.8, 1000 * side + draw, labels) for side in (1, 2))
        gains.append(measure_gain(Answers(labels, champion, candidate, 3), PARAMS.gain))
    assert [of_gain(gain, False, PARAMS.gain).passed for gain in gains] == [False] * NUM_DRAWS
    # by their scores alone some would have passed: it is the interval that refuses them
    lucky = [one for one in gains if one.candidate - one.champion > PARAMS.gain.min_gain]
    assert len(lucky) > 3
