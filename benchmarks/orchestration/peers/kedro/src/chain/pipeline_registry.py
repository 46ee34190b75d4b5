"""Eight steps as Kedro teaches them: pure nodes, wired by the names of the catalogue's files."""

from pathlib import Path

from kedro.pipeline import Pipeline, node

NUM_STEPS = 8


def extend(previous: str, number: int) -> str:
    """What the step before gave, and this step's number; note in the trace that it ran."""
    text = f"{previous} {number}".strip()
    with Path("trace.txt").open("a") as trace:
        trace.write(f"{text}\n")
    return text


def make_node(number: int) -> object:
    def step(previous: str = "") -> str:
        return extend(previous, number)

    inputs = f"step_{number - 1}" if number > 1 else None
    return node(step, inputs, f"step_{number}", name=f"make_{number}")


def register_pipelines() -> dict[str, Pipeline]:
    return {"__default__": Pipeline([make_node(number) for number in range(1, NUM_STEPS + 1)])}
