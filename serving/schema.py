"""What the service takes and gives: strict, so that what is not understood is refused."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, FailFast, Field

EventId = Annotated[
    str, Field(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
]
PredictionId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


def _refuse_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("a text must not contain NUL")
    return text


_NO_NUL = {"pattern": "^[^\\u0000]*$"}
Text = Annotated[str, AfterValidator(_refuse_nul), Field(json_schema_extra=_NO_NUL)]


Rater = Annotated[Text, Field(min_length=1, max_length=200)]


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class PredictRequest(_Message):
    """Texts to classify."""

    texts: Annotated[list[Text], Field(min_length=1), FailFast()]

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"texts": ["I love it.", "It arrived on Monday."]}]}
    )


class Prediction(_Message):
    """The answer to one text."""

    label: str
    probabilities: Annotated[
        dict[str, float], Field(description="of each class, in the order of the label set")
    ]
    prediction_id: Annotated[
        PredictionId, Field(description="to be given back with a correction of this answer")
    ]
    model_version: str


class PredictAnswer(_Message):
    """Predictions in the order of the texts, all by one version."""

    predictions: list[Prediction]


class FeedbackRequest(_Message):
    """A person's answer to a prediction."""

    event_id: Annotated[
        EventId, Field(description="UUID made by the client; sent twice, kept once")
    ]
    prediction_id: PredictionId
    label: Annotated[
        Text | None, Field(description="the right class; null: the prediction is right")
    ]
    rater: Annotated[
        Rater | None,
        Field(description="who says so; with a token it is its sub, and may be left out"),
    ] = None
    comment: (
        Annotated[
            Text, Field(max_length=2000, description="kept with the correction, addresses masked")
        ]
        | None
    ) = None

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "event_id": "6f1c2a34-5b6d-4e7f-8a9b-0c1d2e3f4a5b",
                    "prediction_id": "01a216ec314027a9d43b0288e7a75575",
                    "label": "negative",
                    "rater": "ann",
                }
            ]
        }
    )


class FeedbackAnswer(_Message):
    """The correction is stored, and outlives whatever happens to the service."""

    event_id: EventId
    prediction_id: PredictionId
    label: Annotated[str, Field(description="the right class, as stored")]

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "event_id": "6f1c2a34-5b6d-4e7f-8a9b-0c1d2e3f4a5b",
                    "prediction_id": "01a216ec314027a9d43b0288e7a75575",
                    "label": "negative",
                }
            ]
        }
    )


class ModelAnswer(_Message):
    """What is live."""

    version: str
    manifest_sha256: str
    precision: Literal["fp32", "int8"]
    classes: list[str]
    canary: str | None
    shadow: str | None


class Problem(BaseModel):
    """Why a request was not served."""

    detail: str


class InvalidPart(BaseModel):
    loc: list[str | int]
    msg: str
    type: str


class Invalid(BaseModel):
    """Every part of the request that is not as the schema says."""

    detail: list[InvalidPart]
