"""The label set: the classes of the task in their order, written by label, read by all after it."""

import json
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tasks.artifacts import write_json
from tasks.errors import InputError


class LabelSet(BaseModel):
    """What an index in `label_probs` or in a model's output means."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    classes: Annotated[tuple[str, ...], Field(min_length=2)]  # index = position here
    ordered: bool  # the classes have an order, so a distance between two makes sense


def write_label_set(target: Path, label_set: LabelSet) -> None:
    write_json(target, label_set.model_dump(mode="json"))


def read_label_set(source: Path) -> LabelSet:
    """Read what `write_label_set` wrote; InputError, in one line, when it is missing or broken."""
    try:
        # pydantic's JSON mode takes a list for a tuple, which its strict mode otherwise refuses
        label_set = LabelSet.model_validate_json(source.read_bytes())
    except FileNotFoundError:
        raise InputError(
            f"{source}: no such file. Run the stage `label`, which writes it."
        ) from None
    except ValidationError as error:
        problem = json.dumps(error.errors()[0]["msg"])
        raise InputError(f"{source}: no label set: {problem}. Re-run the stage `label`.") from None
    if len(set(label_set.classes)) != len(label_set.classes):
        raise InputError(
            f"{source}: classes {list(label_set.classes)} must all differ. "
            "Re-run the stage `label`."
        )
    return label_set
