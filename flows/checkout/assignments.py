"""Values given for one run, such as `train.max_epochs=1`, set in the text of params.yaml."""

import difflib
import importlib
import re
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError as ValueSyntaxError

from tasks.errors import ParamsError
from tasks.params import PARAMS_FILE, Params, parse_section

KeyPath = tuple[str | int, ...]
_MAX_SHOWN = 6
_SHOWN_CHARACTERS = 60


class _Dumper(yaml.SafeDumper):
    """Every text in double quotes: YAML 1.1 and 1.2 differ on which bare words are texts."""

    def represent_str(self, data: str) -> yaml.ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:str", data, style='"')

    yaml_representers: ClassVar[dict[Any, Any]] = {
        **yaml.SafeDumper.yaml_representers,
        str: represent_str,
    }


def set_values(content: bytes, assignments: Sequence[str]) -> tuple[bytes, list[str]]:
    """The file with these values in it and all else as it was, and a line on each change.

    Raises ParamsError for a key that is none, or a value that its section does not take.
    """
    text, tree = _parse(content)
    changes, sections = [], []
    for assignment in assignments:
        key, value = _split(assignment)
        path = find_path(tree, key)
        text = _replace(text, path, _dump(value), assignment)
        changes.append(f"{_dotted(path)}: {_brief(_get(tree, path))} -> {_brief(value)}")
        _get(tree, path[:-1])[path[-1]] = value
        sections.append(path[0])
    for section in dict.fromkeys(sections):
        _check_type(str(section), tree, " ".join(assignments))
    if not _reads_as(text, tree):  # anchors, most likely: one text, several places
        raise ParamsError(
            f"{' '.join(assignments)}: {PARAMS_FILE} cannot take this without changing other values"
            f" (anchors?). Edit {PARAMS_FILE} and run again."
        )
    return text.encode(), changes


def find_path(tree: dict[str, Any], key: str) -> KeyPath:
    """The full path of a key: as written, or the only one of that name inside its section."""
    asked = re.sub(r"\[(\d+)\]", r".\1", key).split(".")
    paths = {tuple(map(str, path)): path for path in _paths(tree)}
    if tuple(asked) in paths:
        return paths[tuple(asked)]
    section, *rest = asked
    found = [
        path for words, path in paths.items()
        if rest and words[0] == section and list(words[-len(rest):]) == rest
    ]  # fmt: skip
    if len(found) == 1:
        return found[0]
    if found:
        raise ParamsError(
            f"{key}: {PARAMS_FILE} has {len(found)} keys of that name: {_some(found)}. Write one of"
            " them in full."
        )
    raise ParamsError(f"{key}: no such key in {PARAMS_FILE}. {_suggest(asked, list(paths))}")


def _suggest(asked: list[str], known: list[tuple[str, ...]]) -> str:
    same_name = [path for path in known if path[-1] == asked[-1]]
    if same_name:
        return f"Meant: {_some(same_name)}?"
    # as people write it: the section and the last word
    short = {f"{path[0]}.{path[-1]}": ".".join(path) for path in known}
    if alike := difflib.get_close_matches(f"{asked[0]}.{asked[-1]}", short, n=1):
        return f"Meant: {short[alike[0]]}?"
    return f"Its sections are {', '.join(path[0] for path in known if len(path) == 1)}."


def _split(assignment: str) -> tuple[str, Any]:
    key, sign, value = assignment.partition("=")
    key = key.strip().removeprefix(f"{PARAMS_FILE}:")
    if not sign or not key:
        raise ParamsError(f"{assignment!r}: expected KEY=VALUE, such as train.max_epochs=1.")
    try:
        return key, YAML(typ="safe", pure=True).load(value)  # as DVC: `off` is a text, 1e-3 is not
    except ValueSyntaxError as error:
        reason = " ".join(str(error).split())
        raise ParamsError(f"{assignment}: the value is no YAML: {reason}. Quote it.") from None


def _parse(content: bytes) -> tuple[str, dict[str, Any]]:
    try:
        text = content.decode()
        tree = yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ParamsError(f"{PARAMS_FILE}: not valid YAML: {reason}. Mend it there.") from None
    if not isinstance(tree, dict):
        raise ParamsError(f"{PARAMS_FILE}: expected sections by name, found {type(tree).__name__}.")
    return text, _unshared(tree)


def _unshared(node: Any) -> Any:
    """Without the objects that anchors make common to several places."""
    if isinstance(node, dict):
        return {key: _unshared(value) for key, value in node.items()}
    return [_unshared(value) for value in node] if isinstance(node, list) else node


def _reads_as(text: str, tree: dict[str, Any]) -> bool:
    try:
        return bool(yaml.safe_load(text) == tree)
    except yaml.YAMLError:
        return False


def _paths(node: Any, above: KeyPath = ()) -> Iterator[KeyPath]:
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in items:
        yield (*above, key)
        if isinstance(value, dict | list):
            yield from _paths(value, (*above, key))


def _get(tree: Any, path: KeyPath) -> Any:
    for key in path:
        tree = tree[key]
    return tree


def _replace(text: str, path: KeyPath, value: str, assignment: str) -> str:
    """Put the value where the old one stands, so that comments and layout stay."""
    node = yaml.compose(text, yaml.SafeLoader)
    assert node  # there is a tree, so there is its root
    for key in path:
        if isinstance(node, yaml.SequenceNode):
            node = node.value[int(key)]
            continue
        values = [child for name, child in node.value if name.value == str(key)]
        if not values:  # it came in by a merge key
            raise ParamsError(f"{assignment}: this key comes from an anchor. Edit {PARAMS_FILE}.")
        node = values[-1]
    start, end = node.start_mark.index, node.end_mark.index
    end = start + len(text[start:end].rstrip())  # a block ends where the next key begins
    gap = " " if start == end else ""  # `key:` without a value
    return f"{text[:start]}{gap}{value}{text[end:]}"


def _dump(value: Any) -> str:
    text = yaml.dump(
        value, Dumper=_Dumper, default_flow_style=True, sort_keys=False, allow_unicode=True,
        width=float("inf"),
    )  # fmt: skip
    return text.removesuffix("\n").removesuffix("\n...")


def _brief(value: Any) -> str:
    text = _dump(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."


def _check_type(section: str, tree: dict[str, Any], assignment: str) -> None:
    if kind := _params_type(section):
        try:
            parse_section(section, tree[section], kind)
        except ParamsError as error:
            reason = str(error).removesuffix(f". Edit {PARAMS_FILE} and run again.")
            raise ParamsError(f"{assignment}: {reason}. Give another value.") from None


def _params_type(section: str) -> type[Params] | None:
    """`CleanParams` for section `clean`, where the code has it; imported only when asked for."""
    name = "".join(word.title() for word in section.split("_")) + "Params"
    for module in (f"tasks.{section}.params", f"tasks.{section}", "flows.params"):
        try:
            kind: type[Params] | None = getattr(importlib.import_module(module), name, None)
        except ModuleNotFoundError:
            continue
        if kind:
            return kind
    return None


def _dotted(path: Sequence[str | int]) -> str:
    return ".".join(map(str, path))


def _some(paths: Sequence[Sequence[str | int]]) -> str:
    more = [f"{len(paths) - _MAX_SHOWN} more"] if len(paths) > _MAX_SHOWN else []
    return ", ".join([*map(_dotted, paths[:_MAX_SHOWN]), *more])
