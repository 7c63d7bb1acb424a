"""What a run has to do, checked; and how it tells of it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection
from psycopg import errors as pg
from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from pgpredict.batch.connections import Connections
from pgpredict.batch.records import Progress
from pgpredict.batch.rows import Rows
from pgpredict.batch.sources import Source, shared_key
from pgpredict.batch.statements import Row
from pgpredict.batch.targets import Target
from pgpredict.errors import InvalidSource, InvalidTarget

Tell = Callable[[Progress], None]


@dataclass(frozen=True)
class Job:
    """What a run has to do.

    Attributes:
        model: name of the model.
        version: number, functions and types of the version.
        source: what is scored.
        target: where the scores go.
        rows: the SELECT of scored rows.
        key: the columns that tell the rows apart.
        changed: a column that changes whenever a row does; None: none is named.
        incremental: whether only rows are scored that have no score of this version.
        partition: the column by which the target is partitioned; None: it is not.
    """

    model: str
    version: Row
    source: Source
    target: Target
    rows: Rows
    key: tuple[str, ...]
    changed: str | None
    incremental: bool
    partition: str | None

    @property
    def is_classifier(self) -> bool:
        """Whether predictions are labels."""
        return bool(self.version["kind"] == "classifier")

    @contextmanager
    def telling_of_rows(self) -> Iterator[None]:
        """Turn errors about rows into errors that name the source, or the target."""
        try:
            yield
        except pg.NotNullViolation as error:
            column = error.diag.column_name
            if column not in self.target.key:
                raise InvalidTarget(
                    f"{column} of a score is NULL, which {self.target.label} does not allow",
                    do=f"ALTER TABLE {self.target.label} ALTER {column} DROP NOT NULL",
                ) from None
            raise InvalidSource(
                f"{column} is NULL in a row of {self.source.label}, and is a part of the key",
                do=f"pass a query that leaves such rows out: WHERE {column} IS NOT NULL",
            ) from None
        except pg.CheckViolation as error:
            raise InvalidTarget(
                f"a score breaks the constraint {error.diag.constraint_name} of "
                f"{self.target.label}",
                details=(error.diag.message_detail or "",),
                do="drop the constraint, or name another table",
            ) from None
        except (pg.UniqueViolation, pg.CardinalityViolation) as error:
            example = re.fullmatch(r"Key (\(.*)\.", error.diag.message_detail or "")
            examples = () if example is None else (example[1].replace(" is duplicated", ""),)
            raise shared_key(self.source.label, self.key, examples) from None

    def same_key(self, scores: str = "t") -> Composed:
        """The condition that a row of the source and one of the scores have the same key."""
        return SQL(" AND ").join(
            SQL("{} = {}").format(Identifier(scores, name), Identifier(self.source.alias, name))
            for name in self.target.key
        )

    def has_no_score(self, table: Composable) -> Composed:
        """The condition that a row of the source has no score of this version, as it is now."""
        conditions = [
            self.same_key(),
            SQL("t.version = {}").format(Literal(self.version["version"])),
        ]
        if self.changed is not None:
            conditions.append(
                SQL("{} IS NOT DISTINCT FROM {}").format(
                    Identifier("t", self.changed), Identifier(self.source.alias, self.changed)
                )
            )
        return SQL("NOT EXISTS (SELECT FROM {} AS t WHERE {})").format(
            table, SQL(" AND ").join(conditions)
        )


@dataclass(frozen=True)
class Outcome:
    """What a way of working did."""

    way: str
    rows: int
    labels: dict[str | None, int]
    quantiles: dict[str, float]
    partitions: tuple[str, ...] = ()
    skipped: int = 0
    deleted: int = 0


@dataclass
class Meter:
    """Counts rows, and tells whoever asked."""

    tell: Tell | None
    total: int | None = None
    began: float = field(default_factory=time.perf_counter)
    rows: int = 0
    what: str = "scoring"

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return time.perf_counter() - self.began

    def add(self, rows: int) -> None:
        """So many rows more have their scores."""
        self.rows += rows
        self._say()

    def doing(self, what: str) -> None:
        """From now on the run does something else."""
        self.what = what
        self._say()

    def _say(self) -> None:
        if self.tell is not None:
            total = None if self.total is None else max(self.total, self.rows)
            self.tell(Progress(self.rows, total, self.seconds, self.what))


@dataclass
class Crew:
    """The connections of a run: one that decides, and those that work, opened when needed."""

    connections: Connections
    control: Connection[Any]
    size: int
    _workers: list[Connection[Any]] = field(default_factory=list)

    def workers(self, wanted: int) -> list[Connection[Any]]:
        """As many connections as wanted, `size` at most."""
        while len(self._workers) < min(wanted, self.size):
            self._workers.append(self.connections.another())
        return self._workers[:wanted]
