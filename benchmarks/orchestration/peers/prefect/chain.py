"""Eight steps as Prefect teaches them: tasks called in a flow; files by hand, it keeps none."""

from pathlib import Path

from prefect import flow, task

NUM_STEPS = 8


@task
def extend(previous: Path | None, number: int) -> Path:
    """Write what the step before wrote, and this step's number; note in the trace that it ran."""
    text = f"{previous.read_text() if previous else ''} {number}".strip()
    file = Path(f"step_{number}.txt")
    file.write_text(text)
    with Path("trace.txt").open("a") as trace:
        trace.write(f"{text}\n")
    return file


@flow
def chain() -> None:
    file = None
    for number in range(1, NUM_STEPS + 1):
        file = extend.with_options(name=f"step_{number}")(file, number)


if __name__ == "__main__":
    chain()
