"""From votes to classes: the rules of params section `label`, shared by validate and label."""

import itertools
import re
from typing import Annotated, Literal, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator, model_validator

from tasks.params import Params

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Share = Annotated[float, Field(ge=0, le=1)]
Evidence = Annotated[float, Field(ge=0, allow_inf_nan=False)]
UNLABELLED = -1
_UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class ScaleVotes(Params):
    """Votes are numbers on a scale; the class follows from their mean."""

    rule: Literal["mean"]
    lowest: float
    highest: float
    thresholds: list[float]  # ascending; a mean on a threshold belongs to the middle of the scale

    @model_validator(mode="after")
    def _thresholds_cut_the_scale(self) -> Self:
        points = [self.lowest, *self.thresholds, self.highest]
        if not all(left < right for left, right in itertools.pairwise(points)):
            raise ValueError(f"lowest, thresholds and highest must ascend, found {points}")
        return self


class CategoryVotes(Params):
    """Votes are class names; the class is what most raters say, a tie goes to the earlier class."""

    rule: Literal["majority"]


class ConsensusParams(Params):
    """How raters who carry ids are weighed, with the help of a classifier they trained."""

    quality_method: Literal["crowdlab", "agreement"]
    folds: Annotated[int, Field(ge=2)]
    max_features: Annotated[int, Field(ge=1)]
    inverse_regularisation: Annotated[float, Field(gt=0)]
    max_iterations: Annotated[int, Field(ge=1)]
    max_cells: Annotated[int, Field(ge=1)]  # examples x raters
    seed: Annotated[int, Field(ge=0)]


class TrustParams(Params):
    """How far people who correct predictions are believed."""

    prior_votes: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    known_text_factor: Evidence  # what agreeing on a text with a known label counts, in votes
    peer_factor: Evidence  # what agreeing with others who judged the same text counts
    max_peer_votes: Evidence  # what all of that counts at most, by those of no proof
    max_newcomer_factor: Evidence  # weight of newcomers on a text, in that of people of proof there
    min_crowd_agreement: Share
    no_trust_below: Share  # reliability at which a weight is 0; 1: as a person of the crowd
    full_trust_from: Share  # and at which it is 1
    num_rounds: Annotated[int, Field(ge=1)]
    max_share_per_rater: Annotated[float, Field(gt=0, le=1)]
    min_weight: Annotated[float, Field(gt=0)]

    @model_validator(mode="after")
    def _trust_grows(self) -> Self:
        if self.no_trust_below >= self.full_trust_from:
            raise ValueError(
                f"no_trust_below {self.no_trust_below} must be below full_trust_from "
                f"{self.full_trust_from}"
            )
        return self


class LabelParams(Params):
    classes: Annotated[list[str], Field(min_length=2)]  # in their order, if they have one
    ordered: bool
    votes: Annotated[ScaleVotes | CategoryVotes, Field(discriminator="rule")]
    consensus: ConsensusParams | None  # for category votes with rater ids; null: plain majority
    trust: TrustParams  # of raters of feedback
    alpha_max_cells: Annotated[int, Field(ge=1)]  # examples x values x values

    @field_validator("classes", mode="before")
    @classmethod
    def _classes_are_text(cls, classes: object) -> object:
        for name in classes if isinstance(classes, list) else []:
            if not isinstance(name, str):
                raise ValueError(f"class {name!r} is no text for YAML; put it in quotes")
            if not name or name != name.strip() or _UNWRITABLE.search(name):
                raise ValueError(
                    f"class {name!r} must be visible text without blanks at its ends or control "
                    "characters"
                )
        return classes

    @model_validator(mode="after")
    def _classes_fit_thresholds(self) -> Self:
        if len(set(self.classes)) != len(self.classes):
            raise ValueError(f"classes {self.classes} must all differ")
        if isinstance(self.votes, ScaleVotes):
            cuts = self.votes.thresholds
            if len(cuts) != len(self.classes) - 1:
                raise ValueError(
                    f"{len(self.classes)} classes need {len(self.classes) - 1} ascending "
                    f"thresholds, found {cuts}"
                )
        return self


def vote_classes(flat: pa.Array, params: LabelParams) -> Ints:
    """Class index of every single vote, shape (votes,); -1 for a vote outside the rules."""
    if isinstance(params.votes, ScaleVotes):
        return class_of(vote_numbers(flat, params.votes), params.votes)
    found = pc.index_in(flat, value_set=pa.array(params.classes, pa.string()))
    index: Ints = found.fill_null(UNLABELLED).to_numpy(zero_copy_only=False).astype(np.int64)
    return index


def vote_counts(votes: pa.ListArray, params: LabelParams) -> Ints:
    """Votes per row and class, shape (rows, classes); a vote outside the rules counts nowhere."""
    flat, row = flatten(votes)
    classes = len(params.classes)
    index = vote_classes(flat, params)
    known = index != UNLABELLED
    cells = np.bincount(row[known] * classes + index[known], minlength=len(votes) * classes)
    return cells.reshape(len(votes), classes)


def mean_votes(votes: pa.ListArray, scale: ScaleVotes) -> Floats:
    """Mean of each row's votes within the scale, shape (rows,); NaN where there is none."""
    flat, row = flatten(votes)
    numbers = vote_numbers(flat, scale)
    known = ~np.isnan(numbers)
    count = np.bincount(row[known], minlength=len(votes))
    total = np.bincount(row[known], weights=numbers[known], minlength=len(votes))
    means: Floats = np.divide(total, count, out=np.full(len(votes), np.nan), where=count > 0)
    return means


def resolve(votes: pa.ListArray, params: LabelParams) -> Ints:
    """Class index per row, shape (rows,); -1 where there is no vote or none within the rules."""
    if isinstance(params.votes, ScaleVotes):
        return class_of(mean_votes(votes, params.votes), params.votes)
    counts = vote_counts(votes, params)
    return np.where(counts.any(axis=1), counts.argmax(axis=1), UNLABELLED)


def vote_numbers(flat: pa.Array, scale: ScaleVotes) -> Floats:
    """Votes as numbers, shape (votes,); NaN for what is no number or lies outside the scale."""
    try:
        numbers = flat.cast(pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64)
    except pa.ArrowInvalid:  # one vote that is no number must not cost the others
        numbers = np.array([_number(vote) for vote in flat.to_pylist()], dtype=np.float64)
    outside = (numbers < scale.lowest) | (numbers > scale.highest)
    inside: Floats = np.where(outside, np.nan, numbers)
    return inside


def flatten(votes: pa.ListArray) -> tuple[pa.Array, Ints]:
    """All votes in one array, and for each the row it belongs to."""
    lengths = pc.fill_null(pc.list_value_length(votes), 0)
    counts = lengths.to_numpy(zero_copy_only=False).astype(np.int64)
    return votes.flatten(), np.repeat(np.arange(len(votes)), counts)


def class_of(numbers: Floats, scale: ScaleVotes) -> Ints:
    """Class index per number.

    A threshold belongs to the class on its inner side, towards the scale's middle; one that is the
    middle itself belongs to the class above.
    """
    middle = (scale.lowest + scale.highest) / 2
    index = np.zeros(len(numbers), dtype=np.int64)
    for cut in scale.thresholds:
        index += (numbers >= cut) if cut <= middle else (numbers > cut)
    index[np.isnan(numbers)] = UNLABELLED
    return index


def _number(vote: str | None) -> float:
    try:
        return float(vote or "nan")
    except ValueError:
        return float("nan")
