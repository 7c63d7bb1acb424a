"""``pgpredict demo``."""

from __future__ import annotations


def demo() -> None:
    """Show it all on real flights: train, deploy, promote, score, compare; about two minutes."""
    from pgpredict.demo import run

    run()
