"""Params section `fetch`."""

from pathlib import PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from tasks.params import Params


def _stays_below(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or ".." in parts or path.startswith("/"):
        raise ValueError(f"{path!r} must be a relative path without '..'")
    return path


Relative = Annotated[str, AfterValidator(_stays_below)]


class Package(Params):
    """One distribution of the package index, and what to take out of it."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$")]
    version: Annotated[str, Field(pattern=r"^[A-Za-z0-9.!+_-]+$")]
    distribution: Literal["source", "wheel"]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    archive: Relative | None
    members: Annotated[list[Relative], Field(min_length=1)]
    folder: Relative


class FetchParams(Params):
    own_files: Relative
    retries: Annotated[int, Field(ge=1)]  # with 0, pip keeps it to itself that it had no connection
    timeout_seconds: Annotated[int, Field(ge=1)]
    packages: list[Package]

    @model_validator(mode="after")
    def _folders_differ(self) -> Self:
        folders = [package.folder for package in self.packages]
        if len(set(folders)) != len(folders):
            raise ValueError(f"each package needs a folder of its own, found {folders}")
        return self
