"""LinearRegression and Ridge from sums of products (scikit-learn's linear_model).

The normal equations lose half of the digits; with all products exact and sixty digits in the
elimination there are enough of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import combinations_with_replacement
from typing import Any

from sklearn.base import clone

from pgpredict_transpiler.learning import answers
from pgpredict_transpiler.learning.fitted import check_features, refuse_classes, with_attributes
from pgpredict_transpiler.learning.program import Block, Floats, starts
from pgpredict_transpiler.learning.refusals import refuse
from pgpredict_transpiler.learning.sums import SumsProgram, exact_number
from pgpredict_transpiler.learning.text import indented, tame

MOST_FEATURES = 60  # each row adds to two thousand sums
DIGITS = 60
SOLVE_NAMES = """
n numeric := sums[1];
m numeric[];  -- n times the matrix, row by row
b numeric[];  -- n times the right-hand side
unit numeric[];  -- powers of ten that bring the diagonal near 1
done boolean[];
p int;
f numeric;
total numeric;
result float8[];
""".strip()


def least_squares(
    estimator: Any, features: Sequence[str], classes: Sequence[Any] | None
) -> SumsProgram:
    """LinearRegression or Ridge.

    Of features that are sums of others (or are constant, beside an intercept) some get the weight
    zero; LinearRegression would spread the weight over all of them. The predictions are the same.
    """
    refuse_classes(estimator, classes)
    check_features(estimator, features)
    alpha = _alpha(estimator)
    count = len(features)
    if count > MOST_FEATURES:
        refuse(estimator, f"it would keep {_size(count):,} sums for {count} features")
    blocks = (Block("coef", (count,)), Block("intercept"), Block("rows"), Block("ordinary"))
    place = starts(blocks)

    def answered(usual: bool) -> str:
        inputs = [f"{answers.feature(j)}{answers.cast_of(usual)}" for j in range(count)]
        return answers.weighted_sum(place["coef"], place["intercept"], inputs, usual)

    found = answers.answer(count, place["ordinary"], answered)
    return SumsProgram(
        features=tuple(features),
        classes=(),
        sums=_size(count),
        change=_change(count),
        solve=_solve(count, alpha, bool(estimator.fit_intercept)),
        blocks=blocks,
        prediction=f"CASE WHEN {answers.parameter(place['rows'])} > 0 THEN\n{found} END",
        probability=None,
        exporter=partial(_export, estimator, tuple(features)),
    )


def _alpha(estimator: Any) -> float:
    try:
        estimator._validate_params()
    except ValueError as error:
        refuse(estimator, str(error))
    if estimator.positive:
        refuse(estimator, "weights that must not be negative take an iterative solver", "positive")
    alpha = getattr(estimator, "alpha", 0.0)
    if not isinstance(alpha, (int, float)):
        refuse(estimator, "there is one target, so it needs one penalty", "alpha")
    return float(alpha)


def _size(count: int) -> int:
    return (count + 2) * (count + 3) // 2


def _change(count: int) -> str:
    """Adds the products of 1, the features and the target, each pair once."""
    columns = [f"{exact_number(f'features[i * {count} + {j + 1}]')} AS z{j}" for j in range(count)]
    columns.append(f"{exact_number('labels[i + 1]')} AS z{count}")
    names: list[str] = ["", *(f"z{j}" for j in range(count + 1))]
    sums = []
    for place, (one, other) in enumerate(combinations_with_replacement(names, 2), start=1):
        product = " * ".join(name for name in (one, other) if name)
        added = f"sum({product})" if product else "count(*)"
        sums.append(f"trim_scale(sums[{place}] + sign * {added})")
    listed = ",\n".join(sums)
    exact = ",\n".join(columns)
    rows = f"FROM (SELECT\n{indented(exact)}\n"
    rows += "  FROM generate_series(0, n - 1) AS i OFFSET 0) AS z"
    return f"""DECLARE
  n int := cardinality(labels);
  sign numeric := CASE WHEN taken THEN -1 ELSE 1 END;
BEGIN
  IF n = 0 THEN
    RETURN sums;
  END IF;
  RETURN (SELECT ARRAY[
{indented(listed, 2)}]
{indented(rows)});
END"""


def _solve(count: int, alpha: float, intercept: bool) -> str:
    """Elimination with the largest remaining diagonal element as pivot."""
    place = {
        pair: f"sums[{at}]"
        for at, pair in enumerate(combinations_with_replacement(range(count + 2), 2), start=1)
    }

    def centered(i: int, j: int) -> str:
        shift = f" - {place[0, i]} * {place[0, j]}" if intercept else ""
        return f"n * {place[i, j]}{shift}"

    penalty = f" + n * {alpha!r}::numeric" if alpha else ""
    matrix = ",\n".join(
        centered(min(i, j), max(i, j)) + (penalty if i == j else "")
        for i in range(1, count + 1)
        for j in range(1, count + 1)
    )
    right = ",\n".join(centered(i, count + 1) for i in range(1, count + 1))
    means = " - ".join(
        [place[0, count + 1], *(f"b[{i}] * {place[0, i]}" for i in range(1, count + 1))]
    )
    constant = f"total := ({means}) / n;" if intercept else "total := 0;"
    return f"""DECLARE
{indented(SOLVE_NAMES)}
BEGIN
  result := array_fill(0::float8, ARRAY[{count + 3}]);
  IF n = 0 THEN
    RETURN result;
  END IF;
  m := ARRAY[
{indented(matrix, 2)}];
  b := ARRAY[
{indented(right, 2)}];
{indented(_elimination(count))}
  {constant}
  FOR i IN 1..{count} LOOP
    result[i] := round(b[i], 323)::float8;
  END LOOP;
  result[{count + 1}] := round(total, 323)::float8;
  result[{count + 2}] := n::float8;
{indented(tame("result", [(0, count + 1)], count + 3))}
  RETURN result;
END"""


def _elimination(count: int) -> str:
    """Turns b into the solution of m x = b.

    A diagonal element that is left with less than 1e-30 of itself is zero: its unknown is zero.
    """
    at = f"(i - 1) * {count} + j"
    pivot = f"(p - 1) * {count}"
    return f"""FOR i IN 1..{count} LOOP
  f := m[(i - 1) * {count} + i];
  unit[i] := CASE WHEN f > 0 THEN power(10::numeric, -round(log(f) / 2)) ELSE 1 END;
  done[i] := false;
END LOOP;
FOR i IN 1..{count} LOOP
  b[i] := b[i] * unit[i];
  FOR j IN 1..{count} LOOP
    m[{at}] := round(m[{at}] * unit[i] * unit[j], {DIGITS});
  END LOOP;
END LOOP;
FOR step IN 1..{count} LOOP
  p := NULL;
  f := 1e-30;
  FOR i IN 1..{count} LOOP
    IF NOT done[i] AND m[(i - 1) * {count} + i] > f THEN
      p := i;
      f := m[(i - 1) * {count} + i];
    END IF;
  END LOOP;
  EXIT WHEN p IS NULL;
  done[p] := true;
  FOR i IN 1..{count} LOOP
    CONTINUE WHEN i = p;
    f := m[(i - 1) * {count} + p] / m[{pivot} + p];
    CONTINUE WHEN f = 0;
    b[i] := b[i] - f * b[p];
    FOR j IN 1..{count} LOOP
      IF NOT done[j] THEN
        m[{at}] := round(m[{at}] - f * m[{pivot} + j], {DIGITS});
      END IF;
    END LOOP;
  END LOOP;
END LOOP;
FOR i IN 1..{count} LOOP
  b[i] := CASE WHEN done[i] THEN b[i] / m[(i - 1) * {count} + i] * unit[i] ELSE 0 END;
END LOOP;"""


def _export(estimator: Any, features: tuple[str, ...], values: Mapping[str, Floats]) -> Any:
    if values["rows"] == 0.0:
        return clone(estimator)
    learnt = {"coef_": values["coef"], "intercept_": float(values["intercept"])}
    return with_attributes(estimator, features, (), learnt)
