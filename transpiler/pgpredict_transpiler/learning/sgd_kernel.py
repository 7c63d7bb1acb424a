"""One pass of stochastic gradient descent over a batch, as PL/pgSQL.

The same operations in the same order as scikit-learn 1.9: linear_model/_sgd_fast.pyx.tp
(`_plain_sgd`, `l1penalty`), utils/_weight_vector.pyx.tp, utils/_seq_dataset.pyx.tp (`shuffle`).
Another order is not enough: with a small alpha rounding alone leads to another model. (The wheels
of scikit-learn for ARM fuse products and sums wherever their compiler chose to; those for x86-64,
which this follows, only where averages are folded.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pgpredict_transpiler.learning.averaging import Averaging
from pgpredict_transpiler.learning.lanes import Lanes, LoopedLanes
from pgpredict_transpiler.learning.program import Block, starts
from pgpredict_transpiler.learning.scaling import Scaling
from pgpredict_transpiler.learning.sgd_rule import Rule
from pgpredict_transpiler.learning.shuffle import BEGIN_SHUFFLE, DRAW
from pgpredict_transpiler.learning.text import Product, body, indented, number, plain, tame

NAMES = """
k int := 1;
n int := cardinality(labels);
at int;
sample int;
y float8;
p float8;
z float8;
eta float8;
dloss float8;
change float8;
step float8;
wscale float8;
b float8;
t float8;
u float8;
seed bigint;
visit int[];
other int;
result float8[];
""".strip()


def kernel(
    rule: Rule, lanes: Lanes, blocks: Sequence[Block], scaling: Scaling | None = None
) -> str:
    """The body of the function that learns a batch.

    Args:
        rule: the options.
        lanes: the features.
        blocks: what the parameters hold.
        scaling: what stands before the learner.
    """
    start = starts(blocks)
    quick = _Pass(rule, lanes, start, scaling)
    looped = LoopedLanes(lanes.count)
    rare = _Pass(rule, looped, start, scaling and replace(scaling, lanes=looped))
    vectors = [rare.vectors(), *([] if lanes.wide else [quick.vectors()])]
    return body(
        "\n".join([quick.scalars(), *vectors]),
        lambda product: (quick if product is plain else rare).text(product),
    )


def used_in_answers(
    start: Mapping[str, int], rule: Rule, scaling: Scaling | None
) -> list[tuple[int, int]]:
    """The parameters that predictions use, as ranges: how many stand before, and how many."""
    weights = start["intercept"] + rule.problems - start["coef"]
    return [(start["coef"], weights), (0, scaling.used if scaling else 0)]


class _Pass:
    """Writes the pass over a batch."""

    def __init__(
        self, rule: Rule, lanes: Lanes, start: dict[str, int], scaling: Scaling | None
    ) -> None:
        self.rule = rule
        self.lanes = lanes
        self.start = start
        self.scaling = scaling
        self.average = Averaging(rule, lanes, start) if rule.average else None
        self.shrinks = rule.penalty in ("l2", "elasticnet")
        self.sparse = rule.penalty in ("l1", "elasticnet")
        # A feature that is looked at twice is read twice faster than it is put into a variable.
        once = scaling or rule.average or rule.schedule in ("pa1", "pa2")
        self.loads = bool(once) or isinstance(lanes, LoopedLanes)
        self.x = "{x}" if self.loads else "features[at + {j}]"

    def scalars(self) -> str:
        helpers = [helper for helper in (self.average, self.scaling) if helper]
        return "\n".join([NAMES, *(helper.scalars() for helper in helpers)])

    def vectors(self) -> str:
        names = ["w", *(["x"] if self.loads else []), *(["q"] if self.sparse else [])]
        names += ["a"] if self.average else []
        names += ["m", "s", "c", "r", "v"] if self.scaling else []
        return self.lanes.declared(*names)

    def text(self, product: Product) -> str:
        problem = self._problem(product)
        if self.rule.problems > 1:
            problem = f"FOR k IN 1..{self.rule.problems} LOOP\n{indented(problem)}\nEND LOOP;"
        place, note = self.start["t"] + 1, self.start["ordinary"] + 1
        finish = [problem, f"result[{place}] := parameters[{place}] + n;"]
        if self.average:
            finish.append(self.average.chosen())
        finish.append(tame("result", used_in_answers(self.start, self.rule, self.scaling), note))
        begin = [self.scaling.learned(self.start, product)] if self.scaling else []
        return "\n".join(["result := parameters;", *begin, *finish])

    def _problem(self, product: Product) -> str:
        prefix = "standard_" if self.average else ""
        coef, intercept = self.start[f"{prefix}coef"], self.start[f"{prefix}intercept"]
        offset = f"{coef} + (k - 1) * {self.lanes.count}"
        parts = [
            f"at := {offset};",
            self.lanes.loaded("w", "parameters", "at"),
            f"b := parameters[{intercept} + k];",
            f"t := parameters[{self.start['t'] + 1}];",
            f"wscale := {number(1)};",
            f"eta := {number(self.rule.eta0)};",
        ]
        if self.sparse:
            parts += [self.lanes.filled("q", number(0)), f"u := {number(0)};"]
        if self.average:
            parts.append(self.average.begun())
        parts += [self._rows(product), self._fold(product)]
        parts += [f"at := {offset};", self.lanes.stored("w", "result", "at")]
        parts.append(self.average.ended() if self.average else f"result[{intercept} + k] := b;")
        return "\n".join(parts)

    def _rows(self, product: Product) -> str:
        draw = "sample := i;"
        before = ""
        if self.rule.seeds:
            array = ", ".join(str(seed) for seed in self.rule.seeds)
            before = f"seed := (ARRAY[{array}]::bigint[])[k];\n{BEGIN_SHUFFLE}\n"
            draw = DRAW
        inside = indented(f"{draw}\n{self._row(product)}")
        return f"{before}FOR i IN 1..n LOOP\n{inside}\nEND LOOP;"

    def _row(self, product: Product) -> str:
        parts = [
            f"at := (sample - 1) * {self.lanes.count};",
            self._target(),
            self.lanes.loaded("x", "features", "at") if self.loads else "",
            self.scaling.applied(product) if self.scaling else "",
            self.lanes.total("p", product("{w}", self.x)),
            f"p := {product('p', 'wscale')} + b;",
            self._rate(),
            self._change(product),
            self._weighted(product),
        ]
        if self.shrinks:
            parts.append(self._shrink(product))
        parts.append(self._add(product))
        if self.average:
            parts.append(self.average.row(product))
        if self.sparse:
            parts.append(self._truncate(product))
        parts.append("t := t + 1;")
        return "\n".join(part for part in parts if part)

    def _target(self) -> str:
        if not self.rule.classifies:
            return "y := labels[sample];"
        positive = "k - 1" if self.rule.problems > 1 else "1"
        one, other = number(1), number(self.rule.loss.negative)
        return f"y := CASE WHEN labels[sample] = {positive} THEN {one} ELSE {other} END;"

    def _rate(self) -> str:
        if self.rule.schedule == "optimal":
            begin = number(self.rule.optimal_init)
            return f"eta := 1 / ({number(self.rule.alpha)} * ({begin} + t - 1));"
        if self.rule.schedule == "invscaling":
            return f"eta := {number(self.rule.eta0)} / power(t, {number(self.rule.power_t)});"
        return ""

    def _change(self, product: Product) -> str:
        if self.rule.schedule in ("pa1", "pa2"):
            return self._aggressive(product)
        clip = ""
        if not self.rule.loss.bounded:
            limit = number(1e12)
            clip = f"dloss := greatest(-{limit}, least({limit}, dloss));\n"
        return f"{self.rule.loss.gradient}\n{clip}change := {product('-eta', 'dloss')};"

    def _aggressive(self, product: Product) -> str:
        """Online Passive-Aggressive Algorithms, Crammer et al. 2006, as scikit-learn has them."""
        size = self.lanes.total("z", product("{x}", "{x}"))
        loss, eta0 = self.rule.loss.value, self.rule.eta0
        sign = "y" if self.rule.loss.margin else f"CASE WHEN y - p < 0 THEN -{number(1)} ELSE 1 END"
        if self.rule.schedule == "pa1":
            step = f"CONTINUE WHEN z = 0;\nchange := least({number(eta0)}, ({loss}) / z);"
        else:
            step = f"change := ({loss}) / (z + {number(0.5 / eta0)});"
        return f"{size}\n{step}\nchange := change * {sign};"

    def _weighted(self, product: Product) -> str:
        if all(pair == (1.0, 1.0) for pair in self.rule.weights):
            return ""
        positive, negative = (
            ", ".join(number(pair[side]) for pair in self.rule.weights) for side in (0, 1)
        )
        chosen = (
            f"z := CASE WHEN y > 0 THEN (ARRAY[{positive}])[k] ELSE (ARRAY[{negative}])[k] END;"
        )
        return f"{chosen}\nchange := {product('change', 'z')};"

    def _shrink(self, product: Product) -> str:
        ratio, alpha = number(1.0 - self.rule.l1_ratio), number(self.rule.alpha)
        fold = indented(self._fold(product))
        return (
            f"wscale := wscale * greatest(0, 1 - {ratio} * eta * {alpha});\n"
            f"IF wscale < {number(1e-9)} THEN\n{fold}\n  wscale := 1;\nEND IF;"
        )

    def _fold(self, product: Product) -> str:
        fold = self.lanes.each(f"{{w}} := {product('{w}', 'wscale')};")
        return f"{self.average.fold(product)}\n{fold}" if self.average else fold

    def _add(self, product: Product) -> str:
        add = self.lanes.each(f"{{w}} := {{w}} + {product(self.x, 'step')};")
        intercept = "\n  b := b + change;" if self.rule.fit_intercept else ""
        return (
            f"IF change <> 0 THEN\n  step := change / wscale;\n{indented(add)}{intercept}\nEND IF;"
        )

    def _truncate(self, product: Product) -> str:
        """The truncated gradient of Tsuruoka, Tsujii and Ananiadou, 2009."""
        by, rest = (" / wscale", product("wscale", "z")) if self.shrinks else ("", "z")
        each = self.lanes.each(
            "z := {w};\n"
            f"{{w}} := CASE WHEN z > 0 THEN greatest(0, z - (u + {{q}}){by})\n"
            f"  WHEN z < 0 THEN least(0, z + (u - {{q}}){by}) ELSE z END;\n"
            "z := {w} - z;\n"
            f"{{q}} := {{q}} + {rest};"
        )
        amount = f"{number(self.rule.l1_ratio)} * eta * {number(self.rule.alpha)}"
        return f"u := u + {amount};\n{each}"
