"""Accounts that flip what they send, alone or in company, against people who err now and then."""

import random
from collections import defaultdict
from typing import NamedTuple

import numpy as np
import pytest

from tasks.label.__main__ import Outcome, label
from tests.tasks.label.examples import FREE, corrected, known, make_examples

FLIP = {"-2": "2", "2": "-2"}
NUM_KNOWN, NUM_TEXTS, NUM_HONEST = 300, 1500, 60
TEXTS_OF_HONEST, ERRORS = 80, 0.2


class Attack(NamedTuple):
    """What each account sends."""

    num_accounts: int
    flipped: float  # of the texts, the same ones by all accounts
    num_shared: int  # texts, as honest people judge them
    num_alone: int = 0  # texts that no honest person sees
    meets_known: bool = False  # some of the shared ones are known


def drill(attack: Attack) -> Outcome:
    chance = random.Random(attack.num_accounts)
    truth = {f"t{n}": chance.choice(["-2", "2"]) for n in range(NUM_TEXTS)}
    alone = {f"alone {n}": chance.choice(["-2", "2"]) for n in range(attack.num_alone)}
    facts = [known(text, [vote] * 12) for text, vote in list(truth.items())[:NUM_KNOWN]]
    said: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for rater in range(NUM_HONEST):
        for text in chance.sample(list(truth), TEXTS_OF_HONEST):
            right = chance.random() > ERRORS
            said[text][f"honest {rater}"] = truth[text] if right else FLIP[truth[text]]
    lies = {text: chance.random() < attack.flipped for text in truth | alone}
    shared = list(truth)[0 if attack.meets_known else NUM_KNOWN :]
    for account in range(attack.num_accounts):
        for text in [*chance.sample(shared, attack.num_shared), *alone]:
            vote = (truth | alone)[text]
            said[text][f"account {account}"] = FLIP[vote] if lies[text] else vote
    rows = [corrected(text, votes) for text, votes in said.items()]
    return label(make_examples([*facts, *rows]), FREE)


def share_of_accounts(outcome: Outcome) -> float:
    weights = outcome.weighed["weight"].to_numpy()
    is_account = [name.startswith("account") for name in outcome.weighed["rater"].to_pylist()]
    return float(weights[is_account].sum() / weights.sum())


def mean_weight(outcome: Outcome, who: str) -> float:
    names, weights = outcome.raters["rater"].to_pylist(), outcome.raters["weight"].to_pylist()
    both = zip(names, weights, strict=True)
    return float(np.mean([weight for name, weight in both if name.startswith(who)]))


@pytest.mark.parametrize(
    ("attack", "most"),
    [
        (Attack(1, 0.5, 300, meets_known=True), 0.01),
        (Attack(20, 0.5, 300, meets_known=True), 0.02),
        (Attack(20, 1.0, 100, meets_known=True), 0.001),
        # known texts avoided: what honest people say is all there is against them
        (Attack(20, 1.0, 300), 0.001),
        (Attack(20, 1.0, 20), 0.001),
        (Attack(20, 1.0, 150, num_alone=150), 0.001),
        (Attack(20, 1.0, 3), 0.02),  # too few to know anybody by: newcomers' words are bounded
    ],
    ids=str,
)
def test_accounts_that_flip_what_others_judge_end_with_next_to_no_weight(attack, most):
    outcome = drill(attack)
    assert share_of_accounts(outcome) <= most
    assert mean_weight(outcome, "honest") > 0.9


def test_however_many_agree_with_one_another_they_silence_nobody_whom_known_texts_speak_for():
    """Two accounts to one honest person, and four of their votes to one honest on each text."""
    outcome = drill(Attack(120, 1.0, 120))
    assert mean_weight(outcome, "honest") > 0.9
    assert share_of_accounts(outcome) <= 0.02


@pytest.mark.parametrize("num_shared", [100, 300])
def test_half_of_lies_where_nothing_is_known_is_told_from_error_only_in_part(num_shared):
    """Beside people who are wrong one time in five, who flips half of it agrees three quarters as
    often as they do with one another: at `no_trust_below`, so chance has its say."""
    outcome = drill(Attack(20, 0.5, num_shared))
    assert share_of_accounts(outcome) <= 0.1
    assert mean_weight(outcome, "account") < 0.5
    assert mean_weight(outcome, "honest") > 0.9


def test_of_texts_that_nobody_else_judged_nothing_is_known_and_numbers_alone_bound_them():
    """Whoever starts is in the same place; what is left is their share of the known labels."""
    outcome = drill(Attack(20, 1.0, 0, num_alone=300))
    assert mean_weight(outcome, "account") == 1.0
    assert mean_weight(outcome, "honest") > 0.9


@pytest.mark.parametrize("num_newcomers", [1, 5, 50])
def test_newcomers_together_weigh_half_of_those_who_have_proved_right_on_the_text(num_newcomers):
    facts = [known(f"fact {n}", ["3"] * 12) for n in range(60)]
    proved = [corrected(f"fact {n}", {"ann": "2", "bob": "2"}) for n in range(60)]
    crowd = {f"new {n}": "-2" for n in range(num_newcomers)}
    rows = [*facts, *proved, corrected("new", {"ann": "2", "bob": "2", **crowd})]
    rows.append(corrected("alone", crowd))  # where nobody has proved anything, each counts fully
    *_, new, alone = label(make_examples(rows), FREE).examples["label_probs"].to_pylist()
    assert new[0] <= 1 / 3
    assert new[2] >= 2 / 3
    assert alone == [1.0, 0.0, 0.0]


def test_what_each_vote_counted_is_written_with_the_reason():
    facts = [known(f"fact {n}", ["3"] * 12) for n in range(300)]
    lies = [corrected(f"fact {n}", {"liar": "-2"}) for n in range(30)]
    mine = [corrected(f"mine {n}", {"busy": "2"}) for n in range(10)]
    trust = FREE.trust.model_copy(update={"max_share_per_rater": 0.01})
    outcome = label(make_examples([*facts, *lies, *mine]), FREE.model_copy(update={"trust": trust}))
    found = outcome.weighed.to_pylist()
    assert {one["became"] for one in found if one["rater"] == "liar"} == {"distrusted"}
    of_busy = [(one["weight"], one["became"]) for one in found if one["rater"] == "busy"]
    assert of_busy == [(1.0, "counted")] * 4 + [(0.0, "beyond_share")] * 6
    assert len(found) == 40


def test_whoever_is_not_believed_is_no_rater_of_a_text_for_the_gate():
    """It asks how many people have judged a text of the hold-out."""
    facts = [known(f"fact {n}", ["3"] * 12) for n in range(30)]
    lies = [corrected(f"fact {n}", {"liar": "-2", "crony": "-2"}) for n in range(30)]
    said = {"ann": "2", "liar": "-2", "crony": "-2"}
    outcome = label(make_examples([*facts, *lies, corrected("new", said)]), FREE)
    last = outcome.examples.to_pylist()[-1]
    assert (last["raters"], last["votes"], last["label"]) == (["ann"], ["2"], "positive")
    first = outcome.examples.to_pylist()[0]
    assert (first["raters"], first["votes"]) == (None, ["3"] * 12)
    alone = outcome.examples.to_pylist()[30]
    assert (alone["raters"], alone["votes"], alone["label"]) == ([], [], None)
