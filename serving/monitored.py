"""What the monitor found last, at /metrics: it leaves the figures in a file."""

import datetime
from collections.abc import Iterator
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily, Metric

from tasks import documents
from tasks.errors import InputError
from tasks.gauges import FILE, Gauge, Gauges
from tasks.releases import LIVE


class MonitorCollector:
    """Reads the file each time it is asked; says nothing of a monitor that never ran."""

    def __init__(self, file: Path = LIVE / FILE) -> None:
        self._file = file

    def collect(self) -> Iterator[Metric]:
        if not self._file.exists():
            return
        try:
            found = documents.read(self._file, Gauges, "It is written anew with the next look.")
        except InputError:  # what is wrong with it must not take the service's own figures away
            yield _single("flywheel_monitor_readable", "0: the file of the monitor is damaged", 0)
            return
        yield _single("flywheel_monitor_readable", "0: the file of the monitor is damaged", 1)
        age = datetime.datetime.now(datetime.UTC) - found.at
        yield _single(
            "flywheel_monitor_report_age_seconds",
            "Since the monitor has looked", age.total_seconds(),
        )  # fmt: skip
        yield from map(_family, found.gauges)


def _family(gauge: Gauge) -> Metric:
    names = list(gauge.samples[0].labels) if gauge.samples else []
    family = GaugeMetricFamily(gauge.name, gauge.meaning, labels=names)
    for sample in gauge.samples:
        family.add_metric([sample.labels.get(name, "") for name in names], sample.value)
    return family


def _single(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value)
