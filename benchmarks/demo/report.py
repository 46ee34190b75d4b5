"""The tables, in the terminal and in a file, and whether they keep what the proof promises."""

from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.demo.picture import Figures, draw
from benchmarks.demo.proof import Compared, Kept, Traced
from benchmarks.demo.scenario import Scenario
from benchmarks.demo.turns import Turn


class Result(NamedTuple):
    """All that was measured."""

    turns: Sequence[Turn]
    ours: Sequence[Compared]  # the withheld source, held out, each turn against the first
    others: Sequence[Compared]  # the last turn against the first
    traced: Sequence[Traced]
    kept: Kept
    dollars_per_hour: float


def find_problems(result: Result, scenario: Scenario) -> list[str]:
    """What the proof promises and the figures do not keep."""
    problems = []
    gain = result.ours[0].gain
    points = gain.candidate - gain.champion
    if points < scenario.min_gain or gain.low <= 0:
        problems.append(
            f"{scenario.withheld}: gained {100 * points:.1f} points ({100 * gain.low:.1f} to "
            f"{100 * gain.high:.1f}), expected {100 * scenario.min_gain:.0f} and above zero"
        )
    for one in result.others:
        lost = one.gain.champion - one.gain.candidate
        if lost > scenario.max_loss:
            problems.append(
                f"{one.name}: lost {100 * lost:.1f} points ({-100 * one.gain.high:.1f} to "
                f"{-100 * one.gain.low:.1f}), expected {100 * scenario.max_loss:.0f} at most"
            )
    return [*problems, *_find_losses(result)]


def _find_losses(result: Result) -> list[str]:
    kept, problems = result.kept, []
    if kept.num_lost or kept.num_doubled:
        problems.append(
            f"{kept.num_lost:,} acknowledged corrections are in no partition and "
            f"{kept.num_doubled:,} twice, expected none"
        )
    for number, one in enumerate(result.traced, start=2):
        if one.num_taken != one.num_sent:
            problems.append(
                f"turn {number}: {one.num_taken:,} of {one.num_sent:,} corrections in its data"
            )
    return problems


def write_report(result: Result, scenario: Scenario) -> str:
    """Markdown, also written beside the picture; returns it."""
    lines = [
        "| turn | live | trained by | corrections | macro F1, held out | gain on turn 1 (95 %) "
        "| time | training run | cost |",
        "|---|---|---|---|---|---|---|---|---|",
        *(_turn_row(number, result, scenario) for number in range(len(result.turns))),
        "",
        "| other source | rows | turn 1 | last turn | difference (95 %) |",
        "|---|---|---|---|---|",
        *(
            f"| {one.name} | {one.num_rows:,} | {one.gain.champion:.3f} | {one.gain.candidate:.3f} "
            f"| {_interval(one)} |"
            for one in result.others
        ),
        "",
        *(_traced_line(number, one) for number, one in enumerate(result.traced, start=2)),
        "",
        _kept_line(result.kept),
    ]
    text = "\n".join(lines) + "\n"
    (scenario.folder / "report.md").write_text(text, encoding="utf-8")
    figures = Figures(result.ours, result.others, [turn.version for turn in result.turns])
    draw(figures, scenario, scenario.folder / "report.png")
    return text


def _turn_row(number: int, result: Result, scenario: Scenario) -> str:
    turn = result.turns[number]
    compared = result.ours[max(number - 1, 0)]
    score = compared.gain.candidate if number else compared.gain.champion
    gain = _interval(compared) if number else ""
    cost = result.dollars_per_hour * turn.training_seconds / 3600
    return (
        f"| {number + 1} | {turn.version} | {turn.started_by} | {len(turn.sent):,} | {score:.3f} "
        f"of {compared.num_rows:,} | {gain} | {turn.seconds:.0f} s | {turn.training_seconds:.0f} s "
        f"| ${cost:.2f} |"
    )


def _interval(compared: Compared) -> str:
    gain = compared.gain
    points = 100 * (gain.candidate - gain.champion)
    return f"{points:+.1f} points ({100 * gain.low:+.1f} to {100 * gain.high:+.1f})"


def _traced_line(number: int, traced: Traced) -> str:
    parts = ", ".join(f"{count:,} {part}" for part, count in sorted(traced.by_part.items()))
    return (
        f"Turn {number}: {traced.num_sent:,} corrections acknowledged; {traced.num_taken:,} of "
        f"their ids in the data of this turn's model, as votes on {traced.num_texts:,} texts: "
        f"{parts}."
    )


def _kept_line(kept: Kept) -> str:
    return (
        f"In all: {kept.num_acknowledged:,} answers to POST /v1/feedback said that a correction is "
        f"kept; the partitions hold {kept.num_events:,} events: {kept.num_lost:,} lost, "
        f"{kept.num_doubled:,} twice."
    )
