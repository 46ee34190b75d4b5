"""The service's log: one JSON object a line, whatever a text holds."""

import logging
import sys

from pythonjsonlogger.json import JsonFormatter


def set_up_logging() -> None:
    """To standard error, from INFO on; json escapes what could begin a line or steer a terminal."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        JsonFormatter(
            "%(asctime)s %(levelname)s %(name)s %(message)s",
            rename_fields={"asctime": "at", "levelname": "level", "name": "logger"},
            json_ensure_ascii=True,
        )
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
