"""A committed git and DVC checkout whose params name a store of feedback that is not there yet."""

from pathlib import Path
from typing import Any

import yaml

from tests.chain import Stages, make_checkout
from tests.project import REPOSITORY, run


def make_feedback_checkout(folder: Path, stages: Stages, hold: dict[str, Any]) -> None:
    make_checkout(folder, stages)
    whole = yaml.safe_load((REPOSITORY / "params.yaml").read_text("utf-8"))
    params = yaml.safe_load((folder / "params.yaml").read_text("utf-8"))
    params |= {name: whole[name] for name in ("ingest_feedback", "serving")}
    params["ingest_feedback"]["hold"] |= hold
    params["serving"]["prediction_log"]["url_from"] = "NO_SUCH_VARIABLE"
    (folder / "params.yaml").write_text(yaml.safe_dump(params), "utf-8")
    run(folder, ["git", "commit", "-qam", "feedback"])
