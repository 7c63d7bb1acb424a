"""Where an estimator learns: in the database, where it has a kernel, or in the worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from pgpredict.database.learner_statements import SQL_TYPES, label_text, program_of, texts_of
from pgpredict.errors import InvalidLearner
from pgpredict_transpiler.errors import UnsupportedEstimator

if TYPE_CHECKING:
    from pgpredict.database.outside.preparing import Prepared

PLACES = ("database", "worker")


@dataclass(frozen=True)
class Placed:
    """An estimator that is to become a learner.

    Attributes:
        texts: the parameters of the statement `create` that come of it.
        prepared: of one that learns in the worker; None: it learns in the database.
    """

    texts: dict[str, Any]
    prepared: Prepared | None


def placed(
    estimator: Any,
    features: Sequence[str],
    classes: Sequence[Any] | None,
    target: str | None,
    updates: str,
    place: str | None,
) -> Placed:
    """Decide where an estimator learns.

    Args:
        estimator: fitted or not.
        features: the names of its inputs.
        classes: every label that a classifier will see.
        target: the column of the label.
        updates: what it does with rows that change; what revises learns in the database.
        place: ``database`` or ``worker``; None: the database if it can learn there.

    Raises:
        UnsupportedEstimator: it cannot learn there; says why.
        InvalidLearner: features or classes do not fit it, or there is no such place.
    """
    from pgpredict.database.outside.preparing import learns_outside

    if place is not None and place not in PLACES:
        raise InvalidLearner(f"place is {place!r}: it is 'database' or 'worker'")
    if place != "worker":
        try:
            program = program_of(estimator, features, classes, updates)
            return Placed(texts_of(program, target) | {"place": "database", "model": None}, None)
        except UnsupportedEstimator:
            in_worker = updates == "ignore" and learns_outside(estimator)
            if place == "database" or not in_worker:
                raise
    if updates != "ignore":
        raise InvalidLearner(
            f"updates is {updates!r}: what takes rows back learns in the database",
            do="leave the place out",
        )
    return _outside(estimator, features, classes, target)


def check_given(estimator: Any, features: Sequence[str], target: str | None) -> None:
    """Refuse what is no estimator, such as a class, one that learns labels without any, no list.

    Raises:
        InvalidLearner: it is one of these.
    """
    from sklearn.base import is_regressor

    if isinstance(estimator, type) or not hasattr(estimator, "get_params"):
        what = f"the class {estimator.__name__}" if isinstance(estimator, type) else repr(estimator)
        raise InvalidLearner(
            f"{what} is no estimator", do="pass one of scikit-learn, fitted or not: SGDClassifier()"
        )
    if isinstance(features, str):
        raise InvalidLearner(f"{features!r} is no list of features", do=f"pass [{features!r}]")
    if target is None and is_regressor(estimator):
        raise InvalidLearner(
            f"a {type(estimator).__name__} learns numbers, and no target is named",
            do="name the column that holds them: target",
        )


def _outside(
    estimator: Any, features: Sequence[str], classes: Sequence[Any] | None, target: str | None
) -> Placed:
    from pgpredict.database.outside.preparing import prepare

    prepared = prepare(estimator, features, classes)
    program = prepared.program
    texts = {
        "features": list(features),
        "label_type": _label_type(prepared, target),
        "classes": [label_text(label) for label in prepared.classes],
        "blocks": Jsonb(
            [{"name": b.name, "shape": list(b.shape)} for b in (program.blocks if program else ())]
        ),
        "initial": prepared.vector,
        "kernel": None,
        "solve": None,
        "sums": None,
        "prediction": program and program.prediction,
        "probability": program and program.probability,
        "accepts": program and program.accepts,
        "expects": program and program.expects,
        "place": "worker",
        "model": prepared.content,
    }
    return Placed(texts, prepared)


def _label_type(prepared: Prepared, target: str | None) -> str:
    if prepared.classes:
        return SQL_TYPES[type(prepared.classes[0])]
    if prepared.program is not None and prepared.program.gives_vector:
        return "double precision[]"
    return "integer" if target is None else "double precision"
