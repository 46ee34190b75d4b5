import pytest

from tasks.sizing.choose import choose_strategy
from tasks.sizing.layout import Hardware
from tests.tasks.sizing.networks import ALONE, BERT, make_load, sized

CPU = Hardware("cpu", "CPU", memory_bytes=8 * 10**9, num_devices=1, num_nodes=1)
H100 = Hardware("cuda", "H100", memory_bytes=80 * 10**9, num_devices=4, num_nodes=1)
SMALL = 4_500_000  # bytes: too few for the whole state of BERT, enough for a quarter


@pytest.mark.parametrize(
    ("hardware", "strategy", "num_processes", "words"),
    [
        (CPU, "single", 1, "so one process holds all"),
        (CPU._replace(memory_bytes=SMALL), "single", 1, "no strategy makes it less"),
        (CPU._replace(num_devices=2), "ddp", 2, "per process, so each can hold all"),
        (H100._replace(num_devices=1), "single", 1, "so one process holds all"),
        (H100._replace(num_devices=1, memory_bytes=SMALL), "fsdp", 1, "with cpu_offload"),
        (H100, "ddp", 4, "fsdp would send 1.5 x as much per step"),
        (H100._replace(num_nodes=2), "ddp", 8, "8 x H100"),
        (H100._replace(memory_bytes=SMALL), "fsdp", 4, "to hold all, as ddp does"),
        (H100._replace(memory_bytes=1000), "fsdp", 4, "which is too much"),
    ],
)
def test_the_simplest_strategy_that_fits(
    hardware: Hardware, strategy: str, num_processes: int, words: str
) -> None:
    load = make_load()._replace(batch_size=4)
    choice = choose_strategy(sized(BERT, load), load, hardware, ALONE, usable_share=0.9)
    assert (choice.layout.strategy, choice.layout.num_processes) == (strategy, num_processes)
    assert choice.layout.cpu_offload is ("cpu_offload," in choice.reason)
    assert words in choice.reason


def test_the_reason_is_one_sentence_with_the_numbers() -> None:
    load = make_load()
    choice = choose_strategy(sized(BERT, load), load, H100, ALONE, usable_share=0.9)
    assert choice.reason == (
        "ddp on 4 x H100: 7.71 MB of 80 GB needed per GPU, so each can hold all; "
        "fsdp would send 1.5 x as much per step"
    )
