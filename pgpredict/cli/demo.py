"""``pgpredict demo``."""

from __future__ import annotations

from pgpredict.cli.options import Dsn


def demo(dsn: Dsn = None) -> None:
    """Show it all on real flights: train, deploy, promote, score, compare; about two minutes."""
    from pgpredict.demo import run

    run(dsn)
