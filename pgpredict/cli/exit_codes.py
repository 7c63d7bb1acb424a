"""What the exit codes of the command line mean. docs/commands.md shows the same table."""

from __future__ import annotations

from enum import IntEnum

from pgpredict import errors


class ExitCode(IntEnum):
    """How a command ended."""

    DONE = 0
    UNEXPECTED = 1
    USAGE = 2
    REFUSED = 3
    DIFFERENT = 4
    DATABASE = 5
    DRIFTED = 6
    INTERRUPTED = 130


# The first class that fits decides; every other error that pgpredict raises is a refusal.
CODES: tuple[tuple[type[errors.PgpredictError], ExitCode], ...] = (
    (errors.GoldenRowMismatch, ExitCode.DIFFERENT),
    (errors.DatabaseError, ExitCode.DATABASE),
    (errors.PgpredictError, ExitCode.REFUSED),
)


def exit_code(error: Exception) -> ExitCode:
    """The exit code for an error.

    Args:
        error: what a command raised.

    Returns:
        The code of its class; `ExitCode.UNEXPECTED` for what pgpredict does not raise on purpose.

    Example:
        >>> exit_code(errors.NoServer("nobody answers"))
        <ExitCode.DATABASE: 5>
    """
    return next((code for kind, code in CODES if isinstance(error, kind)), ExitCode.UNEXPECTED)
