"""A look-up as SQL finds what a Python dictionary finds."""

from __future__ import annotations

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from pgpredict_transpiler import expressions as sql
from pgpredict_transpiler.columns import Lookup
from pgpredict_transpiler.render.writer import Writer
from pgpredict_transpiler.search import search

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=5)
values = st.none() | st.integers(-3, 3).map(float)


@settings(deadline=None, max_examples=50)
@given(st.dictionaries(texts, values, max_size=20), values, values, st.lists(texts | st.none()))
def test_search_finds_what_a_dictionary_finds(
    table: dict[str, float | None],
    unknown: float | None,
    missing: float | None,
    others: list[str | None],
) -> None:
    lookup = Lookup(sql.reference("key"), table, unknown, missing)
    text = Writer("duckdb").write(search(lookup))
    with duckdb.connect() as connection:
        for key in [*table, *others, None]:
            row = connection.execute(
                f'SELECT {text} FROM (SELECT ?::VARCHAR AS "key")', [key]
            ).fetchone()
            assert row is not None
            assert row[0] == (missing if key is None else table.get(key, unknown))
