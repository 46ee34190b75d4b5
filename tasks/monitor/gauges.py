"""The report's figures for Prometheus; the prediction service shows them at /metrics."""

from collections.abc import Iterator

from tasks.gauges import Gauge, Gauges, Sample
from tasks.monitor.drops import MEASURES
from tasks.monitor.report import Finding, Quality, Report

_PREFIX = "flywheel_monitor"


def gauges_of(report: Report) -> Gauges:
    made = [*_finding_gauges(report.findings), *_quality_gauges(report), *_traffic_gauges(report)]
    return Gauges(at=report.at, gauges=[gauge for gauge in made if gauge.samples])


def _finding_gauges(findings: list[Finding]) -> Iterator[Gauge]:
    fired = [Sample(labels=_labels(one), value=float(one.fired)) for one in findings]
    yield Gauge(name=f"{_PREFIX}_fired", meaning="1 for a finding that fired", samples=fired)
    effects = [
        Sample(labels={**_labels(one), "measure": one.measure}, value=one.windows[-1].value)
        for one in findings
        if one.name not in MEASURES and one.windows[-1].value is not None
    ]
    meaning = "How far the newest window is from the reference"
    yield Gauge(name=f"{_PREFIX}_drift_effect", meaning=meaning, samples=effects)


def _quality_gauges(report: Report) -> Iterator[Gauge]:
    """Of the newest window in which anything was corrected, by version and part."""
    newest = {(one.version, one.part): one for one in report.quality if one.num_corrected}
    for name in ("accuracy", "macro_f1"):
        samples = [
            Sample(labels={**_of(one), "end": end}, value=value)
            for one in newest.values()
            for end, value in _ends(one, name)
        ]
        meaning = f"{name} of predictions by their corrections, with its interval"
        yield Gauge(name=f"{_PREFIX}_{name}", meaning=meaning, samples=samples)
    coverage = [Sample(labels=_of(one), value=one.coverage) for one in newest.values()]
    meaning = "Share of predictions that were corrected"
    yield Gauge(name=f"{_PREFIX}_coverage", meaning=meaning, samples=coverage)


def _traffic_gauges(report: Report) -> Iterator[Gauge]:
    seen = report.windows[-1] if report.windows else None
    by_quantile = (
        [("0.5", seen.latency_p50_ms), ("0.99", seen.latency_p99_ms)] if seen else []
    )  # fmt: skip
    latencies = [
        Sample(labels={"quantile": quantile}, value=value)
        for quantile, value in by_quantile
        if value is not None
    ]
    yield Gauge(
        name=f"{_PREFIX}_latency_milliseconds",
        meaning="Time to answer, newest window",
        samples=latencies,
    )
    figures: dict[str, tuple[str, float | None]] = {
        "predictions": ("In the newest window", seen.num_predictions if seen else None),
        "unknown_token_rate": ("In the newest window", seen.unknown_token_rate if seen else None),
        "error_share": ("Of requests since the release was loaded", report.error_share),
        "labels_waiting": ("No release has learnt from them", report.num_labels_waiting),
        "predictions_since_release": ("By what is live", report.num_since_release),
    }
    for name, (meaning, value) in figures.items():
        samples = [] if value is None else [Sample(labels={}, value=value)]
        yield Gauge(name=f"{_PREFIX}_{name}", meaning=meaning, samples=samples)


def _ends(one: Quality, name: str) -> Iterator[tuple[str, float]]:
    low, high = ("low", "high") if name == "accuracy" else (f"{name}_low", f"{name}_high")
    for end, field in (("middle", name), ("low", low), ("high", high)):
        if (value := getattr(one, field)) is not None:
            yield end, value


def _labels(finding: Finding) -> dict[str, str]:
    return {"finding": finding.name, "part": finding.part}


def _of(one: Quality) -> dict[str, str]:
    return {"version": one.version, "part": one.part}
