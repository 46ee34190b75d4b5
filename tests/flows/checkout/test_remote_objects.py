from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from flows import doctor
from tests.flows.checkout.chain import CACHE, REMOTE, flip_a_bit, object_of
from tests.project import run

NUMBERS, PARTS = Path("data/on/numbers.txt"), Path("data/on/parts")


@pytest.mark.slow
def test_a_damaged_remote_object_is_pushed_anew_if_the_cache_has_a_good_one(
    chain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sound = object_of(REMOTE, NUMBERS)
    content = sound.read_bytes()
    flip_a_bit(sound)
    run(chain, ["dvc", "push"])
    assert sound.read_bytes() != content  # the control: DVC does not look
    assert doctor.main([]) == 1
    assert "remote local: " in (said := capsys.readouterr().out)
    assert "it is data/on/numbers.txt of on" in said
    assert doctor.main(["--mend"]) == 0
    assert sound.read_bytes() == content
    assert "pushed anew from the cache" in capsys.readouterr().out
    assert doctor.main([]) == 0

    flip_a_bit(sound)
    flip_a_bit(object_of(CACHE, NUMBERS))
    bad = sound.read_bytes()
    assert doctor.main(["--mend"]) == 1
    assert "the cache has no good copy of" in capsys.readouterr().out
    assert sound.read_bytes() == bad  # never removed without a better one
    run(chain, ["dvc", "commit", "--force", "on"])  # the checkout still has the good bytes
    assert doctor.main(["--mend"]) == 0
    assert sound.read_bytes() == content


def test_a_remote_that_cannot_be_read_is_wrong(
    chain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(chain, ["dvc", "remote", "modify", "local", "url", "ssh://127.0.0.1/x"])
    assert doctor.main([]) == 1
    assert "the default remote cannot be read: " in capsys.readouterr().out


@pytest.mark.slow
def test_a_remote_that_cannot_be_listed_is_asked_for_what_the_cache_has(
    chain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flip_a_bit(object_of(REMOTE, NUMBERS))
    object_of(REMOTE, PARTS).unlink()
    handler = partial(SimpleHTTPRequestHandler, directory=chain.parent / "remote")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        run(chain, ["dvc", "remote", "modify", "local", "url", address])
        assert doctor.main([]) == 1
        server.shutdown()
    assert "remote local: 4 of 5 objects are sound" in capsys.readouterr().out
