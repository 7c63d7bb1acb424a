"""The order in which scikit-learn's SGD visits the rows of a batch."""

from __future__ import annotations

from pgpredict_transpiler.learning.text import indented

XORSHIFT = """
seed := seed # ((seed << 13) & 4294967295);
seed := seed # (seed >> 17);
seed := seed # ((seed << 5) & 4294967295);
""".strip()

# utils/_seq_dataset.pyx.tp (shuffle), utils/_random.pxd (our_rand_r): the order follows from the
# seed and the number of rows alone.
SHUFFLE = f"""
visit := ARRAY(SELECT generate_series(0, n - 1));
FOR i IN 1..n - 1 LOOP
{indented(XORSHIFT)}
  other := i + (seed & 2147483647) % (n - i + 1);
  swapped := visit[i];
  visit[i] := visit[other];
  visit[other] := swapped;
END LOOP;
""".strip()
