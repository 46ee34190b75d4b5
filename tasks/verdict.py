"""What the gate says of a candidate: every condition with its value and bound."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Decision = Literal["passed", "refused", "undecided"]


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Condition(_Document):
    name: str  # where its bound is in section gate of params.yaml; of what always holds, a word
    where: str  # the class, source, slice or check it is of; "": the whole
    value: float | str | None  # null: could not be measured
    bound: str  # such as ">= 0.7"
    passed: bool
    says: str  # one line a person reads


class Verdict(_Document):
    """`passed`: may go live. `undecided`: too few rows to say."""

    decision: Decision
    candidate: str  # sha256 of its manifest; "": it has none
    champion: str | None  # likewise; null: there is none yet
    num_rows: int  # of the test split, which both were scored on
    question: str = ""  # sha256 of bounds, checks and rows; "": judged before this was kept
    conditions: list[Condition]

    @property
    def failed(self) -> list[Condition]:
        return [condition for condition in self.conditions if not condition.passed]
