"""Great Expectations' Data Docs as plain files: same bytes each run, nothing from the network."""

import json
import re
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

from great_expectations import RunIdentifier
from great_expectations.core.expectation_validation_result import (
    ExpectationSuiteValidationResultSchema,
)
from great_expectations.render.renderer import (
    ExpectationSuitePageRenderer,
    ValidationResultsPageRenderer,
)
from great_expectations.render.view import DefaultJinjaPageView

from tasks.validate.check import Checked
from tasks.validate.gate import Verdict
from tasks.validate.outcome import Outcome, describe_rule
from tasks.validate.report import sample_rows

_NO_CLOCK = RunIdentifier(run_name="validate", run_time="1970-01-01T00:00:00+00:00")
_CLOCK_IN_META = ("batch_markers", "validation_time")
_STYLE = "data_docs.css"
_SCRIPTS_AND_REMOTE = re.compile(
    r"<script\b.*?</script>|<link\b[^>]*>|<img\b[^>]*>|\sonclick=\"[^\"]*\"|"
    r"<footer\b.*?</footer>|url\('https?:[^)]*\)",
    re.DOTALL,
)
_RANDOM_ID = re.compile(r"(collapse-body-)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TO_ROOT = re.compile(r'href="(?:\.\./)+')


def write_docs(folder: Path, verdict: Verdict) -> None:
    """index.html with every rule, and Great Expectations' own pages per suite and per result."""
    style = resources.files("tasks.validate").joinpath(_STYLE).read_text(encoding="utf-8")
    _write(folder / _STYLE, style)
    _write(folder / "index.html", _index(verdict))
    view = DefaultJinjaPageView()
    for checked in verdict.checked:
        name = f"{checked.suite.name}.html"
        suite = ExpectationSuitePageRenderer().render(checked.suite)
        _write(folder / "expectations" / name, _page(view, suite))
        if checked.result is not None:
            result = ValidationResultsPageRenderer().render(_without_clock(checked))
            _write(folder / "validations" / name, _page(view, result))


def _without_clock(checked: Checked) -> Any:
    """The result as Great Expectations would store it, for its renderer expects plain numbers."""
    plain = json.loads(json.dumps(checked.result.to_json_dict()))
    for key in _CLOCK_IN_META:
        plain["meta"].pop(key, None)
    for one in plain["results"]:
        one["result"] = _escape_all(one["result"])
    result = ExpectationSuiteValidationResultSchema().load(plain)
    result.meta["run_id"] = _NO_CLOCK
    return result


def _escape_all(value: Any) -> Any:
    """Its templates write values as they are; mark-up in a text would run in the reader's page."""
    if isinstance(value, dict):
        return {key: _escape_all(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_escape_all(inner) for inner in value]
    return escape(value) if isinstance(value, str) else value


def _page(view: Any, content: Any) -> str:
    page = _SCRIPTS_AND_REMOTE.sub("", view.render(content, show_how_to_buttons=False))
    page = _TO_ROOT.sub('href="../', _RANDOM_ID.sub(r"\1", page))
    return page.replace("</head>", f'<link rel="stylesheet" href="../{_STYLE}">\n</head>', 1)


def _index(verdict: Verdict) -> str:
    pages = {
        one.rule.name: checked.suite.name
        for checked in verdict.checked
        if checked.result is not None
        for one in checked.outcomes
    }
    rows = [
        _index_row(one, pages.get(one.rule.name), verdict.params.num_sample_rows)
        for one in verdict.outcomes
    ]
    problems = "".join(f"<li>{escape(problem)}</li>" for problem in verdict.problems)
    suites = " · ".join(
        f'<a href="expectations/{name}.html">{name}</a>'
        for name in (checked.suite.name for checked in verdict.checked)
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="UTF-8"><title>Data Docs</title>'
        f'<link rel="stylesheet" href="{_STYLE}"></head><body class="index">'
        f"<h1>Validation {'failed' if verdict.problems else 'passed'}</h1>"
        f"<p>{verdict.num_rows:,} rows in, {verdict.kept.num_rows:,} kept, "
        f"{verdict.num_quarantined:,} quarantined.</p><ul>{problems}</ul>"
        "<table class='table'><tr><th></th><th>rule</th><th>severity</th><th>table</th>"
        "<th>rows failed</th><th>expectation</th><th>found</th></tr>\n"
        + "\n".join(rows)
        + f"</table><p>Suites: {suites}</p></body></html>\n"
    )


def _index_row(outcome: Outcome, page: str | None, num_sample_rows: int) -> str:
    samples = "".join(
        f"<li>{escape(', '.join(f'{key}={value}' for key, value in sample.items()))}</li>"
        for sample in sample_rows(outcome, num_sample_rows)
    )
    name = escape(outcome.rule.name)
    cells = [
        f'<i class="{"text-success" if outcome.status == "passed" else "text-danger"}"></i>',
        f'<a href="validations/{page}.html">{name}</a>' if page else name,
        outcome.rule.severity,
        outcome.rule.table,
        f"{outcome.num_failed:,} of {outcome.num_checked:,}",
        escape(describe_rule(outcome.rule)),
        f"{escape(outcome.observed)}<ul>{samples}</ul>" if samples else escape(outcome.observed),
    ]
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _write(file: Path, content: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content, encoding="utf-8")
