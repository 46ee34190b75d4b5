"""The label set, written and read back."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from tasks.errors import InputError
from tasks.label_set import LabelSet, read_label_set, write_label_set
from tests.tasks.label.examples import ODD_CLASSES


@pytest.mark.parametrize(
    "classes", [("b", "a"), tuple(ODD_CLASSES), ("ja", 'nein, <nie> & "nimmer"', "はい")]
)
def test_classes_come_back_as_text_and_in_order(classes: tuple[str, ...], tmp_path: Path) -> None:
    label_set = LabelSet(classes=classes, ordered=True)
    write_label_set(tmp_path / "label_set.json", label_set)
    assert read_label_set(tmp_path / "label_set.json") == label_set


def test_a_label_set_never_changes() -> None:
    label_set = LabelSet(classes=("a", "b"), ordered=False)
    with pytest.raises(ValidationError, match="frozen"):
        label_set.ordered = True


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"classes": ["a", "b"]}',
        b'{"classes": ["a"], "ordered": true}',
        b'{"classes": ["a", null], "ordered": true}',
        b'{"classes": ["a", "a"], "ordered": true}',
        b'{"classes": ["a", "b"], "ordered": "yes"}',
        b'{"classes": ["a", "b"], "ordered": true, "more": 1}',
        b"\xff\xfe",
    ],
)
def test_a_broken_file_is_named_with_the_remedy_in_one_line(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "label_set.json"
    file.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_label_set(file)
    assert str(file) in str(caught.value)
    assert "Re-run the stage `label`." in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_names_the_stage_that_writes_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no such file\. Run the stage `label`"):
        read_label_set(tmp_path / "label_set.json")
