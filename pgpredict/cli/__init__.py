"""The command line ``pgpredict``."""

from __future__ import annotations

import os
import sys

from pgpredict.cli.app import app

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line with the arguments of the process, and exit with its code."""
    try:
        app(prog_name="pgpredict")
    finally:
        _flush()


def _flush() -> None:
    """Write what is left for stdout; a reader that went away, such as `head`, is no error."""
    if sys.__stdout__ is None:
        return
    try:
        sys.__stdout__.flush()
    except BrokenPipeError:
        # Python writes out at exit what it still holds: let that go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno())
