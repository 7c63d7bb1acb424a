"""From a fitted pipeline and a sample to a program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlglot import exp

from pgpredict_transpiler import expressions as sql
from pgpredict_transpiler.body import Body
from pgpredict_transpiler.columns import Column
from pgpredict_transpiler.errors import InvalidSample, UnsupportedEstimator
from pgpredict_transpiler.expressions import Expression
from pgpredict_transpiler.lowering.registry import lower
from pgpredict_transpiler.prediction import Prediction, label_type
from pgpredict_transpiler.program import Program
from pgpredict_transpiler.sample import Input, as_frame, inputs_of
from pgpredict_transpiler.scope import Lowered, Notes, Scope, input_column


def transpile(model: Any, sample: Any, *, nodes: bool = False) -> Program:
    """Turn a fitted estimator or pipeline into SQL expressions.

    Args:
        model: a fitted scikit-learn estimator.
        sample: a pandas DataFrame with the model's input columns and one row or more; it
            gives their names and types. Columns that the model does not read are passed over.
        nodes: for the form ``nodes``: sums over trees are no expressions, but arrays that the
            function ``predict_runtime.walk_trees`` of an installed pgpredict walks.

    Returns:
        The program; nothing has been executed or stored.

    Raises:
        UnsupportedEstimator: a part of the pipeline has no SQL form; says where it stands and why.
            TooLarge: its trees are too large for an expression, and `nodes` is not set.
        NotFitted: a part of it is not fitted.
        InvalidSample: the sample lacks a column, or has one of a type that has no SQL type.

    Example:
        >>> import pandas as pd
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> sample = pd.DataFrame({"x": [0.0, 1.0]})
        >>> program = transpile(DecisionTreeClassifier().fit(sample, ["low", "high"]), sample)
        >>> program.kind, program.label_type
        ('classifier', 'text')
    """
    if not any(hasattr(model, method) for method in ("get_params", "predict", "transform")):
        raise UnsupportedEstimator(
            type(model).__name__, "pipeline", "it is not a scikit-learn estimator"
        )
    frame = as_frame(sample)
    inputs = _model_inputs(model, inputs_of(frame))
    general, notes = _lower(model, inputs, ordinary=False, nodes=nodes)
    body = _body(model, general, notes)
    kind, classes = _kind(general)
    return Program(
        inputs=tuple(i for i in inputs if i.name in notes.used),
        kind=kind,
        classes=classes,
        label_type=label_type(classes) if classes else "float8",
        description=general.description
        if isinstance(general, Prediction)
        else type(model).__name__,
        ordinary=body
        if _only_compares(body, inputs)
        else _body(model, *_lower(model, inputs, ordinary=True, nodes=nodes)),
        general=body,
    )


def _model_inputs(model: Any, given: Sequence[Input]) -> list[Input]:
    """The sample's columns in the order in which the model wants them."""
    names = getattr(model, "feature_names_in_", None)
    if names is None:
        count = getattr(model, "n_features_in_", len(given))
        if count != len(given):
            raise InvalidSample(
                f"the sample has {len(given)} columns, but the model was fitted on {count}",
                do="pass exactly the model's input columns, in the order of the training data",
            )
        return list(given)
    known = {column.name: column for column in given}
    return [known.get(str(name), Input(str(name), "absent")) for name in names]


def _lower(
    model: Any, inputs: Sequence[Input], *, ordinary: bool, nodes: bool
) -> tuple[Lowered, Notes]:
    scope = Scope("pipeline", "", frozenset(column.name for column in inputs), lower, nodes)
    columns = [input_column(column.name, column.type, ordinary=ordinary) for column in inputs]
    return scope.lower(model, columns), scope.notes


def _only_compares(body: Body, inputs: Sequence[Input]) -> bool:
    """Whether no number goes into arithmetic: then the ranges of the numbers changed nothing."""
    names = {column.name for column in inputs if column.type == "float8"}
    expressions = [*body.columns.values(), *body.conditions, *(let.expression for let in body.lets)]
    return not any(
        isinstance(child, exp.Column) and child.name in names
        for expression in expressions
        for node in sql.nodes(exp.Paren(this=expression))
        if not isinstance(node, (exp.LT, exp.LTE, exp.GT, exp.GTE, exp.EQ, exp.Is, exp.In))
        for child in node.args.values()
    )


def _kind(lowered: Lowered) -> tuple[Any, tuple[Any, ...]]:
    if not isinstance(lowered, Prediction):
        return "transformer", ()
    return ("classifier", lowered.classes) if lowered.classes else ("regressor", ())


def _body(model: Any, lowered: Lowered, notes: Notes) -> Body:
    if isinstance(lowered, Prediction):
        outputs, columns = _predictions(lowered)
    else:
        outputs, columns = {}, _features(model, lowered)
    return Body(tuple(notes.lets), notes.limits, tuple(notes.conditions), outputs, columns)


def _predictions(lowered: Prediction) -> tuple[dict[str, Expression], dict[str, Expression]]:
    outputs = {"prediction": lowered.value}
    columns = dict(outputs)
    if lowered.probabilities:
        two = len(lowered.classes) == 2
        array = exp.Array(expressions=list(lowered.probabilities))
        outputs["probability"] = lowered.probabilities[1] if two else array
        names = [f"probability_{name}" for name in lowered.classes]
        columns |= dict(zip(names, lowered.probabilities, strict=True))
    return outputs, columns


def _features(model: Any, lowered: list[Column]) -> dict[str, Expression]:
    names = [str(name) for name in _feature_names(model, lowered)]
    return {name: column.expression for name, column in zip(names, lowered, strict=True)}


def _feature_names(model: Any, lowered: list[Column]) -> Sequence[Any]:
    try:
        names = np.asarray(model.get_feature_names_out()).tolist()
    except (AttributeError, ValueError):
        names = []
    return names if len(names) == len(lowered) else [f"feature_{i}" for i in range(len(lowered))]
