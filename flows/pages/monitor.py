"""What the monitor found, in the UI: a summary, and the findings that fired or could be judged."""

from collections.abc import Iterator
from pathlib import Path

from flows.pages.markdown import code, escaped, number, page, printable, section
from tasks.monitor.report import PAGE, Finding, Quality, Report

_NOTHING = "-"


def in_one_line(report: Report) -> str:
    """For the run's state."""
    if not report.windows:
        return report.status
    num_fired = sum(finding.fired for finding in report.findings)
    num_seen = sum(window.num_predictions for window in report.windows)
    return (
        f"{report.version}: {num_seen:,} predictions in {len(report.windows)} windows, "
        f"{num_fired} of {len(report.findings)} findings fired"
    )


def monitor_page(report: Report, target: Path) -> str:
    """Summary, what is told, traffic and quality; where the whole report lies."""
    told = [(alert.event, alert.message, alert.evidence[:12]) for alert in report.alerts]
    quality = [_quality_row(report, one) for one in report.quality if one.num_corrected]
    return page(
        escaped(in_one_line(report)),
        *(escaped(note) for note in report.notes),
        section("What is told", ("event", "message", "evidence"), told),
        section(
            "Windows",
            ("until, UTC", "predictions", "p50, ms", "p99, ms", "unknown tokens"),
            list(_window_rows(report)),
        ),
        section(
            "Quality, by corrections",
            ("window until, UTC", "version", "part", "corrected", "accuracy", "at most"),
            quality,
        ),
        f"The whole report, with pictures: {code(str((target / PAGE).absolute()))}",
    )


def findings_table(report: Report) -> list[dict[str, str]]:
    """What fired first; what no window had rows enough for is left out."""
    judged = [finding for finding in report.findings if finding.is_judged]
    return [
        _finding_row(one)
        for one in sorted(judged, key=lambda one: (not one.fired, one.part, one.name))
    ]


def _finding_row(finding: Finding) -> dict[str, str]:
    newest = finding.windows[-1]
    return {
        "finding": printable(finding.name),
        "part": printable(finding.part) or "all",
        "measure": finding.measure,
        "effect": _figure(newest.value),
        "bound": _figure(finding.bound),
        "p": _figure(newest.p),
        "held": f"{finding.num_held} of {len(finding.windows)}",
        "fired": "yes" if finding.fired else "",
    }


def _window_rows(report: Report) -> Iterator[tuple[str, ...]]:
    for one in report.windows:
        yield (
            f"{one.end:%F %H:%M}",
            number(one.num_predictions),
            _figure(one.latency_p50_ms),
            _figure(one.latency_p99_ms),
            _figure(one.unknown_token_rate),
        )


def _quality_row(report: Report, one: Quality) -> tuple[str, ...]:
    interval = f"{_figure(one.accuracy)} ({_figure(one.low)} to {_figure(one.high)})"
    until = f"{report.windows[one.window].end:%F %H:%M}"
    corrected = f"{one.num_corrected:,} of {one.num_predictions:,}"
    return until, one.version, one.part or "all", corrected, interval, _figure(one.at_most)


def _figure(value: float | None) -> str:
    return _NOTHING if value is None else number(float(value))
