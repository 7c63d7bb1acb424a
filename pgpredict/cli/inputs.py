"""What ``deploy`` and ``sql`` are given: a model and a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pgpredict.cli import screen

if TYPE_CHECKING:
    import pandas as pd

    from pgpredict.modelfile import LoadedModel

ModelFile = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="The fitted model: a .skops file, a .pkl, .pickle or .joblib file with --trust, "
        "or package.module:object.",
    ),
]

Sample = Annotated[
    str,
    typer.Option(
        "--sample",
        metavar="FILE_OR_QUERY",
        help="Rows of the model's input columns: a .csv or .parquet file, or a query that starts "
        "with select, with, table or values and runs read-only on the database.",
    ),
]


def read_model(location: str, trust: bool) -> LoadedModel:
    """Read the model that the command line names, and print what is to be said about it.

    Args:
        location: as `ModelFile` describes it.
        trust: allow what runs code.

    Returns:
        The model.

    Raises:
        UnreadableModel: as `pgpredict.modelfile.read_model` says.
    """
    from pgpredict import modelfile

    with screen.waiting(f"reading {location}"):
        loaded = modelfile.read_model(location, trust=trust)
    for note in loaded.notes:
        screen.complain(note, label="warning")
    return loaded


def read_sample(source: str, estimator: object, dsn: str | None) -> pd.DataFrame:
    """Read the sample that the command line names.

    Args:
        source: a file or a query.
        estimator: the model that it is a sample for.
        dsn: the database for a query; a file needs none.

    Returns:
        The rows. Columns that the model does not name are left out, so that
        ``select * from customers`` may bring columns whose types no model takes.

    Raises:
        UnreadableSample: as `pgpredict.sample` says.
        DatabaseError: the database of a query does not answer.
    """
    from pgpredict import sample

    with screen.waiting("reading the sample"):
        frame = _run(source, dsn) if sample.is_query(source) else sample.read_file(source)
    names = getattr(estimator, "feature_names_in_", None)
    if names is None:
        return frame
    wanted = {str(name) for name in names}
    return frame[[name for name in frame.columns if str(name) in wanted]]


def _run(query: str, dsn: str | None) -> pd.DataFrame:
    import pgpredict
    from pgpredict import sample

    def notice(text: str) -> None:
        screen.complain(text, label="warning")

    with pgpredict.connect(dsn) as database, database.connection() as connection:
        return sample.read_query(query, connection, notice)
