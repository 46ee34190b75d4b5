"""The learning rules: loss, optimizer, schedule, scores. It knows nothing of sharding."""

from collections.abc import Callable, Sequence
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torchmetrics import MeanMetric, MetricCollection
from torchmetrics.classification import MulticlassF1Score

from tasks.train.data import Batch
from tasks.train.finite import Suspect, check_finite
from tasks.train.model import Classifier
from tasks.train.params import LearningParams

Distribute = Callable[[Classifier], None]


class ClassifierModule(pl.LightningModule):
    """`distribute` is called once on the network, when the processes have met."""

    def __init__(
        self,
        model: Classifier,
        learning: LearningParams,
        num_steps: int,
        distribute: Distribute = lambda _: None,
    ) -> None:
        super().__init__()
        self.model = model.train()  # a pretrained encoder comes in evaluation mode
        self.learning = learning
        # told, not asked of the trainer: its estimate sets up the data too early, and Lightning
        # then forgets to restore the loader's place when it resumes in mid-epoch
        self.num_steps = num_steps
        self.distribute: Distribute | None = distribute
        self.epoch_loss = torch.zeros(2, dtype=torch.float64)  # sum, rows: this process's share
        self.suspects: list[Suspect] = []  # of this step
        self.rng_states: dict[str, Tensor] = {}  # of the checkpoint this training goes on from
        classes = model.head.out_features
        self.scores = MetricCollection(
            {
                "macro_f1": MulticlassF1Score(classes, average="macro"),
                "weighted_f1": MulticlassF1Score(classes, average="weighted"),
            },
            prefix="validation/",
        )
        self.validation_loss = MeanMetric()

    def configure_model(self) -> None:
        if self.distribute is not None:  # Lightning calls this again for each of its stages
            self.distribute(self.model)
            self.distribute = None

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """The share of the batch's mean loss that these rows have, times the number of shares.

        Lightning and DDP divide by that number again, so the gradient is that of the mean over the
        whole batch, however unevenly its rows are dealt out.
        """
        losses = soft_cross_entropy(self.model(batch.ids, batch.mask), batch.target) * batch.weight
        total = losses.sum()
        with torch.no_grad():
            self.suspects.append(Suspect(total.detach(), batch.example_ids))
            share = torch.stack([total, batch.weight.sum()]).double()
            self.epoch_loss = self.epoch_loss.to(share.device) + share
        shares = self.trainer.world_size * self.trainer.accumulate_grad_batches
        return total * shares / batch.num_whole

    def on_train_epoch_end(self) -> None:
        self.epoch_loss = torch.zeros_like(self.epoch_loss)

    def validation_step(self, batch: Batch, _: int) -> None:
        logits = self.model(batch.ids, batch.mask).float()
        losses = soft_cross_entropy(logits, batch.target)
        num_rows = len(batch.example_ids)  # a row that only keeps in step does not count
        self.validation_loss.update(losses, batch.weight)
        self.scores.update(logits.argmax(dim=1)[:num_rows], batch.label[:num_rows])
        self.log("validation/loss", self.validation_loss)
        self.log_dict(self.scores)

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.AdamW(
            _parameter_groups(self.model, self.learning),
            weight_decay=self.learning.weight_decay,
            fused=True,
        )
        warmup = round(self.num_steps * self.learning.warmup_fraction)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: warmup_then_decay(step, warmup, self.num_steps)
        )
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip by norm here: Lightning refuses to beside a fused optimizer, and hides the norm."""
        trained = [parameter for parameter in self.parameters() if parameter.requires_grad]
        norm = nn.utils.clip_grad_norm_(trained, self.learning.gradient_clip_norm)
        norm = getattr(norm, "full_tensor", lambda: norm)()  # of the parts of all processes
        check_finite(norm, self.suspects, self.global_step)
        self.suspects = []
        self.log("train/gradient_norm", norm)

    # Lightning keeps weights, optimizer and loops in a checkpoint, but not the random state that
    # dropout draws from; without it a resumed run would differ from an undisturbed one.
    def own_state(self) -> dict[str, Tensor]:
        """What this process alone knows: its random state and its share of the epoch's loss."""
        own = {"rng": torch.get_rng_state(), "epoch_loss": self.epoch_loss}
        if self.device.type == "cuda":
            own["gpu_rng"] = torch.cuda.get_rng_state()
        return own

    def load_own_states(self, states: Sequence[dict[str, Tensor]], rank: int) -> None:
        """Of as many processes as there are now, each takes its own; of another number, the first
        takes what was summed up, and all go on with random numbers of their own."""
        if len(states) == self.trainer.world_size:
            self.rng_states = states[rank]
            self.epoch_loss = states[rank]["epoch_loss"]
        elif rank == 0:
            self.epoch_loss = torch.stack([state["epoch_loss"] for state in states]).sum(dim=0)

    def on_train_start(self) -> None:
        if self.rng_states:
            torch.set_rng_state(self.rng_states["rng"])
        if "gpu_rng" in self.rng_states and self.device.type == "cuda":
            torch.cuda.set_rng_state(self.rng_states["gpu_rng"])


def soft_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Of each row, -Σ target·log softmax(logits); logits and target (rows, classes)."""
    loss: Tensor = nn.functional.cross_entropy(logits.float(), target, reduction="none")
    return loss


def warmup_then_decay(step: int, warmup: int, steps: int) -> float:
    """Factor on the learning rate: linear from 0 to 1 over `warmup` steps, then linear to 0."""
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return max(0.0, (steps - step) / max(1, steps - warmup))


def _parameter_groups(model: Classifier, learning: LearningParams) -> list[dict[str, Any]]:
    """The head starts from nothing and learns faster; biases and norms (1-d) do not decay."""
    groups = []
    for part, rate in (
        (model.encoder, learning.learning_rate),
        (model.head, learning.head_learning_rate),
    ):
        trained = [parameter for parameter in part.parameters() if parameter.requires_grad]
        for decays, extra in ((True, {}), (False, {"weight_decay": 0.0})):
            members = [parameter for parameter in trained if (parameter.ndim > 1) is decays]
            if members:
                groups.append({"params": members, "lr": rate, **extra})
    return groups
