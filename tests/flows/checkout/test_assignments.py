import pytest
import yaml

from flows.checkout.assignments import find_path, set_values
from tasks.errors import ParamsError
from tests.project import REPOSITORY

PARAMS = (REPOSITORY / "params.yaml").read_bytes()
SMALL = b"mine:  # not the code's\n  times: 2\n"
ASSIGNMENTS = ["train.max_epochs=1", "split.salt='7'", "tracking.loggers=[]"]


def all_values(assignments: list[str]) -> tuple[dict[str, object], list[str]]:
    content, changes = set_values(PARAMS, assignments)
    return yaml.safe_load(content), changes


@pytest.mark.parametrize(
    ("assignment", "path", "value"),
    [
        ("train.learning.max_epochs=1", "train.learning.max_epochs", 1),
        ("train.max_epochs=1", "train.learning.max_epochs", 1),
        ("params.yaml:train.max_epochs=1", "train.learning.max_epochs", 1),
        ("train.learning_rate=1e-5", "train.learning.learning_rate", 1e-5),
        ("train.debug=off", "train.run.debug", "off"),
        ("train.frozen_layers=null", "train.network.frozen_layers", None),
        ("label.classes[1]='1e5'", "label.classes.1", "1e5"),
        ("label.classes.1=no", "label.classes.1", "no"),
        ("label.classes=[a, 'é: \"#', 1x]", "label.classes", ["a", 'é: "#', "1x"]),
        ("evaluate.checks=[]", "evaluate.checks", []),
        ("evaluate.purpose=short", "evaluate.card.purpose", "short"),
        ("label.votes={rule: majority}", "label.votes", {"rule": "majority"}),
        ("evaluate.intervals={level: 0.9, num_resamples: 10, seed: 1}", "evaluate.intervals",
         {"level": 0.9, "num_resamples": 10, "seed": 1}),
    ],
)  # fmt: skip
def test_one_value_changes_and_nothing_else(assignment: str, path: str, value: object) -> None:
    expected = yaml.safe_load(PARAMS)
    *above, last = find_path(expected, path)
    holder = expected
    for key in above:
        holder = holder[key]
    holder[last] = value
    tree, changes = all_values([assignment])
    assert tree == expected
    assert changes[0].startswith(f"{path}: ")


def test_comments_and_layout_stay() -> None:
    changed = set_values(PARAMS, ["train.max_epochs=7", "label.ordered=false"])[0].decode()
    pairs = zip(PARAMS.decode().splitlines(), changed.splitlines(), strict=True)
    assert [(old.strip(), new.strip()) for old, new in pairs if old != new] == [
        ("ordered: true                 # the classes have an order: expected scores and their"
         " correlation make sense", "ordered: false                 # the classes have an order:"
         " expected scores and their correlation make sense"),
        ("max_epochs: 2", "max_epochs: 7"),
    ]  # fmt: skip


def test_values_that_fit_only_together_are_judged_together() -> None:
    tree, _ = all_values(["label.votes={rule: majority}", "label.ordered=false"])
    assert isinstance(tree["label"], dict)
    assert tree["label"]["votes"] == {"rule": "majority"}


def test_an_anchor_that_would_change_two_values_is_refused() -> None:
    with pytest.raises(ParamsError, match="without changing other values"):
        set_values(b"a: &x 1\nb: *x\n", ["b=2"])
    with pytest.raises(ParamsError, match="without changing other values"):
        set_values(b"a: &x {k: 1}\nb: *x\n", ["b.k=2"])
    with pytest.raises(ParamsError, match="comes from an anchor"):
        set_values(b"a: &x {k: 1}\nb: {<<: *x}\n", ["b.k=2"])


def test_a_key_without_a_value_gets_one() -> None:
    assert set_values(b"a:\n  k:   # why\n", ["a.k=2"])[0] == b"a:\n  k: 2   # why\n"
