"""A batch scoring in the UI: how many rows got which label, and why some got none."""

from collections.abc import Mapping
from typing import Any

from flows.pages.markdown import printable


def counts_table(manifest: Mapping[str, Any]) -> list[dict[str, str]]:
    """One row per label, then one per reason for none; the largest first."""
    kinds = (("label", manifest["labels"]), ("not scored", manifest["not_scored"]))
    return [
        {
            "what": what,
            "name": printable(name),
            "rows": f"{count:,}",
            "share": _share(count, manifest),
        }
        for what, counts in kinds
        for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]


def in_one_line(manifest: Mapping[str, Any]) -> str:
    version, scored = manifest["job"]["version"], manifest["scored"]
    return f"{version} scored {scored:,} of {manifest['rows']:,} rows"


def _share(count: int, manifest: Mapping[str, Any]) -> str:
    return f"{count / max(1, manifest['rows']):.1%}"
