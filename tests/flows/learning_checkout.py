"""A checkout that releases, with a stage that reads corrections, and what speaks for a training."""

from pathlib import Path

import yaml

from flows.checkout.versions import save_run
from flows.retrain_evidence import Found, gather
from tasks.release.adopt import Candidate, adopt
from tasks.retrain_policy.history import Training
from tests.flows.live_checkout import ARTIFACTS, STAGES, question
from tests.flows.nights import FEEDBACK, add_partition
from tests.project import run
from tests.tasks.release import side

ACCEPTED = FEEDBACK / "accepted"
LEARN = {
    "cmd": "mkdir -p data/learn && ls data/feedback/accepted > data/learn/out.txt",
    "deps": ["data/feedback", "code.txt"],
    "outs": ["data/learn/out.txt"],
}


def make_learning_checkout() -> None:
    """Of a live checkout, the working directory; brought up to date."""
    outs = {name: stage["outs"][0] for name, stage in STAGES.items()}
    made = {
        name: {"cmd": f"mkdir -p {Path(out).parent} && echo x > {out}", "outs": [out]}
        for name, out in outs.items()
    }
    graph = {"stages": {**made, "learn": LEARN}, "artifacts": ARTIFACTS}
    ignored = Path(".gitignore").read_text().replace("/data/", "/data/?*\n!/data/feedback")
    Path(".gitignore").write_text(ignored)
    Path("dvc.yaml").write_text(yaml.safe_dump(graph))
    Path("code.txt").write_text("one\n")
    Path("notes.txt").write_text("nobody reads this\n")
    add_partition(ACCEPTED, 3)
    bring_in()


def bring_in() -> None:
    """As the action does: DVC has the partitions, and the graph is brought up to date."""
    run(Path(), ["dvc", "add", "-q", str(ACCEPTED)])
    run(Path(), ["dvc", "repro", "-q"])


def release(packaged: Path, name: str) -> None:
    bundle = side.make_bundle(packaged, name)
    saved = save_run(name, f"{name}: all good")
    verdict = side.write_verdict(bundle, None, "refused", question())
    adopt(side.PLACE, Candidate(bundle, verdict, [], name, saved.commit), "minor", [], 5.0)


def found(*history: Training) -> Found:
    return gather("schedule", False, history)
