"""What params section `clean` may hold."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from tasks.params import Params

Share = Annotated[float, Field(gt=0, le=1)]
Count = Annotated[int, Field(ge=1)]


class NearDuplicatesParams(Params):
    """Jaccard similarity over character shingles, candidates by MinHash LSH."""

    min_jaccard: Share
    shingle_characters: Count
    num_permutations: Count
    num_bands: Count
    max_neighbours: Count
    seed: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _bands_divide_permutations(self) -> Self:
        if self.num_permutations % self.num_bands:
            raise ValueError(
                f"num_permutations {self.num_permutations} must be a multiple of num_bands "
                f"{self.num_bands}"
            )
        return self


class CleanParams(Params):
    """Lengths in characters of the normal form."""

    min_characters: Count
    max_characters: Count
    min_vote_overlap: Share
    near_duplicates: NearDuplicatesParams

    @model_validator(mode="after")
    def _lengths_in_order(self) -> Self:
        if self.min_characters > self.max_characters:
            raise ValueError(
                f"min_characters {self.min_characters} must not exceed max_characters "
                f"{self.max_characters}"
            )
        return self
