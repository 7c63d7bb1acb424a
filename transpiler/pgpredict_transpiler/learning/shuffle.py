"""The order in which scikit-learn's SGD visits the rows of a batch."""

from __future__ import annotations

XORSHIFT = """
seed := seed # ((seed << 13) & 4294967295);
seed := seed # (seed >> 17);
seed := seed # ((seed << 5) & 4294967295);
""".strip()

# utils/_seq_dataset.pyx.tp (shuffle), utils/_random.pxd (our_rand_r): the order follows from the
# seed and the number of rows alone. There all rows are put in order first; here each is drawn when
# it is its turn, and takes its place from those that are left. In `visit` 0 stands for a row that
# is still in its own place.
BEGIN_SHUFFLE = "visit := array_fill(0, ARRAY[n]);"
DRAW = f"""
{XORSHIFT}
other := i + ((seed & 2147483647) % (n - i + 1))::int;
sample := coalesce(nullif(visit[other], 0), other);
visit[other] := coalesce(nullif(visit[i], 0), i);
""".strip()
