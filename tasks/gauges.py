"""Figures one program leaves in a file for another's /metrics: the form of gauges.json."""

from pydantic import AwareDatetime

from tasks.documents import Document

FILE = "monitor/gauges.json"  # below the live side's folder


class Sample(Document):
    labels: dict[str, str]
    value: float


class Gauge(Document):
    name: str
    meaning: str
    samples: list[Sample]


class Gauges(Document):
    at: AwareDatetime  # when they were true
    gauges: list[Gauge]
