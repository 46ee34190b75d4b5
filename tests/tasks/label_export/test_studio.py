"""What Label Studio reads: the tasks against its schema, the interface against the tasks."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest

from tasks.artifacts import json_bytes
from tasks.label_export.studio import FROM_NAME, HOTKEYS, TO_NAME, build_interface, build_tasks
from tasks.label_set import LabelSet
from tests.tasks.label.examples import ODD_CLASSES, make_labelled

# Where each field comes from stands in the file: it is transcribed from the SDK and the docs.
SCHEMA = json.loads(
    Path(__file__).with_name("label_studio_import.schema.json").read_text(encoding="utf-8")
)
NASTY = ["<script>alert(1)</script>", "a & b", 'say "hi" name="x"', "it's", "日本語 🙂", "$text2"]


def exported(rows: list[dict[str, object]]) -> Any:
    tasks = build_tasks(make_labelled(rows), list(range(len(rows))))
    return json.loads(json_bytes(tasks))


def interface_of(classes: list[str]) -> ElementTree.Element:
    return ElementTree.fromstring(build_interface(LabelSet(classes=tuple(classes), ordered=False)))


def test_the_schema_itself_is_valid_and_refuses_what_label_studio_refuses() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    region = {"from_name": "label", "to_name": "text", "type": "choices"}
    good = {
        "data": {"text": "x"},
        "predictions": [{"result": [region | {"value": {"choices": ["a"]}}]}],
    }
    jsonschema.validate([good], SCHEMA)
    for bad in (
        {"text": "x"},
        {"data": "x"},
        {"data": {}},
        {"data": {"text": "x"}, "predictions": [{"score": 1}]},
        {"data": {"text": "x"}, "predictions": [{"result": [region]}]},
        {"data": {"text": "x"}, "annotations": [{"result": [region | {"value": {}}]}]},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate([bad], SCHEMA)


def test_tasks_follow_label_studios_schema() -> None:
    rows = [{"text": text, "source": "web"} for text in NASTY]
    tasks = exported([*rows, {"text": "http://example.org", "agreement": 0.25}])
    jsonschema.validate(tasks, SCHEMA)
    assert [task["data"]["text"] for task in tasks[:-1]] == NASTY


def test_no_task_at_all_is_a_valid_file() -> None:
    tasks = exported([])
    jsonschema.validate(tasks, SCHEMA)
    assert tasks == []


def test_a_task_carries_what_people_and_the_way_back_need() -> None:
    tasks = exported([{"example_id": "abc"}, {"example_id": "def", "agreement": 0.25}])
    assert tasks[0]["data"] == {
        "text": "text number 0",
        "uid": "abc",
        "source": "web",
        "agreement": None,
        "reason": "unlabelled",
        "rank": 1,
    }
    second = tasks[1]["data"]
    assert (second["uid"], second["agreement"], second["rank"]) == ("def", 0.25, 2)
    assert second["reason"] == "low agreement"


@pytest.mark.parametrize("classes", [["negative", "positive"], ODD_CLASSES, NASTY])
def test_the_choices_are_the_classes_letter_for_letter(classes: list[str]) -> None:
    choices = interface_of(classes).findall("Choices/Choice")
    assert [choice.get("value") for choice in choices] == classes


def test_the_interface_shows_the_text_of_the_tasks_and_labels_it() -> None:
    interface = interface_of(["a", "b"])
    (text,), (choices,) = interface.findall("Text"), interface.findall("Choices")
    data = exported([{}])[0]["data"]
    assert text.attrib == {"name": TO_NAME, "value": "$text", "valueType": "text"}
    assert text.get("value", "").removeprefix("$") in data
    assert choices.get("toName") == text.get("name")
    assert choices.get("name") == FROM_NAME
    assert (choices.get("choice"), choices.get("required")) == ("single", "true")


def test_every_class_has_a_key_of_its_own_as_far_as_keys_go() -> None:
    choices = interface_of([f"class {number}" for number in range(40)]).findall("Choices/Choice")
    keys = [choice.get("hotkey") for choice in choices]
    assert keys[:3] == ["1", "2", "3"]
    assert keys[: len(HOTKEYS)] == list(HOTKEYS)
    assert keys[len(HOTKEYS) :] == [None] * (40 - len(HOTKEYS))
    assert len(set(HOTKEYS)) == len(HOTKEYS)


def test_attributes_stand_in_double_quotes_which_label_studios_own_check_relies_on() -> None:
    xml = build_interface(LabelSet(classes=('say "hi"', "no"), ordered=False)).decode()
    assert 'value="say &quot;hi&quot;"' in xml
    assert "'" not in xml
