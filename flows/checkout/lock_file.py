"""dvc.lock, which DVC writes in place: is it whole, and a good copy for when it is not."""

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from flows.checkout.lock import STATE
from tasks.errors import InputError

DVC_LOCK = Path("dvc.lock")
GOOD_COPY = STATE / "dvc.lock"
_MD5 = r"^[0-9a-f]{32}(\.dir)?$"
_CONFLICT_MARKERS = ("<<<<<<< ", ">>>>>>> ")


class DamagedLock(InputError):
    """dvc.lock is not what DVC wrote, or not all of it."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"{reason}. Expected what DVC 3 writes: run again, and the last good copy is put back;"
            " or take the committed one with `git checkout dvc.lock`."
        )
        self.reason = reason


class LockedPath(BaseModel):
    """A dependency or output of a stage, as recorded."""

    model_config = ConfigDict(extra="allow")

    path: str
    hash: str = ""
    md5: Annotated[str, Field(pattern=_MD5)] | None = None


class LockedStage(BaseModel):
    """A stage as it last ran."""

    model_config = ConfigDict(extra="forbid")

    cmd: str | list[str]
    deps: list[LockedPath] = []
    params: dict[str, dict[str, Any]] = {}
    outs: list[LockedPath] = []


class DvcLock(BaseModel):
    """The whole file, by the schema that DVC itself holds it to."""

    model_config = ConfigDict(extra="forbid")

    schema_version: Literal["2.0"] = Field(alias="schema")
    stages: dict[str, LockedStage]
    datasets: Any = None


def read_dvc_lock(file: Path = DVC_LOCK) -> DvcLock:
    return parse_dvc_lock(file.read_bytes(), file)


def parse_dvc_lock(content: bytes, file: Path = DVC_LOCK) -> DvcLock:
    """Check the content; a merge that a person has to finish is no damage, but their decision."""
    _refuse_conflict(content, file)
    if not content.endswith(b"\n"):
        found = "cut short" if content else "empty"
        raise DamagedLock(f"{file} is {found} ({len(content)} bytes)")
    try:
        # plain text for every scalar: a stage named `on` or an md5 of digits only stays as written
        return DvcLock.model_validate(yaml.load(content, yaml.CBaseLoader))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise DamagedLock(f"{file} is no YAML: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the whole"
        raise DamagedLock(f"{file} is damaged: {place}: {first['msg'].lower()}") from None


def read_good_copy() -> bytes | None:
    try:
        content = GOOD_COPY.read_bytes()
        parse_dvc_lock(content, GOOD_COPY)
    except (FileNotFoundError, InputError):
        return None
    return content


def _refuse_conflict(content: bytes, file: Path) -> None:
    for number, line in enumerate(content.decode(errors="replace").splitlines(), start=1):
        if line.startswith(_CONFLICT_MARKERS):
            raise InputError(
                f"{file}:{number}: holds a merge conflict, which only you can decide. Take one side"
                f" (`git checkout --ours {file}` or `--theirs`) and run again: stages that differ"
                " from it run anew."
            )
