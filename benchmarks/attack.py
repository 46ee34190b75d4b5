"""`make bench-attack`: accounts that flip every other label, in the clone that `make demo` left.

Each attack has a copy of the clone. Its events go into the store beside those of the demo's people,
and the usual way from there. The accounts judge texts that were really asked, which others have
judged, too. What the quarantine holds is accepted all the same, as a careless person would.
"""

import contextlib
import datetime
import json
import random
import shutil
import sys
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sklearn.metrics import f1_score
from sqlalchemy import insert, select

from benchmarks.demo.place import Demo
from benchmarks.machine import describe_machine
from serving.store.engine import open_engine, writing
from serving.store.tables import FEEDBACK
from tasks.artifacts import sha256_of
from tasks.bundle import load_bundle
from tasks.evaluate.examples import read_examples
from tasks.feedback import name_rater
from tasks.live_store import make_store_url
from tasks.params import load_params
from tasks.partitions.decide import decide, list_held, make_decision
from tasks.predictor import score_texts
from tasks.privacy import pseudonym
from tasks.releases import LIVE, Place, read_pointer
from tasks.votes import LabelParams

CLONE, COPIES = Path(".run/demo/checkout"), Path(".run/attacks")
FOLDER = Path("data/feedback")
TRAIN, WEIGHED = Path("data/split/train.parquet"), Path("data/label/weighed.parquet")
BUNDLE, TEST = Path("models/package/bundle"), Path("data/split/test.parquet")
HELDOUT = Path(".run/demo/heldout.parquet")
ATTACKS = {1: 0.01, 20: 1.0}  # accounts, and the share of weight they may have at most
MAX_LOST_POINTS = 0.5
_TEXTS_EACH = 400
_FLIPPED = 0.5
_THREADS = 2


class Outcome(NamedTuple):
    """What an attack has come to."""

    num_events: int
    held: str  # why it was quarantined; "": it was not
    share_of_weight: float  # of all corrections
    is_trained: bool  # whether the train split changed at all
    lost_points: tuple[float, float]  # macro F1 on the test split, and on texts that demo held out
    decision: str  # the gate's, of the candidate against what is live


def main() -> None:
    if not HELDOUT.is_file() or not (CLONE / BUNDLE).is_dir():
        sys.exit(f"{CLONE}: no demo there, expected the clone that it leaves. Run make demo first.")
    print(describe_machine())
    problems = []
    for num_accounts, max_weight in ATTACKS.items():
        copy = COPIES / str(num_accounts)
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(CLONE, copy, symlinks=True)
        shutil.copy(HELDOUT, copy)
        with contextlib.chdir(copy):
            outcome = attack(Demo(Path.cwd(), 0), num_accounts)
        print(f"{num_accounts} accounts: {outcome}", flush=True)
        problems += [
            f"{num_accounts} accounts: {one}" for one in find_problems(outcome, max_weight)
        ]
    if problems:
        sys.exit("; ".join(problems))


def find_problems(outcome: Outcome, max_weight: float) -> Iterator[str]:
    """What an attack must not bring about, even where a person has let it pass."""
    if not outcome.held:
        yield "not held"
    if not outcome.decision.startswith("refused"):
        yield f"the gate said {outcome.decision}"
    if outcome.share_of_weight > max_weight:
        yield f"{outcome.share_of_weight:.1%} of the weight, expected {max_weight:.0%} at most"
    for lost in outcome.lost_points:
        if lost > MAX_LOST_POINTS:
            yield f"lost {lost:.1f} points, expected {MAX_LOST_POINTS} at most"


def attack(demo: Demo, num_accounts: int) -> Outcome:
    """Send, ingest, run the graph, and let the gate judge; nothing is made live."""
    before, trained_on = measure(find_live()[0]), sha256_of(TRAIN)
    names = [f"{num_accounts} attackers: {number}" for number in range(num_accounts)]
    num_events = send(names)
    demo.run(sys.executable, "-m", "tasks.ingest_feedback", "data/feedback")
    held = accept_carelessly()
    demo.run("dvc", "add", "--quiet", "data/feedback/accepted", "data/feedback/quarantined")
    demo.run("dvc", "repro", "--quiet")
    after = measure(BUNDLE)
    return Outcome(
        num_events,
        held,
        weigh([name_rater(None, pseudonym(None, name)) for name in names]),
        sha256_of(TRAIN) != trained_on,
        (100 * (before[0] - after[0]), 100 * (before[1] - after[1])),
        judge(demo),
    )


def accept_carelessly() -> str:
    """What waits in quarantine goes on; returns why it was held."""
    held = list_held(FOLDER)
    now = datetime.datetime.now(datetime.UTC)
    decide(FOLDER, held, make_decision("accepted", "nobody", "looks fine", now))
    return "; ".join(str(one.partition.manifest.held_because) for one in held)


def send(names: Sequence[str]) -> int:
    """Each account judges some texts as they are, and flips every other; all flip the same."""
    classes = load_params("label", LabelParams).classes
    engine = open_engine(make_store_url())
    try:
        with engine.connect() as connection:
            known = [dict(row._mapping) for row in connection.execute(select(FEEDBACK))]
        chance = random.Random(len(names))
        by_text = {row["text"]: row for row in known}
        lies = {text: chance.random() < _FLIPPED for text in by_text}
        events = [
            _judge(by_text[text], name, classes, lies[text])
            for name in names
            for text in chance.sample(sorted(by_text), _TEXTS_EACH)
        ]
        with writing(engine) as connection:
            connection.execute(insert(FEEDBACK), events)
    finally:
        engine.dispose()
    return len(events)


def _judge(
    known: dict[str, Any], name: str, classes: Sequence[str], is_lie: bool
) -> dict[str, Any]:
    """The last person's label of the text, or the one at the other end of the classes."""
    place = classes.index(known["label"])
    label = classes[len(classes) - 1 - place] if is_lie else classes[place]
    if is_lie and label == known["label"]:  # the middle
        label = classes[0]
    now = datetime.datetime.now(datetime.UTC)
    own = {"event_id": str(uuid.uuid4()), "rater": pseudonym(None, name), "label": label}
    kept = {key: value for key, value in known.items() if key != "seq"}
    return {**kept, **own, "received_at": now, "comment": None}


def weigh(raters: Sequence[str]) -> float:
    """Share of these raters in the weight that all corrections had in their labels."""
    table = pq.read_table(WEIGHED)
    mine = pc.is_in(table["rater"], value_set=pa.array(raters))
    return float((pc.sum(table["weight"].filter(mine)).as_py() or 0.0)
                 / pc.sum(table["weight"]).as_py())  # fmt: skip


def find_live() -> tuple[Path, str]:
    """Bundle and manifest's hash of what is live."""
    live = read_pointer(place := Place(LIVE)).live
    assert live, "the demo ends with a release"
    return place.bundle(live.version), live.manifest_sha256


def measure(bundle: Path) -> list[float]:
    """Macro F1 on the test split of the other sources, and on the texts that the demo held out."""
    model, scores = load_bundle(bundle), []
    for file in (TEST, Path(HELDOUT.name)):
        truth = read_examples(file, model.label_set)
        found = score_texts(model, truth.texts, _THREADS).argmax(axis=1)
        scores.append(float(f1_score(truth.labels, found, average="macro")))
    return scores


def judge(demo: Demo) -> str:
    (bundle, sha256), target = find_live(), Path(".run/attack")
    demo.run(
        sys.executable, "-m", "tasks.gate", "models/package/bundle", "data/split/test.parquet",
        "data/validate/metrics.json", str(target), "--holdout", "data/split/holdout.parquet",
        "--champion", str(bundle), "--champion-id", sha256,
    )  # fmt: skip
    verdict = json.loads((target / "verdict.json").read_text())
    failed = [one["name"] for one in verdict["conditions"] if not one["passed"]]
    return f"{verdict['decision']} ({', '.join(failed)})"


if __name__ == "__main__":
    main()
