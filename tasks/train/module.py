"""The learning rules: loss, optimizer, schedule, scores. It knows nothing of sharding."""

import math
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torchmetrics import MetricCollection
from torchmetrics.classification import MulticlassF1Score

from tasks.errors import GateError
from tasks.train.data import Batch
from tasks.train.model import Classifier
from tasks.train.params import LearningParams

_NAMED_EXAMPLES = 8


class ClassifierModule(pl.LightningModule):
    def __init__(self, model: Classifier, learning: LearningParams, num_steps: int) -> None:
        super().__init__()
        self.model = model.train()  # a pretrained encoder comes in evaluation mode
        self.learning = learning
        # told, not asked of the trainer: its estimate sets up the data too early, and Lightning
        # then forgets to restore the loader's place when it resumes in mid-epoch
        self.num_steps = num_steps
        self.rng_state: Tensor | None = None  # of a checkpoint this training goes on from
        self.gpu_rng_states: list[Tensor] = []
        self.epoch_loss = 0.0  # sum over the batches of this epoch so far
        self.epoch_batches = 0
        classes = model.head.out_features
        self.scores = MetricCollection(
            {
                "macro_f1": MulticlassF1Score(classes, average="macro"),
                "weighted_f1": MulticlassF1Score(classes, average="weighted"),
            },
            prefix="validation/",
        )

    def training_step(self, batch: Batch, _: int) -> Tensor:
        loss = soft_cross_entropy(self.model(batch.ids, batch.mask), batch.target)
        if not torch.isfinite(loss):
            raise GateError(_not_finite(loss.item(), self.global_step, batch))
        self.epoch_loss += loss.item()
        self.epoch_batches += 1
        self.log("train/loss", loss, batch_size=len(batch.label))
        return loss

    def on_train_epoch_end(self) -> None:
        self.epoch_loss, self.epoch_batches = 0.0, 0

    def validation_step(self, batch: Batch, _: int) -> None:
        logits = self.model(batch.ids, batch.mask).float()
        size = len(batch.label)
        loss = soft_cross_entropy(logits, batch.target)
        self.log("validation/loss", loss, batch_size=size)
        self.scores.update(logits.argmax(dim=1), batch.label)
        self.log_dict(self.scores, batch_size=size)

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
        self.log("train/gradient_norm", norm)

    # Lightning keeps weights, optimizer and loops in a checkpoint, but not the random state that
    # dropout draws from; without it a resumed run would differ from an undisturbed one.
    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["rng_state"] = torch.get_rng_state()
        checkpoint["gpu_rng_states"] = torch.cuda.get_rng_state_all()  # [] without a GPU
        checkpoint["epoch_loss"] = [self.epoch_loss, self.epoch_batches]

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.rng_state = checkpoint["rng_state"]
        self.gpu_rng_states = checkpoint["gpu_rng_states"]
        self.epoch_loss, self.epoch_batches = checkpoint["epoch_loss"]

    def on_train_start(self) -> None:
        if self.rng_state is not None:
            torch.set_rng_state(self.rng_state)
            torch.cuda.set_rng_state_all(self.gpu_rng_states)


def soft_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Mean over rows of -Σ target·log softmax(logits); both (rows, classes)."""
    loss: Tensor = nn.functional.cross_entropy(logits.float(), target)
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


def _not_finite(loss: float, step: int, batch: Batch) -> str:
    named = ", ".join(batch.example_ids[:_NAMED_EXAMPLES])
    more = len(batch.example_ids) - _NAMED_EXAMPLES
    rest = f" and {more} more" if more > 0 else ""
    cause = "not a number" if math.isnan(loss) else "infinite"
    return (
        f"the loss at step {step} is {cause}; it must be finite. Batch: {named}{rest}. Lower "
        "train.learning.learning_rate, or look at these examples in the train split."
    )
