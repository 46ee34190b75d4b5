"""The targets as sentences, each from the medians of this measurement."""

from collections.abc import Iterator

from benchmarks.serving.contestants import OURS, OURS_FP32
from benchmarks.serving.overload import verdict
from benchmarks.serving.report import Measurement, Row
from benchmarks.serving.trial import CONCURRENCIES

MIN_SHARE_OF_BARE, MIN_GAIN, MAX_LONE_RATIO = 0.9, 2.0, 1.3
MAX_MEBIBYTES, MAX_READY_SECONDS = 400, 3.0


def find_verdicts(measurement: Measurement) -> list[str]:
    measured = {row.contestant.name: row for row in measurement.rows if row.trials}
    peers = [row for row in measured.values() if not row.contestant.precision]
    fp32, shipped = measured.get(OURS_FP32.name), measured.get(OURS.name)
    lines: list[str] = []
    if fp32 and peers:
        lines += _beside_peers(fp32, peers)
    if fp32 and measurement.bare:
        lines.append(_beside_bare(fp32, measurement))
    if shipped and peers:
        lines += _gain(shipped, peers)
    for row, precision in ((fp32, "fp32"), (shipped, "int8")):
        if row and measurement.bare:
            lines.append(_alone(row, measurement.bare_median("seconds_alone", precision)))
    if shipped:
        lines += _footprint(shipped)
    return lines


def _beside_peers(ours: Row, peers: list[Row]) -> Iterator[str]:
    for number in CONCURRENCIES:
        best = max(peers, key=lambda row: row.per_second(number))
        found, other = ours.per_second(number), best.per_second(number)
        yield (
            f"same model, {number} clients: ours {found:.0f}/s, best peer "
            f"({best.contestant.name}) {other:.0f}/s: {verdict(found >= other)}"
        )


def _beside_bare(ours: Row, measurement: Measurement) -> str:
    names = [name for name in measurement.bare[0]["per_second"] if name.startswith("fp32")]
    best = max(names, key=lambda name: measurement.bare_median("per_second", name))
    bound = measurement.bare_median("per_second", best)
    found = ours.per_second(CONCURRENCIES[-1])
    return (
        f"same model: {found / bound:.0%} of ONNX Runtime alone at its best ({best}, "
        f"{bound:.0f}/s): {verdict(found >= MIN_SHARE_OF_BARE * bound)}"
    )


def _gain(ours: Row, peers: list[Row]) -> Iterator[str]:
    number = CONCURRENCIES[-1]
    best = max(peers, key=lambda row: row.per_second(number))
    gain = ours.per_second(number) / best.per_second(number)
    yield (
        f"as shipped, {number} clients: {gain:.2f} x the best peer ({best.contestant.name}): "
        f"{verdict(gain >= MIN_GAIN)}"
    )
    least = min(row.p99(number) for row in peers)
    yield (
        f"as shipped, {number} clients: p99 {1e3 * ours.p99(number):.0f} ms, the least of a peer "
        f"{1e3 * least:.0f} ms: {verdict(ours.p99(number) <= least)}"
    )


def _alone(ours: Row, bare_seconds: float) -> str:
    ratio = ours.p50(1) / bare_seconds
    return (
        f"{ours.contestant.name}, one request alone: median {1e3 * ours.p50(1):.2f} ms, the bare "
        f"model {1e3 * bare_seconds:.2f} ms, {ratio:.2f} x: {verdict(ratio <= MAX_LONE_RATIO)}"
    )


def _footprint(ours: Row) -> Iterator[str]:
    yield f"as shipped: {ours.mebibytes:.0f} MiB: {verdict(ours.mebibytes <= MAX_MEBIBYTES)}"
    yield (
        f"as shipped: ready after {ours.ready_seconds:.1f} s: "
        f"{verdict(ours.ready_seconds <= MAX_READY_SECONDS)}"
    )
