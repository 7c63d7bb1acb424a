"""What Database gives back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Model:
    """A model.

    Attributes:
        name: its name, as in ``predict.<name>``.
        live: the live version; None: none was promoted yet.
        live_since: since when.
        versions: how many versions are there, retired ones not counted.
        latest: the highest version number so far.
        description: of the live version, like the following five.
        kind: classifier or regressor.
        form: inline, block or nodes.
        metrics: as given at deploy.
        source: qualified name, as it is now, of the table whose rows ``predict.<name>`` takes.
        created_at: first deploy.
        created_by: role of the first deploy.
    """

    name: str
    live: int | None
    live_since: datetime | None
    versions: int
    latest: int | None
    description: str | None
    kind: str | None
    form: str | None
    metrics: dict[str, Any] | None
    source: str | None
    created_at: datetime
    created_by: str


@dataclass(frozen=True)
class Version:
    """A deployed version of a model.

    Attributes:
        model: name of the model.
        version: number, from 1.
        live: whether ``predict.<model>`` answers with it.
        description: what it is: 'gradient boosting, 100 trees'.
        kind: classifier or regressor.
        form: inline, block or nodes.
        metrics: as given at deploy.
        source: qualified name, as it is now, of the table whose rows the live function takes, or
            would take; None: it takes none.
        signature: ``[{"name": …, "type": …}, …]`` in argument order.
        contract: what the sample held, per input.
        label_type: SQL type of the prediction.
        probability_type: SQL type of the probability; None: no probabilities.
        classes: in the order of the probabilities.
        sql_bytes: size of the functions' text.
        body_hash: SHA-256 of that text, without the functions' names.
        model_format: format of the stored model file; None: no file is stored.
        model_bytes: its size.
        golden_rows: how many golden rows are stored.
        created_at: when it was deployed.
        created_by: by which role.
        retired_at: since when its functions are gone; None: they are there.
        retired_by: by which role.
        arguments: the names of the inputs as one writes them in SQL: quoted where need be.
    """

    model: str
    version: int
    live: bool
    description: str
    kind: str
    form: str
    metrics: dict[str, Any]
    source: str | None
    signature: list[dict[str, str]]
    contract: dict[str, Any]
    label_type: str
    probability_type: str | None
    classes: list[Any]
    sql_bytes: int
    body_hash: str
    model_format: str | None
    model_bytes: int | None
    golden_rows: int
    created_at: datetime
    created_by: str
    retired_at: datetime | None
    retired_by: str | None
    arguments: list[str]


@dataclass(frozen=True)
class Event:
    """Who did what, when.

    Attributes:
        at: when.
        who: the role.
        model: name of the model.
        version: number of the version; None: it is about all of them.
        what: deploy, promote, rollback, retire or drop.
        detail: more, by kind of event; promote and rollback say ``from`` which version, and
            ``without_rows_of`` which table, if its rows are not taken any more, and ``because``;
            drop says which ``versions`` went.
    """

    at: datetime
    who: str
    model: str
    version: int | None
    what: str
    detail: dict[str, Any]


@dataclass(frozen=True)
class Verification:
    """What came of running a version's golden rows in the database.

    Attributes:
        model: name of the model.
        version: number of the version.
        rows: golden rows.
        equal: those on which the function answers as Python did at deploy.
        differing: the others.
        max_difference: largest difference of a number, as a share of it (of 0.001 at least);
            infinity where a label differs.
    """

    model: str
    version: int
    rows: int
    equal: int
    differing: int
    max_difference: float


@dataclass(frozen=True)
class GoldenRow:
    """A golden row with both answers, side by side.

    Attributes:
        row_number: place in the sample, from 0.
        inputs: by name, as text.
        expected: what Python predicted, as text; None: it raised, or said NaN.
        actual: what the function in the database says, as text.
        expected_probability: Python's; for two classes that of the second alone.
        actual_probability: the function's.
        difference: as in `Verification`.
    """

    row_number: int
    inputs: dict[str, str | None]
    expected: str | None
    actual: str | None
    expected_probability: list[float] | None
    actual_probability: list[float] | None
    difference: float


@dataclass(frozen=True)
class Deployment:
    """What a deploy did.

    Attributes:
        model: name of the model.
        version: number of the new version.
        live: whether it is live now.
        description: what it is: 'gradient boosting, 100 trees'.
        kind: classifier or regressor.
        inputs: how many inputs it takes.
        form: inline, block or nodes.
        microseconds: estimated time for a row.
        sql_bytes: size of the functions' text.
        rows: golden rows, all of them equal.
        max_difference: largest difference among them, as in `Verification`.
        source: qualified name of the table whose rows the live function takes, or None.
        calls: how to call the new version: ``predict.churn(public.customers)``, or its frozen
            functions while it is not live.
        model_format: format in which the model file was stored; None: it was not.
        notes: one line per thing that is not an error.
    """

    model: str
    version: int
    live: bool
    description: str
    kind: str
    inputs: int
    form: str
    microseconds: float
    sql_bytes: int
    rows: int
    max_difference: float
    source: str | None
    calls: tuple[str, ...]
    model_format: str | None
    notes: tuple[str, ...] = ()
