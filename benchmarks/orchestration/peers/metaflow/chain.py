"""Eight steps as Metaflow teaches them: what a step puts on `self` is a versioned artifact."""

from pathlib import Path

from metaflow import FlowSpec, step


class Chain(FlowSpec):
    """Each step extends the text of the one before and notes in the trace that it ran."""

    def extend(self, number: int) -> None:
        self.text = f"{getattr(self, 'text', '')} {number}".strip()
        with Path("trace.txt").open("a") as trace:
            trace.write(f"{self.text}\n")

    @step
    def start(self) -> None:
        self.extend(1)
        self.next(self.step_2)

    @step
    def step_2(self) -> None:
        self.extend(2)
        self.next(self.step_3)

    @step
    def step_3(self) -> None:
        self.extend(3)
        self.next(self.step_4)

    @step
    def step_4(self) -> None:
        self.extend(4)
        self.next(self.step_5)

    @step
    def step_5(self) -> None:
        self.extend(5)
        self.next(self.step_6)

    @step
    def step_6(self) -> None:
        self.extend(6)
        self.next(self.step_7)

    @step
    def step_7(self) -> None:
        self.extend(7)
        self.next(self.end)

    @step
    def end(self) -> None:
        self.extend(8)


if __name__ == "__main__":
    Chain()
