"""Parts of the texts that params define by a pattern or a length, and which rows are in them."""

import math
import re
from collections.abc import Sequence
from typing import Annotated, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, field_validator, model_validator

from tasks.params import Params

Count = Annotated[int, Field(ge=1)]
Name = Annotated[str, Field(min_length=1)]
Rows = npt.NDArray[np.bool_]


class PatternSlice(Params):
    """Texts in which the regular expression is found."""

    name: Name
    kind: Literal["pattern"]
    pattern: Name

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"no regular expression: {error}") from None
        return pattern


class LengthSlice(Params):
    """Texts of so many characters, both bounds included."""

    name: Name
    kind: Literal["length"]
    min_characters: Annotated[int, Field(ge=0)]
    max_characters: Count | None

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.max_characters is not None and self.max_characters < self.min_characters:
            raise ValueError(f"slice '{self.name}': max_characters is below min_characters")
        return self


Slice = Annotated[PatternSlice | LengthSlice, Field(discriminator="kind")]


def find_rows(one: PatternSlice | LengthSlice, texts: Sequence[str]) -> Rows:
    if isinstance(one, PatternSlice):
        pattern = re.compile(one.pattern)
        return np.array([pattern.search(text) is not None for text in texts], dtype=bool)
    longest = math.inf if one.max_characters is None else one.max_characters
    inside = (one.min_characters <= len(text) <= longest for text in texts)
    return np.fromiter(inside, dtype=bool)
