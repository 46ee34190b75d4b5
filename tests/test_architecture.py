"""The rules of the design, executed: names, paths, imports, params, sizes, and the README."""

import ast
import importlib
import re
import shlex
import statistics
from pathlib import Path
from typing import Any

import grimp
import pytest
import yaml

from tasks.params import Params, load_params, parse_section
from tests.params_sections import SECTIONS

ROOT = Path(__file__).parents[1]
GRAPH: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
PARAMS: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text())
STAGES = list(GRAPH)
SOURCES = [
    file
    for folder in ("tasks", "flows", "serving", "tests", "benchmarks")
    for file in sorted((ROOT / folder).rglob("*.py"))
]
MAX_FILE_LINES = 200
MAX_FUNCTION_LINES = 40
MEDIAN_FILE_LINES = 100
MEDIAN_FUNCTION_LINES = 12
WORK = ("tasks", "flows", "serving")


def names_of(entries: list[Any]) -> list[str]:
    """Entries of deps, outs, metrics or plots: a path, or a path with options."""
    return [entry if isinstance(entry, str) else next(iter(entry)) for entry in entries]


def outputs_of(stage: str) -> list[str]:
    return [
        path
        for kind in ("outs", "metrics", "plots")
        for path in names_of(GRAPH[stage].get(kind, []))
    ]


def params_type(stage: str) -> type[Params]:
    """`CleanParams` of `tasks.clean`, or of `tasks.clean.params` where the stage is a package."""
    name = "".join(word.title() for word in stage.split("_")) + "Params"
    for module in (f"tasks.{stage}.params", f"tasks.{stage}"):
        if (ROOT / f"{module.replace('.', '/')}.py").exists():
            kind: type[Params] = getattr(importlib.import_module(module), name)
            return kind
    raise AssertionError(f"no module for stage {stage}")


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_has_one_name_in_five_places(stage: str) -> None:
    assert stage in PARAMS
    module = ROOT / "tasks" / stage
    assert module.with_suffix(".py").exists() or (module / "__main__.py").exists()
    tests = ROOT / "tests/tasks"
    assert (tests / f"test_{stage}.py").exists() or list((tests / stage).glob("test_*.py"))
    assert {Path(out).parts[1] for out in outputs_of(stage)} == {stage}


@pytest.mark.parametrize("stage", STAGES)
def test_the_params_section_is_typed_and_complete(stage: str) -> None:
    load_params(stage, params_type(stage), ROOT / "params.yaml")
    assert stage in {key.split(".")[0] for key in GRAPH[stage]["params"]}


def test_params_has_no_section_that_nobody_reads() -> None:
    assert set(PARAMS) == {*STAGES, *SECTIONS}
    for section, kind in SECTIONS.items():
        parse_section(section, PARAMS[section], kind)


def test_dvc_and_gto_are_known_to_graph_host_remotes_objects_and_registry_alone() -> None:
    graph = grimp.build_graph("flows", include_external_packages=True, cache_dir=None)
    importers = {
        module
        for package in ("dvc", "gto")
        if package in graph.modules
        for module in graph.find_modules_that_directly_import(package)
    }
    known = ("stage_graph", "dvc_host", "checkout.remote_objects", "checkout.registry")
    assert importers == {f"flows.{name}" for name in known}


@pytest.mark.parametrize("stage", STAGES)
def test_every_path_of_a_command_is_a_dependency_or_holds_the_outputs(stage: str) -> None:
    *_, module = shlex.split(GRAPH[stage]["cmd"].split(" data/")[0].split(" models/")[0])
    assert module == f"tasks.{stage}"
    paths = [
        word for word in shlex.split(GRAPH[stage]["cmd"]) if word.startswith(("data/", "models/"))
    ]
    *sources, target = paths
    data_deps = [
        dep for dep in names_of(GRAPH[stage].get("deps", [])) if not dep.startswith("tasks/")
    ]
    assert set(sources) <= set(data_deps)
    assert all(out == target or out.startswith(f"{target}/") for out in outputs_of(stage))


@pytest.mark.parametrize("stage", STAGES)
def test_every_module_a_stage_imports_is_among_its_dependencies(stage: str) -> None:
    graph = grimp.build_graph("tasks", cache_dir=None)
    own = f"tasks.{stage}"
    closure = graph.find_upstream_modules(own, as_package=True)
    closure |= {own} | graph.find_descendants(own)
    packages = {module for module in closure if graph.find_children(module)}  # a docstring each
    files = {module.replace(".", "/") for module in closure - packages}
    deps = [dep.removesuffix(".py") for dep in names_of(GRAPH[stage]["deps"])]
    code = [dep for dep in deps if dep.startswith("tasks/")]
    missing = {
        file for file in files if not any(file == dep or file.startswith(f"{dep}/") for dep in code)
    }
    unused = {
        dep for dep in code if not any(file == dep or file.startswith(f"{dep}/") for file in files)
    }
    assert not missing, f"dvc.yaml: {stage}.deps lacks {sorted(missing)}"
    assert not unused, f"dvc.yaml: {stage}.deps has {sorted(unused)}, which {stage} does not import"


def test_the_readme_has_the_graphs_stage_table() -> None:
    section = (ROOT / "README.md").read_text().split("\n## The stages\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \|", section, re.MULTILINE)
    assert rows == [(name, stage["desc"]) for name, stage in GRAPH.items()]


def test_the_readme_names_every_target_of_the_makefile() -> None:
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    readme = (ROOT / "README.md").read_text()
    assert [target for target in targets if f"make {target}" not in readme] == []


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_files_and_functions_are_small(file: Path) -> None:
    text = file.read_text()
    assert text.count("\n") <= MAX_FILE_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= MAX_FUNCTION_LINES, f"{node.name} has {length} lines"


@pytest.mark.parametrize("word", ["sentiment", "vader", "tweets"])
def test_the_example_is_only_an_example(word: str) -> None:
    """The code knows nothing of the data that ships; only params, fetch, tests and docs do."""
    guilty = [
        str(file.relative_to(ROOT))
        for file in SOURCES
        if file.relative_to(ROOT).parts[0] in WORK
        if "fetch" not in file.parts and word in file.read_text().lower()
    ]
    assert guilty == []


def test_half_of_all_files_and_functions_are_much_smaller() -> None:
    texts = [file.read_text() for file in SOURCES if file.relative_to(ROOT).parts[0] in WORK]
    lengths = [
        (node.end_lineno or node.lineno) - node.lineno + 1
        for text in texts
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert statistics.median(text.count("\n") for text in texts) <= MEDIAN_FILE_LINES
    assert statistics.median(lengths) <= MEDIAN_FUNCTION_LINES


def test_dvc_keeps_copies_not_links_and_sends_no_telemetry() -> None:
    config = (ROOT / ".dvc/config").read_text()
    assert 'type = "reflink,copy"' in config
    assert "analytics = false" in config
    assert "persist" not in (ROOT / "dvc.yaml").read_text()
