"""Samples in files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pgpredict.errors import UnreadableSample

if TYPE_CHECKING:
    import pandas as pd

FORMATS = "give a .csv or .parquet file, or a query that starts with select"


def read_file(path: str | Path) -> pd.DataFrame:
    r"""Read a sample from a file.

    Args:
        path: of a ``.csv`` (may be ``.csv.gz``) or ``.parquet`` file. A CSV file has no types:
            times in it stay text. Use Parquet or a query for a model that takes timestamps.

    Returns:
        The rows. Empty cells of a CSV file are missing values.

    Raises:
        UnreadableSample: no such file, a damaged one, no rows, or another format.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder) / "plans.csv"
        ...     _ = file.write_text("tenure,plan\n3,gold\n,basic\n")
        ...     read_file(file)["tenure"].tolist()
        [3.0, nan]
    """
    path = Path(path).expanduser()
    if path.is_dir():
        raise UnreadableSample(f"cannot read the sample {path}: it is a folder", do=FORMATS)
    if not path.exists():
        raise UnreadableSample(f"cannot read the sample {path}: no such file", do=FORMATS)
    if path.stat().st_size == 0:
        raise UnreadableSample(f"cannot read the sample {path}: the file is empty")
    frame = _parse(path)
    if frame.empty:
        raise UnreadableSample(
            f"cannot use the sample {path}: it has no rows",
            why="golden rows are what proves that the function answers as the model does",
        )
    return frame


def _parse(path: Path) -> pd.DataFrame:
    import pandas as pd

    name = path.name.lower()
    try:
        if name.endswith((".csv", ".csv.gz")):
            return pd.read_csv(path)
        if name.endswith((".parquet", ".pq")):
            return pd.read_parquet(path)
    except ImportError as error:
        raise UnreadableSample(
            f"cannot read the sample {path}: reading Parquet needs pyarrow",
            do="pip install 'pgpredict[parquet]', or save the sample as CSV",
        ) from error
    except Exception as error:
        # Parsers raise many kinds of errors for a damaged file; all mean the same here.
        reason = (str(error).strip() or "no message").splitlines()[0]
        raise UnreadableSample(
            f"cannot read the sample {path}: it is damaged, or not what its name says",
            why=f"{type(error).__name__}: {reason}",
        ) from error
    raise UnreadableSample(f"cannot read the sample {path}: unknown kind of file", do=FORMATS)
