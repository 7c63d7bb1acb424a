"""What a run of the batch engine tells, while it runs and at its end."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        rows: how many rows have their scores.
        total: how many there will be, as far as statistics of the database tell; None: unknown.
        seconds: since the run began.
        doing: ``scoring``, ``building the primary key``, ``counting`` …
    """

    rows: int
    total: int | None
    seconds: float
    doing: str

    @property
    def rows_per_second(self) -> float:
        """Rows a second so far.

        Example:
            >>> Progress(300, 1_000, 1.5, "scoring").rows_per_second
            200.0
        """
        return self.rows / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True)
class Scoring:
    """What a run did. How many rows it scored is `rows`.

    Attributes:
        model: name of the model.
        version: number of the version that scored every one of the rows.
        into: qualified name of the table that holds the scores.
        rows: how many rows were scored.
        nulls: how many of them have no prediction: where Python would raise, the answer is NULL.
        seconds: how long it took, from the first check to the last commit.
        way: ``new`` (the table was made), ``replaced`` (another table took its place), ``in place``
            (rows were written into it), ``partitions`` (one after the other was made or replaced).
        partitions: the names of the partitions that were made or replaced.
        skipped: how many partitions were up to date.
        deleted: how many scores went because the source has no such row any more.
        shares: for a classifier the share of each label among the rows that have one, as text.
        quantiles: of the probability (of the label that was chosen, where there are more than two),
            or of a regressor's prediction: ``{"min", "1%", "5%", "25%", "50%", … "max"}``. Of more
            than 20,000 rows they are those of a sample of about that many.
    """

    model: str
    version: int
    into: str
    rows: int
    nulls: int
    seconds: float
    way: str
    partitions: tuple[str, ...] = ()
    skipped: int = 0
    deleted: int = 0
    shares: dict[str, float] = field(default_factory=dict)
    quantiles: dict[str, float] = field(default_factory=dict)

    @property
    def rows_per_second(self) -> float:
        """Rows a second, everything included."""
        return self.rows / self.seconds if self.seconds > 0 else 0.0
