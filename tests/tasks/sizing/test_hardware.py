import psutil

from tasks.sizing.hardware import find_hardware


def test_a_cpu_is_one_process_unless_more_are_asked_for() -> None:
    here = find_hardware("cpu", num_devices=0, num_nodes=1)
    assert here.num_processes == 1
    assert here.bytes_per_process == psutil.virtual_memory().total
    assert find_hardware("cpu", num_devices=2, num_nodes=3).num_processes == 6
