"""What somebody asked for, before the database is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pgpredict.batch.targets import ANSWERS
from pgpredict.errors import InvalidSource, PgpredictError


@dataclass(frozen=True)
class Request:
    """The arguments of `pgpredict.Database.score`; see there."""

    model: str
    source: str
    into: str
    key: tuple[str, ...]
    version: int | None
    partition_by: str | None
    every: str | None
    partitions: tuple[object, ...] | None
    incremental: bool
    changed: str | None
    workers: int | None

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if not self.key or not all(self.key):
            raise InvalidSource(
                "no key is named", do="name the columns that tell the rows apart: key='id'"
            )
        taken = sorted({*self.carried} & {*ANSWERS})
        if taken:
            raise InvalidSource(
                f"a column of the source that is carried over cannot be called {', '.join(taken)}",
                why=f"the scores stand in {', '.join(ANSWERS)}",
                do=f"pass a query that calls it otherwise: SELECT {taken[0]} AS …",
            )
        if self.workers is not None and self.workers < 1:
            raise PgpredictError(f"{self.workers} workers cannot score", do="pass 1 or more")

    @property
    def carried(self) -> tuple[str, ...]:
        """The columns of the source that stand beside the answers, as far as they are named."""
        named = (*self.key, self.partition_by, self.changed)
        return tuple(dict.fromkeys(name for name in named if name is not None))


def as_key(key: str | Sequence[str]) -> tuple[str, ...]:
    """A key of one column, or of several."""
    return (key,) if isinstance(key, str) else tuple(key)
