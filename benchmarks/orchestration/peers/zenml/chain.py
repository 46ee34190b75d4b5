"""Eight steps as ZenML teaches them: every step's return value is a versioned artifact."""

from pathlib import Path

from zenml import pipeline, step

NUM_STEPS = 8


@step
def extend(previous: str, number: int) -> str:
    """What the step before gave, and this step's number; note in the trace that it ran."""
    text = f"{previous} {number}".strip()
    with Path("trace.txt").open("a") as trace:
        trace.write(f"{text}\n")
    return text


@pipeline
def chain() -> None:
    text = ""
    for number in range(1, NUM_STEPS + 1):
        text = extend(text, number, id=f"step_{number}")


if __name__ == "__main__":
    chain()
