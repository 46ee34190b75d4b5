"""Importing a module does nothing: no input or output, no environment, no logging set up."""

import ast
from collections.abc import Iterator

import pytest

from tests.project import REPOSITORY

# What a constant may be made with: it reads nothing, writes nothing and sets nothing up.
MAKERS = {
    "Path", "TypeVar", "re.compile", "logging.getLogger", "dict.fromkeys", "str.maketrans",
    "np.array", "np.uint64", "pa.schema", "pa.field", "pa.list_", "pa.string", "pa.int64",
    "pa.float64", "pa.timestamp", "records.LABELLED.append", "field.with_nullable", "Field",
    "AfterValidator", "ConfigDict", "RunIdentifier", "_column", "_KeyTable", "Published",
    "_FoldTable", "Path(__file__).with_name", "Contestant", "field", "key.lower",
    "threading.Event", "threading.Lock", "Widths", "set", "Layout", "partial",
    "Search", "Pointer", "FailFast", "frozenset", "Part",
    "MetaData", "Table", "Column", "CheckConstraint", "Index", "UniqueConstraint", "DateTime",
    "Scenario",
}  # fmt: skip
IDLE_CONDITIONS = {"__name__ == '__main__'", "TYPE_CHECKING"}


def find_deeds(body: list[ast.stmt]) -> Iterator[int]:
    """Lines of a module, and of the classes in it, that do more on import than define."""
    for node in body:
        match node:
            case ast.Import() | ast.ImportFrom() | ast.FunctionDef() | ast.AsyncFunctionDef():
                continue
            case ast.Expr(value=ast.Constant()):  # a docstring
                continue
            case ast.If(test=test) if ast.unparse(test) in IDLE_CONDITIONS:
                continue
            case ast.ClassDef():
                yield from find_deeds(node.body)
                continue
            case ast.Assign() | ast.AnnAssign() if makes_constant(node):
                continue
        yield node.lineno


def makes_constant(node: ast.Assign | ast.AnnAssign) -> bool:
    """Sets a name, not a part of something else, and calls nothing but makers."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    called = {ast.unparse(one.func) for one in ast.walk(node) if isinstance(one, ast.Call)}
    return called <= MAKERS and all(isinstance(one, ast.Name | ast.Tuple) for one in targets)


def test_only_definitions_constants_and_imports_stand_at_the_top_of_modules_and_classes() -> None:
    found = [
        f"{file.relative_to(REPOSITORY)}:{line}"
        for folder in ("tasks", "flows", "serving", "benchmarks")
        for file in sorted((REPOSITORY / folder).rglob("*.py"))
        if "peers" not in file.parts  # other tools' programs, as their manuals have them
        if file.name != "env.py"  # nobody imports it: Alembic runs it
        for line in find_deeds(ast.parse(file.read_text()).body)
    ]
    assert found == []


DEEDS = [
    "print(1)", "X = open('a')", "X: str = Path('a').read_text()", "if X: import os", "X += [1]",
    "os.environ['A'] = '1'", "class A:\n  x = os.getpid()", "for x in y: pass", "with x: pass",
]  # fmt: skip


@pytest.mark.parametrize("deed", DEEDS)
def test_a_deed_on_import_would_be_found(deed: str) -> None:
    assert list(find_deeds(ast.parse(deed).body)) == [deed.count("\n") + 1]
