"""Great Expectations, imported once and late: it takes seconds, and its imports warn."""

import logging
import warnings
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def gate() -> ModuleType:
    """The module `tasks.validate.gate`."""
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it imports sre_constants
        from tasks.validate import gate  # noqa: PLC0415

    return gate
