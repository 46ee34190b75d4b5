from pathlib import Path
from typing import Literal

import pytest

from tasks.errors import ParamsError
from tasks.params import Params, load_params


class Inner(Params):
    share: float


class DemoParams(Params):
    mode: Literal["a", "b"]
    num_rows: int
    inner: Inner


GOOD = "demo:\n  mode: a\n  num_rows: 3\n  inner: {share: 0.5}\nother: {}\n"


def load(folder: Path, content: str | bytes) -> DemoParams:
    file = folder / "params.yaml"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return load_params("demo", DemoParams, file)


def test_a_complete_section_is_read_and_cannot_be_changed(tmp_path: Path) -> None:
    params = load(tmp_path, GOOD)
    assert params == DemoParams(mode="a", num_rows=3, inner=Inner(share=0.5))
    with pytest.raises(ValueError, match="frozen"):
        params.num_rows = 4  # type: ignore[misc]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (GOOD.replace("demo", "dmeo"), "section 'demo' is missing; found ['dmeo', 'other']"),
        ("1: {}\nother: {}\n", "section 'demo' is missing; found ['1', 'other']"),
        (GOOD.replace("num_rows", "num_row"), "demo.num_row is not a known key (misspelt?)"),
        (GOOD.replace("num_rows: 3", ""), "demo.num_rows is missing"),
        (GOOD.replace("3", "'3'"), "demo.num_rows = '3': input should be a valid integer"),
        (GOOD.replace("3", "3.5"), "demo.num_rows = 3.5: input should be a valid integer"),
        (GOOD.replace("0.5", "half"), "demo.inner.share = 'half': input should be a valid number"),
        (GOOD.replace("mode: a", "mode: c"), "demo.mode = 'c': input should be 'a' or 'b'"),
        (GOOD.replace("mode: a", f"mode: {'c' * 999}"), f"demo.mode = '{'c' * 79}...: input"),
        ("demo:\n", "demo = None: input should be"),
        ("- demo\n", "expected sections by name, found list"),
        ("", "expected sections by name, found NoneType"),
        ("demo: [1\n", "not valid YAML"),
        (b"demo: \xff\n", "not valid YAML"),
    ],
)
def test_whatever_is_wrong_is_said_in_one_line(tmp_path: Path, content, message: str) -> None:
    with pytest.raises(ParamsError) as raised:
        load(tmp_path, content)
    assert message in str(raised.value)
    assert str(raised.value).startswith(f"{tmp_path}/params.yaml: ")
    assert "\n" not in str(raised.value)


def test_all_problems_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match=r"demo\.mode = .*; demo\.num_rows is missing; demo\.x"):
        load(tmp_path, "demo: {mode: c, x: 1, inner: {share: 1}}\n")


def test_a_missing_file_says_where_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ParamsError, match=r"params\.yaml: no such file in .* repository's root"):
        load_params("demo", DemoParams)
