"""Params of stage evaluate."""

import re
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from tasks.params import Params

Count = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(gt=0, lt=1)]
Texts = Annotated[list[str], Field(min_length=1)]
SLOT = re.compile(r"\{(\w+)\}")


class IntervalParams(Params):
    level: Share
    num_resamples: Count
    seed: Seed


class TfidfParams(Params):
    max_words: Count  # a feature is up to this many words in a row
    max_characters: Annotated[int, Field(ge=0)]  # likewise characters within words; 0: none
    min_texts: Count
    inverse_regularisation: Annotated[float, Field(gt=0)]
    max_iterations: Count
    seed: Seed


class LabelIssueParams(Params):
    filter_by: Literal[
        "prune_by_noise_rate", "prune_by_class", "both", "confident_learning",
        "predicted_neq_given", "low_normalized_margin", "low_self_confidence",
    ]  # fmt: skip
    quality_method: Literal["self_confidence", "normalized_margin", "confidence_weighted_entropy"]


class TemplateTexts(Params):
    """Every template with every combination of values in its slots."""

    taken_from: Literal["templates"]
    templates: Texts
    slots: dict[str, Texts]

    @model_validator(mode="after")
    def _every_slot_is_known(self) -> Self:
        used = {slot for template in self.templates for slot in SLOT.findall(template)}
        if unknown := sorted(used - set(self.slots)):
            raise ValueError(f"templates use {unknown}, slots has only {sorted(self.slots)}")
        return self


class SplitTexts(Params):
    """Texts of the test split, those with the lowest ids, which are hashes: a stable sample."""

    taken_from: Literal["test_split"]
    max_texts: Count


class Vary(Params):
    """The slot's first value against each of its others."""

    what: Literal["vary"]
    slot: str


class Typos(Params):
    """Two neighbouring letters within a word change places."""

    what: Literal["typos"]
    num_per_text: Count
    seed: Seed


class Case(Params):
    what: Literal["case"]
    to: Literal["upper", "lower"]


class Append(Params):
    what: Literal["append"]
    additions: Texts  # one changed text each


class Replace(Params):
    """The first of the words that the text has, at its first place, gives way."""

    what: Literal["replace"]
    words: Annotated[dict[str, str], Field(min_length=1)]


class Invariance(Params):
    kind: Literal["invariance"]


class Direction(Params):
    kind: Literal["direction"]
    moves: Literal["up", "down"]
    of_class: str | None
    min_move: float


class Check(Params):
    """One behavioural check, after CheckList (Ribeiro et al., ACL 2020)."""

    name: Annotated[str, Field(min_length=1)]
    texts: Annotated[TemplateTexts | SplitTexts, Field(discriminator="taken_from")]
    change: Annotated[Vary | Typos | Case | Append | Replace, Field(discriminator="what")]
    expect: Annotated[Invariance | Direction, Field(discriminator="kind")]

    @model_validator(mode="after")
    def _vary_has_values(self) -> Self:
        if isinstance(self.change, Vary):
            slots = self.texts.slots if isinstance(self.texts, TemplateTexts) else {}
            if len(slots.get(self.change.slot, [])) < 2:  # noqa: PLR2004  a first and another
                raise ValueError(
                    f"check '{self.name}' varies '{self.change.slot}', which needs templates and a "
                    "slot of that name with two values or more"
                )
        return self


class CardParams(Params):
    title: str
    purpose: str
    limits: list[str]
    num_worst_mistakes: Annotated[int, Field(ge=0)]
    num_shown_failures: Annotated[int, Field(ge=0)]


class EvaluateParams(Params):
    calibration_bins: Count
    intervals: IntervalParams
    tfidf: TfidfParams
    label_issues: LabelIssueParams
    checks: list[Check]
    card: CardParams

    @model_validator(mode="after")
    def _check_names_differ(self) -> Self:
        names = [check.name for check in self.checks]
        if len(set(names)) != len(names):
            raise ValueError(f"checks must have names of their own, found {names}")
        return self
