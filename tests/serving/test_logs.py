"""A line of the log is one JSON object, whoever writes it and whatever they were sent."""

import datetime
import json
import subprocess
import sys
from typing import Any

import pytest

from tests.project import REPOSITORY, environment

FORGED = '{"level": "ERROR", "message": "forged"}'
TEXTS = [
    f"a\n{FORGED}", f"a\r\n{FORGED}", f"a\r{FORGED}", f"a\u2028{FORGED}", f"a\u2029{FORGED}",
    f"a\x85{FORGED}", f"a\x0b{FORGED}", f"a\x0c{FORGED}", "\x1b[2J\x1b[31mred", "\x9b31m",
    "\x7f\x08", '", "level": "ERROR', "\\", "lone \ud800", "\0", "%s %(x)s %",
    "{}", "\u202eright to left", "",
]  # fmt: skip


def lines_of(script: str) -> list[dict[str, Any]]:
    """What a process logs; every line must be an object of its own, of printable ASCII."""
    result = subprocess.run(
        [sys.executable, "-c", f"from serving.logs import set_up_logging\n{script}"],
        cwd=REPOSITORY, env=environment() | {"TZ": "Asia/Tokyo"}, capture_output=True, check=True,
    )  # fmt: skip
    assert result.stdout == b""
    said = result.stderr.decode("ascii")
    assert not said or said.endswith("\n")
    lines = said.split("\n")[:-1]
    assert all(line.isprintable() for line in lines)
    return [json.loads(line) for line in lines]


def test_no_text_makes_a_line_or_steers_a_terminal() -> None:
    found = lines_of(f"""
import logging
set_up_logging()
for text in {TEXTS!a}:
    logging.getLogger("serving.x").warning("text: %s", text)
    logging.getLogger("serving.x").warning("more", extra={{"text": text, text: 1}})
    try:
        raise ValueError(text)
    except ValueError:
        logging.getLogger("serving.x").exception("failed")
""")
    assert [line["message"] for line in found[::3]] == [f"text: {text}" for text in TEXTS]
    assert [line["text"] for line in found[1::3]] == TEXTS
    assert all(line["exc_info"].startswith("Traceback") for line in found[2::3])
    assert {(line["logger"], line["level"]) for line in found} == {
        ("serving.x", "WARNING"), ("serving.x", "ERROR"),
    }  # fmt: skip


def test_a_line_has_its_time_in_utc() -> None:
    before = datetime.datetime.now(datetime.UTC)
    (line,) = lines_of('import logging; set_up_logging(); logging.info("ready")')
    assert line.keys() == {"at", "level", "logger", "message"}
    moment = datetime.datetime.fromisoformat(line["at"])
    assert moment.utcoffset() == datetime.timedelta(0)
    assert abs(moment - before) < datetime.timedelta(minutes=1)


@pytest.mark.parametrize(
    "deed",
    [
        "logging.getLogger('uvicorn.error').info('a\\nb')",
        "import uvicorn; uvicorn.Config(lambda: None, log_config=None);"
        "logging.getLogger('uvicorn.access').info('a\\nb')",
        "import warnings; warnings.warn('a\\nb')",
    ],
)
def test_what_libraries_say_goes_the_same_way(deed: str) -> None:
    (line,) = lines_of(f"import logging; set_up_logging(); {deed}")
    assert "a\nb" in line["message"]


def test_a_record_that_cannot_be_formatted_is_lost_rather_than_printed_as_it_is() -> None:
    deeds = "logging.info('%d', 'a\\nb'); logging.info('next')"
    found = lines_of(f"import logging; set_up_logging(); {deeds}")
    assert [line["message"] for line in found] == ["next"]
