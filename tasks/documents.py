"""JSON files of the live side, read into models: whole and as expected, or an error in one line."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from tasks.errors import InputError


class Document(BaseModel):
    """A file that this project writes: it holds what is expected and nothing else."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Kind = TypeVar("Kind", bound=BaseModel)


def parse(content: bytes | str, kind: type[Kind], where: str, remedy: str) -> Kind:
    """InputError, in one line, when the content is not of this kind."""
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "content"
        raise InputError(f"{where}: {place}: {first['msg']}. {remedy}") from None


def read(file: Path, kind: type[Kind], remedy: str) -> Kind:
    """InputError, in one line, when the file is missing or not of this kind."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}. {remedy}") from None
    return parse(content, kind, str(file), remedy)
