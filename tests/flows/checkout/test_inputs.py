import re
import threading
from pathlib import Path

import pytest

from flows.checkout.hashes import md5_of
from flows.checkout.inputs import verify_inputs
from flows.checkout.lock import kernel_lock
from tasks.errors import InputError
from tests.flows.checkout.chain import flip_a_bit
from tests.project import run

NUMBERS, PARTS = "data/on/numbers.txt", "data/on/parts"


def cached(md5: str) -> Path:
    return Path(".dvc/cache/files/md5", md5[:2], md5[2:])


def refused(*inputs: str) -> str:
    with pytest.raises(InputError) as caught:
        verify_inputs(inputs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_untouched_inputs_pass(chain: Path) -> None:
    verify_inputs([NUMBERS, PARTS])
    verify_inputs([])
    verify_inputs(["data/on"])  # a folder of outputs
    verify_inputs([f"{PARTS}/deep"])  # a part of one


def test_a_flipped_bit_that_dvc_trusts_is_refused_with_both_md5s(chain: Path) -> None:
    run(chain, ["dvc", "status"])  # DVC notes size and time
    expected = md5_of(Path(NUMBERS))
    flip_a_bit(Path(NUMBERS))
    assert "up to date" in run(chain, ["dvc", "status"]).stdout  # the control
    message = refused(NUMBERS)
    assert message.startswith(f"{NUMBERS}: altered since on made it: expected md5 {expected}")
    assert md5_of(Path(NUMBERS)) in message
    assert "make doctor" in message


@pytest.mark.slow
def test_a_damaged_cache_object_that_dvc_checks_out_is_found_before_use(chain: Path) -> None:
    md5 = md5_of(Path(NUMBERS))
    flip_a_bit(cached(md5))
    assert cached(md5).stat().st_mode & 0o777 == 0o444
    Path(NUMBERS).unlink()
    run(chain, ["dvc", "checkout"])  # the control: the bad bytes are taken, and found up to date
    assert "up to date" in run(chain, ["dvc", "status"]).stdout
    assert f"expected md5 {md5}, found {md5_of(Path(NUMBERS))}" in refused(PARTS, NUMBERS)


def test_in_a_folder_the_altered_file_is_named(chain: Path) -> None:
    file = Path(PARTS, "deep/c.txt")
    expected = md5_of(file)
    flip_a_bit(file)
    assert f"{file}: altered since on made it: expected md5 {expected}, " in refused(PARTS)


def test_a_file_more_or_less_in_a_folder_is_named(chain: Path) -> None:
    Path(PARTS, "new.txt").write_text("new")
    assert f"{PARTS}/new.txt: altered since on made it: expected md5 no such file" in refused(PARTS)
    Path(PARTS, "new.txt").unlink()
    Path(PARTS, "ä b.txt").unlink()
    assert re.search("ä b.txt: .* found no such file", refused(PARTS))


def test_without_its_listing_a_folder_is_named_as_a_whole(chain: Path) -> None:
    flip_a_bit(cached(md5_of(Path(PARTS))))
    Path(PARTS, "new.txt").write_text("new")
    assert re.match(rf"{PARTS}: altered .* md5 [0-9a-f]{{32}}\.dir, found", refused(PARTS))


def test_a_file_in_place_of_a_folder_and_the_other_way_round(chain: Path) -> None:
    Path(PARTS).rename("data/on/elsewhere")
    Path(PARTS).write_text("no folder")
    Path(NUMBERS).unlink()
    Path(NUMBERS).mkdir()
    assert refused(PARTS).startswith(f"{PARTS}: altered")
    assert refused(NUMBERS).startswith(f"{NUMBERS}: altered")


def test_an_absent_input_names_its_maker(chain: Path) -> None:
    Path(NUMBERS).unlink()
    assert refused(NUMBERS).startswith(f"{NUMBERS}: no such file; on made it.")


def test_an_input_that_no_stage_recorded_is_refused(chain: Path) -> None:
    assert "records no output 'data/other.txt'" in refused("data/other.txt")


def test_while_dvc_writes_its_lock_file_the_reader_waits(chain: Path) -> None:
    """Half written, dvc.lock is not judged before its writer is done."""
    whole = Path("dvc.lock").read_bytes()
    writer = kernel_lock(Path(".dvc/tmp/lock"))
    writer.acquire()
    Path("dvc.lock").write_bytes(whole[:100])

    def finish() -> None:
        Path("dvc.lock").write_bytes(whole)
        writer.release()

    timer = threading.Timer(0.5, finish)
    timer.start()
    verify_inputs([NUMBERS])
    assert not writer.is_locked
    timer.join()
