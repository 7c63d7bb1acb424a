"""Samples in files, and telling a file from a query."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest

from pgpredict.errors import UnreadableSample
from pgpredict.sample import is_query, read_file

CUSTOMERS = pd.DataFrame(
    {"tenure": [3.5, None], "plan": ["gold", None], "active": [True, False], "calls": [1, 2]}
)


@pytest.mark.parametrize("name", ["customers.csv", "customers.csv.gz", "CUSTOMERS.CSV"])
def test_csv_keeps_numbers_text_and_missing_values(name: str, tmp_path: Path) -> None:
    CUSTOMERS.to_csv(tmp_path / name, index=False)

    pd.testing.assert_frame_equal(read_file(tmp_path / name), CUSTOMERS)


@pytest.mark.parametrize("name", ["customers.parquet", "customers.pq"])
def test_parquet_keeps_every_type(name: str, tmp_path: Path) -> None:
    frame = CUSTOMERS.assign(since=pd.to_datetime(pd.Series(["2020-01-31 12:00", None])))
    frame.to_parquet(tmp_path / name)

    pd.testing.assert_frame_equal(read_file(tmp_path / name), frame)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.csv", None, "no such file"),
        ("empty.csv", b"", "the file is empty"),
        ("header.csv", b"tenure,plan\n", "it has no rows"),
        ("ragged.csv", b"a,b\n1,2,3\n1,2,3,4\n", "it is damaged"),
        ("binary.csv", b"\x00\xff\xfe\xfd", "it is damaged"),
        ("text.parquet", b"tenure,plan", "it is damaged"),
        ("sheet.xlsx", b"x", "unknown kind of file"),
    ],
)
def test_each_broken_file_gets_one_clear_error(
    name: str, content: bytes | None, message: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)

    with pytest.raises(UnreadableSample, match=message):
        read_file(tmp_path / name)


def test_parquet_without_its_library_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    CUSTOMERS.to_parquet(tmp_path / "customers.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(UnreadableSample, match="reading Parquet needs pyarrow") as refusal:
        read_file(tmp_path / "customers.parquet")

    assert "pip install 'pgpredict[parquet]'" in refusal.value.do


def test_a_folder_is_not_a_sample(tmp_path: Path) -> None:
    with pytest.raises(UnreadableSample, match="it is a folder"):
        read_file(tmp_path)


@pytest.mark.parametrize(
    "source",
    [
        "select * from customers",
        "  SELECT 1",
        "with recent as (select 1) select * from recent",
        "TABLE customers",
        "values (1, 'a')",
        "(select 1) union all (select 2)",
        "-- the newest\nselect 1",
        "/* the\nnewest */ select 1",
        "select " + "x, " * 5_000 + "1",
    ],
)
def test_a_query_is_told_from_a_file(source: str) -> None:
    assert is_query(source)


@pytest.mark.parametrize(
    "source", ["customers.csv", "selected.parquet", "/data/select/all.csv", "delete from customers"]
)
def test_what_does_not_start_as_a_query_is_a_file(source: str) -> None:
    assert not is_query(source)


def test_a_file_whose_name_starts_as_a_query_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("select me.csv").write_text("a\n1\n")

    assert not is_query("select me.csv")
