"""The whole stage as people run it: a process, real files, kills."""

import csv
import hashlib
import json
import re
import signal
import time
from pathlib import Path

import pytest

from tasks.errors import GateError, InputError
from tests.tasks.train.workspace import start, train, train_apart, write_params, write_workspace

pytestmark = pytest.mark.slow


def digests(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def metrics(folder: Path) -> dict[str, float]:
    return json.loads((folder / "models/train/metrics.json").read_text())["train"]


def kill_after_first_checkpoint(folder: Path) -> None:
    with start(folder) as process:
        while not list(folder.glob("models/.train.unfinished/*/last-*")):
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_workspace(tmp_path_factory.mktemp("undisturbed"))
    train(folder)
    return folder


def test_it_learns_what_one_word_decides_and_leaves_model_curve_and_metrics(
    undisturbed: Path,
) -> None:
    assert metrics(undisturbed)["validation_macro_f1"] > 0.9
    curve = list(
        csv.DictReader((undisturbed / "models/train/history.csv").read_text().splitlines())
    )
    assert [row["epoch"] for row in curve] == ["1", "2", "3"]
    assert float(curve[0]["train_loss"]) > float(curve[-1]["train_loss"])
    model = undisturbed / "models/train/model"
    assert {"model.safetensors", "config.json", "tokenizer.json", "label_set.json"} <= {
        file.name for file in model.iterdir()
    }
    assert [entry.name for entry in (undisturbed / "models").iterdir()] == ["train"]


def test_the_same_inputs_give_the_same_bytes(undisturbed: Path, tmp_path: Path) -> None:
    folder = write_workspace(tmp_path)
    status, output = train_apart(folder)
    assert status == 0, output
    assert digests(folder / "models") == digests(undisturbed / "models")


def test_another_seed_gives_other_weights(undisturbed: Path, tmp_path: Path) -> None:
    folder = write_workspace(tmp_path, seed=1)
    train(folder)
    name = "train/model/model.safetensors"
    assert digests(folder / "models")[name] != digests(undisturbed / "models")[name]


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT])
def test_a_run_stopped_in_mid_epoch_goes_on_to_the_same_bytes(
    undisturbed: Path, tmp_path: Path, stop: signal.Signals
) -> None:
    folder = write_workspace(tmp_path)
    with start(folder) as process:
        assert process.stdout is not None
        assert next(
            line for line in process.stdout if "epoch 2 of" in line and "batch 4 of" in line
        )
        process.send_signal(stop)
        rest = process.stdout.read()
    assert process.returncode != 0
    assert not (folder / "models/train").exists()
    assert not re.search(r"epoch 3 of \d+, batch 8", rest)
    status, output = train_apart(folder)
    assert status == 0, output
    assert "resuming from" in output
    assert not re.search(r"epoch 1 of \d+, batch 2 ", output)
    assert digests(folder / "models") == digests(undisturbed / "models")


def test_changed_params_do_not_resume_another_training(tmp_path: Path) -> None:
    folder = write_workspace(tmp_path, num_rows=512)
    kill_after_first_checkpoint(folder)
    write_params(folder, max_epochs=1)
    status, output = train_apart(folder)
    assert status == 0, output
    assert "resuming" not in output


def test_a_damaged_checkpoint_is_named_and_training_starts_anew(
    undisturbed: Path, tmp_path: Path
) -> None:
    folder = write_workspace(tmp_path)
    kill_after_first_checkpoint(folder)
    for shard in folder.glob("models/.train.unfinished/*/last-*/__0_*"):
        shard.write_bytes(shard.read_bytes()[:1000])
    status, output = train_apart(folder)
    assert status == 0, output
    assert re.search(r"last-\d+ is passed over: __0_0.distcp has 1000 bytes", output)
    assert "resuming" not in output
    assert digests(folder / "models") == digests(undisturbed / "models")


def test_one_batch_can_be_learnt_by_heart(tmp_path: Path) -> None:
    folder = write_workspace(tmp_path, debug="overfit_one_batch", max_epochs=30, patience_epochs=30)
    train(folder)
    assert metrics(folder)["validation_macro_f1"] == 1.0
    assert metrics(folder)["train_rows"] == 8


def test_a_network_that_cannot_learn_one_batch_is_refused(tmp_path: Path) -> None:
    folder = write_workspace(
        tmp_path, debug="overfit_one_batch", max_epochs=1, learning_rate=1e-9,
        head_learning_rate=1e-9,
    )  # fmt: skip
    with pytest.raises(GateError, match="one batch was not learnt by heart"):
        train(folder)


def test_fast_dev_run_takes_one_step(tmp_path: Path) -> None:
    folder = write_workspace(tmp_path, debug="fast_dev_run")
    train(folder)
    assert metrics(folder)["steps"] == 1


def test_a_loss_that_is_not_finite_stops_the_run_and_names_the_batch(tmp_path: Path) -> None:
    folder = write_workspace(tmp_path, learning_rate=1e30, head_learning_rate=1e30)
    with pytest.raises(GateError, match=r"the loss at step \d+ is .* Batch: 0000"):
        train(folder)
    assert not (folder / "models/train").exists()


def test_an_encoder_that_is_nowhere_is_named(tmp_path: Path) -> None:
    folder = write_workspace(tmp_path, encoder="no-such-encoder")
    with pytest.raises(InputError, match="'no-such-encoder' cannot be loaded"):
        train(folder)
