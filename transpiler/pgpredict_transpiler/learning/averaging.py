"""Averaged stochastic gradient descent: what a kernel does besides when `average` is set.

utils/_weight_vector.pyx.tp (`add_average`, `reset_wscale`), and what linear_model/
_stochastic_gradient.py keeps from one call to the next, which is not the same everywhere:

- the regressor goes on from both intercepts;
- with two classes the standard intercept is kept only until averaging begins, and every later
  batch starts from that one again;
- with more classes every later batch starts from it as well, and where it ends takes the place of
  the averaged intercept.
"""

from __future__ import annotations

from pgpredict_transpiler.learning import fused
from pgpredict_transpiler.learning.lanes import Lanes
from pgpredict_transpiler.learning.sgd_rule import Rule
from pgpredict_transpiler.learning.text import Product, indented, number

SCALARS = ("share", "growth", "since", "mu", "averaged_b", "back", "inverse")


class Averaging:
    """Writes the parts of a kernel that keep the averages.

    The average is `a` + `share` * w, over `growth`; `a` is touched only where a feature is not
    zero (Bottou, "Stochastic Gradient Descent Tricks", 2012).

    Args:
        rule: the options.
        lanes: the features.
        start: how many parameters stand before each block.
    """

    def __init__(self, rule: Rule, lanes: Lanes, start: dict[str, int]) -> None:
        self.rule = rule
        self.lanes = lanes
        self.start = start
        self.fuses = fused.fuses(lanes.count)

    def scalars(self) -> str:
        """The variables that averaging needs, besides the vector a."""
        scalars = [*SCALARS, *(fused.VARIABLES if self.fuses else ())]
        lines = [f"{name} float8;" for name in scalars]
        return "\n".join([*lines, "held_w float8[];", "held_a float8[];"])

    def begun(self) -> str:
        """Statements before the rows of problem k."""
        offset = f"{self.start['average_coef']} + (k - 1) * {self.lanes.count}"
        return "\n".join(
            [
                f"at := {offset};",
                self.lanes.loaded("a", "parameters", "at"),
                f"averaged_b := parameters[{self.start['average_intercept']} + k];",
                f"share := 0;\ngrowth := {number(1)};",
            ]
        )

    def row(self, product: Product) -> str:
        """Statements after a step."""
        each = self.lanes.each(
            f"z := {product('share', '{x}')};\n{{a}} := {{a}} + {product('z', 'back')};"
        )
        return f"""
IF t >= {self.rule.average} THEN
  since := t - {self.rule.average} + 1;
  mu := 1 / since;
  IF change <> 0 THEN
    back := -change / wscale;
{indented(each, 2)}
  END IF;
  IF since > 1 THEN
    growth := growth / (1 - mu);
  END IF;
  share := share + mu * growth * wscale;
  averaged_b := averaged_b + (b - averaged_b) / since;
END IF;
""".strip()

    def fold(self, product: Product) -> str:
        """Statements that bring `a` up to date, before the scale is folded into w."""
        w, a = "held_w[j]", "held_a[j]"
        add = (
            fused.multiply_add(a, "share", w, product)
            if self.fuses
            else f"{a} := {product('share', w)} + {a};"
        )
        return f"""
IF share <> 0 THEN
  held_w := {self.lanes.gathered("w")};
  held_a := {self.lanes.gathered("a")};
  inverse := 1 / growth;
  FOR j IN 1..{self.lanes.count} LOOP
{indented(add, 2)}
    held_a[j] := {product(a, "inverse")};
  END LOOP;
{indented(self.lanes.loaded("a", "held_a", "0"))}
  share := 0;
  growth := 1;
END IF;
""".strip()

    def ended(self) -> str:
        """Statements after the rows of problem k."""
        offset = f"{self.start['average_coef']} + (k - 1) * {self.lanes.count}"
        standard = f"result[{self.start['standard_intercept']} + k] := b;"
        averaged = f"result[{self.start['average_intercept']} + k]"
        before = f"parameters[{self.start['t'] + 1}] - 1"
        average = self.rule.average
        if not self.rule.classifies:
            kept = f"{standard}\n{averaged} := averaged_b;"
        elif self.rule.problems == 1:
            kept = (
                f"{averaged} := averaged_b;\n"
                f"IF {before} + n < {average} THEN\n  {standard}\nEND IF;"
            )
        else:
            kept = (
                f"IF {before} < {average} THEN\n  {standard}\n  {averaged} := averaged_b;\n"
                f"ELSE\n  {averaged} := b;\nEND IF;"
            )
        return f"at := {offset};\n{self.lanes.stored('a', 'result', 'at')}\n{kept}"

    def chosen(self) -> str:
        """Statements that choose, at the end, between the standard parameters and the averages."""
        count = self.rule.problems * (self.lanes.count + 1)
        used = self.start["coef"]
        standard, averaged = self.start["standard_coef"], self.start["average_coef"]
        return (
            f"at := CASE WHEN {self.rule.average} <= result[{self.start['t'] + 1}] - 1\n"
            f"  THEN {averaged} ELSE {standard} END;\n"
            f"result[{used + 1} : {used + count}] := result[at + 1 : at + {count}];"
        )
