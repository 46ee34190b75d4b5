"""The queue as Label Studio takes it: tasks to import and the interface people label with."""

from xml.etree import ElementTree

import pyarrow as pa

from tasks.label_set import LabelSet

FROM_NAME, TO_NAME = "label", "text"  # what answers refer to; TO_NAME is also the key of the text
HOTKEYS = "1234567890qwertyuiopasdfghjklzxcvbnm"  # one per class, none for classes beyond
UNLABELLED, LOW_AGREEMENT = "unlabelled", "low agreement"
Task = dict[str, dict[str, object]]


def build_tasks(examples: pa.Table, rows: list[int]) -> list[Task]:
    """The queue in Label Studio's import format; `uid` is what the answers are matched by."""
    columns = ["example_id", "text", "source", "label", "agreement"]
    queue = examples.select(columns).take(pa.array(rows, pa.int64())).to_pylist()
    return [
        {
            "data": {
                TO_NAME: row["text"],
                "uid": row["example_id"],
                "source": row["source"],
                "agreement": row["agreement"],
                "reason": UNLABELLED if row["label"] is None else LOW_AGREEMENT,
                "rank": rank,
            }
        }
        for rank, row in enumerate(queue, start=1)
    ]


def build_interface(label_set: LabelSet) -> bytes:
    """Label Studio's labelling interface: one text, one choice among the classes, a key for each.

    ElementTree escapes and always quotes with ", which Label Studio's own check by pattern needs.
    """
    view = ElementTree.Element("View")
    # valueType: or a text that looks like an address would be fetched and shown instead
    text = {"name": TO_NAME, "value": f"${TO_NAME}", "valueType": "text"}
    ElementTree.SubElement(view, "Text", text)
    single = {"choice": "single", "required": "true", "showInline": "true"}
    choices = ElementTree.SubElement(
        view, "Choices", {"name": FROM_NAME, "toName": TO_NAME, **single}
    )
    for position, name in enumerate(label_set.classes):
        hotkey = {"hotkey": HOTKEYS[position]} if position < len(HOTKEYS) else {}
        ElementTree.SubElement(choices, "Choice", {"value": name, **hotkey})
    ElementTree.indent(view)
    return f"{ElementTree.tostring(view, encoding='unicode')}\n".encode()
