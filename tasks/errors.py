"""Errors a person can act on; each message says what, where, what was expected, and the remedy."""


class FlywheelError(Exception):
    """The run cannot go on, and a person can mend it."""

    exit_code = 1


class ParamsError(FlywheelError):
    """`params.yaml` is missing, malformed, or holds a value the section does not take."""


class InputError(FlywheelError):
    """A file or table a stage reads is not what the stage needs."""


class GateError(FlywheelError):
    """The data or the model was read well and found not good enough."""


class TemporaryError(FlywheelError):
    """Trying again later can help (network, busy file); exit code EX_TEMPFAIL of sysexits.h."""

    exit_code = 75
