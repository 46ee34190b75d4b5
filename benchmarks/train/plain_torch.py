"""The contestant plain PyTorch: the loop that a tutorial writes, in fp32 or with autocast."""

import torch
from transformers import AutoModelForSequenceClassification

from benchmarks.train.work import Stopwatch, Work, plain_loader
from tasks.train.processes import device_kind


def run_plain_torch(work: Work, autocast: bool) -> float:
    """Seconds of the last epoch."""
    kind = device_kind()
    model = AutoModelForSequenceClassification.from_pretrained(
        work.encoder, num_labels=work.num_classes
    )
    model.to(kind).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=work.params.learning.learning_rate)
    loader, watch = plain_loader(work), Stopwatch(work.num_steps)
    for _ in range(work.num_epochs):
        watch.begin_epoch()
        for batch in loader:
            moved = {name: tensor.to(kind) for name, tensor in batch.items()}
            with torch.autocast(kind, torch.bfloat16, enabled=autocast):
                loss = model(**moved).loss
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            watch.end_step()
    return watch.seconds
