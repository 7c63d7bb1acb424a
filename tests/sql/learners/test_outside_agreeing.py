"""A fitted estimator comes into the worker only where the database answers as it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sklearn.linear_model import SGDRegressor
from sklearn.neural_network import MLPClassifier

import pgpredict
from pgpredict.errors import GoldenRowMismatch
from pgpredict_transpiler.learning.answering.layers import Layers
from tests.sql.learners.asking import Connection
from tests.sql.learners.outside import create_outside, taught
from tests.sql.learners.payments import insert

TENS = [list(range(k, k + 10)) for k in (1, 11)]
NETWORK = taught(MLPClassifier((4,), learning_rate_init=0.01), TENS)


@pytest.fixture(autouse=True)
def _payments(connection: Connection) -> None:
    insert(connection, 1, 60)


def turn(vector: Any) -> None:
    """A number is not the estimator's."""
    vector[-1] += 1e-6


def silence(vector: Any) -> None:
    """There is no answer."""
    vector[0] = 0.0


@pytest.mark.parametrize("damage", [turn, silence])
def test_what_the_database_would_answer_otherwise_is_refused(
    db: pgpredict.Database, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Any], None]
) -> None:
    create_outside(db, NETWORK)
    right = Layers.vector

    def wrong(*given: Any) -> Any:
        vector = right(*given)
        damage(vector)
        return vector

    monkeypatch.setattr(Layers, "vector", wrong)
    with pytest.raises(GoldenRowMismatch, match="rows are answered otherwise in Python") as caught:
        db.import_learner("pupil", NETWORK)
    assert "SQL" in caught.value.details[0]
    with pytest.raises(GoldenRowMismatch):
        create_outside(db, NETWORK, "another")
    assert [(learner.name, learner.state) for learner in db.learners()] == [("pupil", 0)]


def test_rows_on_which_python_overflows_are_not_asked(
    db: pgpredict.Database, connection: Connection
) -> None:
    connection.execute("UPDATE payments SET amount = 1e308 WHERE id % 2 = 0")
    line = taught(SGDRegressor(), TENS)
    line.coef_[:] = 100.0
    create_outside(db, line, place="worker")
    assert connection.execute("SELECT predict.pupil(1, 1)").fetchone() == (
        pytest.approx(float(line.predict([[1.0, 1.0]])[0]), rel=1e-9),
    )


def test_what_has_parameters_beyond_all_answers_comes_in_and_says_nothing(
    db: pgpredict.Database, connection: Connection
) -> None:
    large = taught(MLPClassifier((4,)), TENS)
    large.coefs_[0][:] = 1e60
    create_outside(db, large)
    assert connection.execute("SELECT predict.pupil(1, 1)").fetchone() == (None,)
