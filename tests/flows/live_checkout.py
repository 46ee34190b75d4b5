"""A git checkout that declares a model, with kept runs and releases of tiny bundles in live/."""

from pathlib import Path

import yaml

from flows.checkout.versions import save_run
from tasks.evaluate.params import EvaluateParams
from tasks.gate.params import GateParams
from tasks.gate.question import question_of
from tasks.params import load_params
from tasks.release.adopt import Candidate, adopt
from tasks.releases import Release
from tests.project import run
from tests.tasks.release import side

TEST, HOLDOUT = Path("data/split/test.parquet"), Path("data/split/holdout.parquet")
METRICS = Path("data/validate/metrics.json")
STAGES = {
    "split": {"cmd": "true", "outs": [str(TEST), str(HOLDOUT)]},
    "validate": {"cmd": "true", "outs": [str(METRICS)]},
}
ARTIFACTS = {"classifier": {"path": "models/package/bundle", "type": "model"}}
IGNORED = ["/live/", "/models/", "/data/", "/candidates/", "/.run/", "/.prefect/", "service.log"]


def make_live_checkout(folder: Path) -> None:
    """Called where it is to be, as the working directory."""
    side.write_params(folder)
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": STAGES, "artifacts": ARTIFACTS}))
    (folder / ".gitignore").write_text("\n".join(IGNORED))
    run(folder, ["git", "init", "-q", "-b", "main"])
    run(folder, ["dvc", "init", "-q"])
    run(folder, ["git", "add", "-A"])
    run(folder, ["git", "commit", "-qm", "start"])


def release_run(
    packaged: Path, name: str, champion: Release | None = None, decision: str = "passed"
) -> Release:
    """A run kept as an experiment, its bundle judged and adopted."""
    bundle = side.make_bundle(packaged, name)
    verdict = side.write_verdict(bundle, champion, decision, question())
    saved = save_run(name, f"{name}: all good")
    return adopt(side.PLACE, Candidate(bundle, verdict, [], name, saved.commit), "minor", [], 5.0)


def question() -> str:
    """What the gate would be asked here and now."""
    params, evaluate = load_params("gate", GateParams), load_params("evaluate", EvaluateParams)
    return question_of(params, evaluate, TEST, METRICS, HOLDOUT)
