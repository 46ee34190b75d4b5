"""A plan's parts, small: a training of a tiny network, and places at made-up prices."""

from pathlib import Path
from typing import Any

import yaml

from tasks.params import load_params, parse_section
from tasks.plan.params import PlanParams
from tasks.plan.work import Data, Training, make_training
from tasks.sizing.layout import Layout
from tasks.sizing.shapes import read_config
from tasks.train.params import TrainParams
from tests.project import REPOSITORY
from tests.tasks.train.workspace import write_workspace

FLAGS = Layout("single", 1, 1, True, False, False)
DATA = Data(num_examples=1000, num_tokens=20_000, num_validation_tokens=500, longest=32, source="")
FIELDS = {"vocab_size": 1000, "hidden_size": 64, "num_hidden_layers": 2,
          "num_attention_heads": 2, "intermediate_size": 128}  # fmt: skip


def plan_params(**changes: Any) -> PlanParams:
    tree = yaml.safe_load((REPOSITORY / "params.yaml").read_text("utf-8"))["plan"]
    return parse_section("plan", {**tree, **changes}, PlanParams)


def train_params() -> TrainParams:
    return load_params("train", TrainParams, REPOSITORY / "params.yaml")


def tiny_training(data: Data = DATA) -> Training:
    return make_training(read_config("bert", FIELDS), "tiny", train_params(), data, "cpu")


def write_folder(folder: Path) -> Path:
    """A workspace of the train stage whose params have the plan's section, too."""
    write_workspace(folder, num_rows=120)
    tree = yaml.safe_load((folder / "params.yaml").read_text("utf-8"))
    tree["plan"] = yaml.safe_load((REPOSITORY / "params.yaml").read_text("utf-8"))["plan"]
    tree["plan"]["calibration"] = {"num_steps": 8, "num_warmup_steps": 2}
    (folder / "params.yaml").write_text(yaml.safe_dump(tree), "utf-8")
    return folder


def gpu(memory: float, teraflops: float) -> dict[str, Any]:
    return {"memory_gibibytes": memory, "peak_teraflops": teraflops, "utilisation": 0.5,
            "node_gigabytes_per_second": 1e6, "network_gigabytes_per_second": 1e6,
            "per_node": 4}  # fmt: skip


def price(name: str, dollars: float, together: int = 1) -> dict[str, Any]:
    return {"gpu": name, "provider": "Here", "dollars_per_hour": dollars, "source": "made up",
            "rented_together": together, "date": "2026-01-31"}  # fmt: skip
