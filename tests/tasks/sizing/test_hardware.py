import psutil
import pytest
import torch

from tasks.sizing.hardware import find_hardware


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine's GPUs come first")
def test_a_cpu_is_one_process_unless_more_are_asked_for() -> None:
    here = find_hardware(num_devices=0, num_nodes=1)
    assert (here.kind, here.num_processes) == ("cpu", 1)
    assert here.bytes_per_process == psutil.virtual_memory().total
    asked = find_hardware(num_devices=2, num_nodes=3)
    assert asked.num_processes == 6
    assert asked.bytes_per_process == psutil.virtual_memory().total // 2
