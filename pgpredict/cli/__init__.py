"""The command line ``pgpredict``."""

from __future__ import annotations

from pgpredict.cli.app import app

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line with the arguments of the process, and exit with its code."""
    app(prog_name="pgpredict")
