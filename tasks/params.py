"""Typed access to `params.yaml`: strict, frozen, complete; there is no default in Python."""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from tasks.errors import ParamsError

PARAMS_FILE = Path("params.yaml")
_SHOWN_CHARACTERS = 80


class Params(BaseModel):
    """Base of every section: unknown keys are refused, values are not coerced, nothing changes."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


Section = TypeVar("Section", bound=Params)


def load_params(section: str, kind: type[Section], file: Path = PARAMS_FILE) -> Section:
    """Read one section of the params file.

    Raises ParamsError, in one line, when the file, the section, a key or a value is wrong.
    """
    tree = _read(file)
    if section not in tree:
        raise ParamsError(
            f"{file}: section '{section}' is missing; found {sorted(map(str, tree))}. "
            f"Add it as it stands in the repository's {PARAMS_FILE}."
        )
    return parse_section(section, tree[section], kind, file)


def parse_section(
    section: str, value: object, kind: type[Section], file: Path = PARAMS_FILE
) -> Section:
    """Check one section's value against its type; every problem in it is named at once."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        problems = "; ".join(_problem(section, dict(item)) for item in error.errors())
        raise ParamsError(f"{file}: {problems}. Edit {file} and run again.") from None


def _read(file: Path) -> dict[str, Any]:
    try:
        tree = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ParamsError(
            f"{file}: no such file in {Path.cwd()}. Run from the repository's root."
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ParamsError(f"{file}: not valid YAML: {reason}. Mend the syntax there.") from None
    if not isinstance(tree, dict):
        raise ParamsError(f"{file}: expected sections by name, found {type(tree).__name__}.")
    return tree


def _problem(section: str, item: dict[str, Any]) -> str:
    key = ".".join([section, *map(str, item["loc"])])
    if item["type"] == "missing":
        return f"{key} is missing"
    if item["type"] == "extra_forbidden":
        return f"{key} is not a known key (misspelt?)"
    value = repr(item["input"])
    shown = value if len(value) <= _SHOWN_CHARACTERS else f"{value[:_SHOWN_CHARACTERS]}..."
    return f"{key} = {shown}: {item['msg'][0].lower()}{item['msg'][1:]}"
