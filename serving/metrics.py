"""What Prometheus reads at /metrics."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from serving.monitored import MonitorCollector
from serving.store.records import LogState

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_SIZES = (1, 2, 4, 8, 16, 32)


class Metrics:
    """A registry of its own, so that two services in one process do not share figures."""

    def __init__(self, num_waiting: Callable[[], int], log_state: Callable[[], LogState]) -> None:
        registry = self.registry = CollectorRegistry()
        self.requests = Counter(
            "flywheel_requests", "Requests answered", ["route", "status"], registry=registry
        )
        self.seconds = Histogram(
            "flywheel_predict_seconds", "Time to answer /v1/predict, of those that were scored",
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self.texts = Counter(
            "flywheel_texts", "Texts scored", ["version", "role", "label"], registry=registry
        )
        self.batch_texts = Histogram(
            "flywheel_batch_texts", "Texts scored together", buckets=_SIZES, registry=registry
        )
        self.feedback = Counter(
            "flywheel_feedback", "What became of corrections", ["outcome"], registry=registry
        )
        self.waiting_feedback = Gauge(
            "flywheel_waiting_feedback", "Corrections on their way to the store", registry=registry
        )
        self.live = Gauge(
            "flywheel_release", "1 for each release in memory", ["version", "role"],
            registry=registry,
        )  # fmt: skip
        waiting = Gauge("flywheel_waiting_texts", "Texts not yet scored", registry=registry)
        waiting.set_function(num_waiting)
        registry.register(_LogCollector(log_state))
        registry.register(MonitorCollector())

    def page(self) -> bytes:
        return generate_latest(self.registry)


class _LogCollector:
    """The prediction log counts for itself; here its figures get names."""

    def __init__(self, state: Callable[[], LogState]) -> None:
        self._state = state

    def collect(self) -> "list[Metric]":
        state = self._state()
        predictions = CounterMetricFamily(
            "flywheel_logged_predictions", "What became of predictions for the store",
            labels=["outcome"],
        )  # fmt: skip
        for outcome in ("written", "dropped", "refused"):
            predictions.add_metric([outcome], getattr(state, outcome))
        waiting = GaugeMetricFamily(
            "flywheel_waiting_predictions", "Predictions on their way to the store", state.waiting
        )
        return [predictions, waiting]
