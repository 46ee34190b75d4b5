"""The service's log: one JSON object a line, whatever a text holds."""

import datetime
import logging
import sys
import threading
from types import TracebackType

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

_FIELDS = {"asctime": "at", "levelname": "level", "name": "logger"}


class LineFormatter(JsonFormatter):
    """JSON in ASCII: what could begin a line or steer a terminal stands there as an escape."""

    def __init__(self) -> None:
        super().__init__(
            f"%({')s %('.join(_FIELDS)})s %(message)s",
            rename_fields=_FIELDS,
            json_ensure_ascii=True,
            reserved_attrs=[*RESERVED_ATTRS, "color_message"],  # uvicorn's, for terminals
        )

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        """UTC, whatever the machine's zone is."""
        moment = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        return moment.isoformat(timespec="milliseconds")

    def format(self, record: logging.LogRecord) -> str:
        """DEL is ASCII, too, and JSON does not mind it."""
        return super().format(record).replace("\x7f", "\\u007f")


def set_up_logging() -> None:
    """To standard error, from INFO on: our loggers, uvicorn's, and Python's warnings."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_uncaught
    threading.excepthook = lambda ended: _log_uncaught(
        ended.exc_type, ended.exc_value or ended.exc_type(), ended.exc_traceback
    )
    logging.raiseExceptions = False  # a record that cannot be formatted would be printed as it is


def _log_uncaught(
    kind: type[BaseException], error: BaseException, where: TracebackType | None
) -> None:
    """A traceback has many lines; in JSON it is one."""
    logging.getLogger(__name__).critical("uncaught", exc_info=(kind, error, where))
