"""A bundle made once for all tests that only look at it or change a copy."""

from tests.tasks.packaged import packaged

__all__ = ["packaged"]
