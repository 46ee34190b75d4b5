from pathlib import Path

import pytest

from flows.checkout.hashes import md5_of
from flows.checkout.rescue import RESCUED, move_aside, rescue_edits, rescue_folder
from tests.flows.checkout.chain import flip_a_bit
from tests.project import run

NUMBERS, PARTS = "data/on/numbers.txt", "data/on/parts"
OUTS = {"on": [NUMBERS, PARTS], "double": ["data/double/all.txt"]}


def test_an_edited_file_is_moved_where_it_says(chain: Path) -> None:
    Path(NUMBERS).write_text("by hand")
    said: list[str] = []
    (kept,) = rescue_edits({"on": [NUMBERS]}, said.append)
    assert said == [f"{NUMBERS}, an output of on, was changed by hand: moved to {kept}"]
    assert kept.match("data/.rescued/20*Z/data/on/numbers.txt")
    assert kept.read_text() == "by hand"
    assert not Path(NUMBERS).exists()


@pytest.mark.slow
def test_dvc_repro_would_have_lost_it_and_now_makes_the_output_again(chain: Path) -> None:
    before = md5_of(Path(NUMBERS))
    Path(NUMBERS).write_text("by hand")
    run(chain, ["dvc", "repro"])
    assert md5_of(Path(NUMBERS)) == before  # the control: gone without a question
    Path(NUMBERS).write_text("by hand")
    (kept,) = rescue_edits({"on": [NUMBERS]}, print)
    run(chain, ["dvc", "repro"])
    assert md5_of(Path(NUMBERS)) == before
    assert kept.read_text() == "by hand"


def test_one_edited_file_moves_its_whole_folder(chain: Path) -> None:
    Path(PARTS, "deep/c.txt").write_text("by hand")
    Path(PARTS, "empty").mkdir()
    (kept,) = rescue_edits({"on": [PARTS]}, print)
    assert (kept / "deep/c.txt").read_text() == "by hand"
    assert {file.name for file in kept.iterdir()} == {"deep", "ä b.txt", "empty"}
    assert not Path(PARTS).exists()


def test_what_the_cache_holds_stays(chain: Path) -> None:
    """Such as an earlier version put back by hand, or a folder that only lost a file."""
    assert rescue_edits(OUTS, print) == []
    Path(PARTS, "ä b.txt").unlink()
    Path(PARTS, "copy.txt").write_bytes(Path(PARTS, "deep/c.txt").read_bytes())
    Path(NUMBERS).write_bytes(Path("data/double/all.txt").read_bytes())
    assert rescue_edits(OUTS, print) == []
    assert not RESCUED.exists()


def test_a_cache_object_that_lost_its_bytes_holds_nothing(chain: Path) -> None:
    md5 = md5_of(Path(NUMBERS))
    flip_a_bit(Path(".dvc/cache/files/md5", md5[:2], md5[2:]))
    (kept,) = rescue_edits({"on": [NUMBERS]}, print)
    assert md5_of(kept) == md5


def test_the_cache_is_where_the_config_says(chain: Path) -> None:
    Path(".dvc/cache").rename(chain.parent / "elsewhere")
    run(chain, ["dvc", "cache", "dir", "--local", "../elsewhere"])
    assert rescue_edits(OUTS, print) == []
    (chain.parent / "elsewhere").rename(chain.parent / "gone")
    assert len(rescue_edits(OUTS, print)) == 3


def test_links_are_moved_as_links(chain: Path) -> None:
    target = chain.parent / "target.txt"
    target.write_text("of mine")
    for path, goal in ((NUMBERS, target), ("data/double/all.txt", "nowhere")):
        Path(path).unlink()
        Path(path).symlink_to(goal)
    kept = rescue_edits(OUTS, print)
    assert [path.is_symlink() for path in kept] == [True, True]
    assert target.read_text() == "of mine"


def test_absent_outputs_need_no_rescue(chain: Path) -> None:
    assert rescue_edits({"on": ["data/on/never.txt"]}, print) == []
    assert rescue_edits({}, print) == []


def test_no_path_leads_out_of_the_rescue_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "checkout").mkdir()
    (tmp_path / "outside.txt").write_text("x")
    monkeypatch.chdir(tmp_path / "checkout")
    kept = move_aside(Path("../outside.txt"), folder := rescue_folder())
    assert kept == folder / "outside.txt"
    kept.rename(tmp_path / "outside.txt")
    assert move_aside(tmp_path / "outside.txt", folder).is_relative_to(folder)
