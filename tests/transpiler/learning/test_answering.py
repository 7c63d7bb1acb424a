"""What learns with scikit-learn itself answers in the database as Python does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import psycopg
import pytest
from hypothesis import strategies as st
from sklearn.base import clone, is_classifier
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import IncrementalPCA, MiniBatchDictionaryLearning
from sklearn.linear_model import SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler

from pgpredict_transpiler.errors import UnsupportedEstimator
from pgpredict_transpiler.learning.answering.program import AnswerProgram
from pgpredict_transpiler.learning.answering.registry import ANSWERS, answer_program
from tests.transpiler.learning.answering import HARD
from tests.transpiler.learning.bench import Floats, answers

LAYERS = Path(__file__).parents[3] / "sql" / "schema" / "84_learner_layers.sql"
NAMES = ["x0", "x1", "x2"]

# Of dictionaries that learn from a few rows; it is no matter here.
pytestmark = pytest.mark.filterwarnings("ignore:Objective did not converge")

NETWORKS = [
    *(
        MLPClassifier((4, 3), activation=activation, random_state=0, learning_rate_init=0.05)
        for activation in ("identity", "logistic", "tanh", "relu")
    ),
    MLPClassifier((), solver="sgd", random_state=0),
    MLPClassifier(5, random_state=0),
    MLPRegressor(hidden_layer_sizes=(4, 3), random_state=0),
    MLPRegressor("poisson", (6,), random_state=0),
]
CLUSTERS = MiniBatchKMeans(3, random_state=0, n_init=1, reassignment_ratio=0.5)
OTHERS = [
    IncrementalPCA(2),
    IncrementalPCA(whiten=True),
    CLUSTERS,
    *(
        MiniBatchDictionaryLearning(
            4, transform_algorithm="threshold", random_state=0, split_sign=split,
            positive_code=positive, transform_alpha=alpha, fit_algorithm="cd",
        )
        for split, positive, alpha in [(False, False, None), (True, False, 0.3), (False, True, 0.1)]
    ),
    make_pipeline(StandardScaler(), MLPClassifier((4,), random_state=0)),
    make_pipeline(StandardScaler(with_std=False), IncrementalPCA(2)),
    make_pipeline(MinMaxScaler((-1, 2)), CLUSTERS),
    make_pipeline(MaxAbsScaler(), MLPRegressor(hidden_layer_sizes=(4,), random_state=0)),
    make_pipeline(StandardScaler(), SGDClassifier(loss="log_loss")),
    GaussianNB(),
]  # fmt: skip


@dataclass
class Answering:
    """The functions of a program in a database, and the estimator beside it."""

    connection: psycopg.Connection
    program: AnswerProgram

    def __post_init__(self) -> None:
        self.connection.execute("CREATE SCHEMA pgpredict")
        self.connection.execute(LAYERS.read_bytes())
        program = self.program
        kinds = {
            "prediction": "float8[]" if program.gives_vector else "float8",
            "probability": "float8[]" if len(program.classes) > 2 else "float8",
        }
        for name, kind in kinds.items():
            if expression := getattr(program, name):
                self.connection.execute(
                    f"CREATE FUNCTION {name} (float8[], float8, float8, float8) RETURNS {kind}"
                    f" LANGUAGE sql IMMUTABLE RETURN {expression}".encode()
                )

    def of(self, name: str, estimator: Any, X: Floats) -> list[Any]:
        return answers(self.connection, name, self.program.read(estimator), X)


def batches(classes: int) -> list[tuple[Floats, Floats]]:
    """Uneven ones, of numbers of different size."""
    chance = np.random.default_rng(3)
    sized = [chance.normal(size=(n, 3)) * [1, 30, 0.2] + [0, 100, 1] for n in (40, 5, 90, 1)]
    return [(X, (np.abs(X[:, 0]) * classes // 2.5).clip(0, classes - 1)) for X in sized]


def taught(estimator: Any, classes: int) -> Any:
    made = clone(estimator)
    for X, y in batches(classes):
        teach(made, X, y, range(classes))
    return made


def teach(estimator: Any, X: Floats, y: Floats, classes: range) -> None:
    if hasattr(estimator, "steps"):
        scaler, learner = (step for _, step in estimator.steps)
        scaler.partial_fit(X)
        teach(learner, scaler.transform(X), y, classes)
    elif is_classifier(estimator):
        estimator.partial_fit(X, y.astype(int), classes=list(classes))
    else:
        estimator.partial_fit(X, y)


def expected(estimator: Any, X: Floats) -> Any:
    ask = getattr(estimator, "predict", None) or estimator.transform
    return ask(X)


@pytest.mark.parametrize("estimator", [*NETWORKS, *OTHERS], ids=str)
def test_the_same_answers_as_python(connection: psycopg.Connection, estimator: Any) -> None:
    kinds = [2, 4] if is_classifier(estimator) else [2]
    for classes in kinds:
        labels = list(range(classes)) if is_classifier(estimator) else None
        with connection.transaction(force_rollback=True):
            asked = Answering(connection, answer_program(estimator, NAMES, labels))
            learnt = taught(estimator, classes)
            X = np.vstack([X for X, _ in batches(classes)])
            given = np.array(asked.of("prediction", learnt, X), dtype=float)
            assert given == pytest.approx(expected(learnt, X), rel=1e-9, abs=1e-12)
            if asked.program.probability:
                shares = np.array(asked.of("probability", learnt, X))
                wanted = learnt.predict_proba(X)
                assert shares == pytest.approx(
                    wanted[:, 1] if classes == 2 else wanted, rel=1e-9, abs=1e-12
                )


@pytest.mark.parametrize("estimator", [*NETWORKS, *OTHERS[:-2]], ids=str)
def test_without_a_row_there_is_no_answer(connection: psycopg.Connection, estimator: Any) -> None:
    labels = [0, 1] if is_classifier(estimator) else None
    asked = Answering(connection, answer_program(estimator, NAMES, labels))
    assert asked.of("prediction", estimator, np.ones((2, 3))) == [None, None]


@pytest.mark.parametrize(
    "estimator", [NETWORKS[1], NETWORKS[3], NETWORKS[7], *OTHERS[1:4]], ids=str
)
def test_nothing_raises(connection: psycopg.Connection, estimator: Any) -> None:
    """Rows of numbers up to 1e100 have an answer, others none; huge weights have none either."""
    labels = [0, 1, 2] if is_classifier(estimator) else None
    asked = Answering(connection, answer_program(estimator, NAMES, labels))
    states = [taught(estimator, 3) for _ in range(2)]
    part = next(n for n in ("coefs_", "components_", "cluster_centers_") if hasattr(states[1], n))
    array = getattr(states[1], part)
    (array[0] if part == "coefs_" else array)[0, 0] = 1e-80
    number = st.one_of(st.sampled_from([*HARD, *(-x for x in HARD)]), st.floats())
    row = st.lists(number, min_size=3, max_size=3)

    @hypothesis.settings(max_examples=20, deadline=None, database=None)
    @hypothesis.given(rows=st.lists(row, min_size=1, max_size=40))
    def check(rows: list[list[float]]) -> None:
        X = np.array(rows)
        usual = (np.abs(X) <= 1e100).all(axis=1).tolist()
        for state in states:
            for name in ("prediction", *(["probability"] if asked.program.probability else [])):
                given = asked.of(name, state, X)
                assert [answer is not None for answer in given] == usual

    check()
    (array[0] if part == "coefs_" else array)[0, 0] = 1e60
    assert asked.of("prediction", states[1], np.ones((1, 3))) == [None]


def test_every_line_of_the_registry_is_asked_here() -> None:
    def last(estimator: Any) -> Any:
        return estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator

    seen = {f"sklearn.{type(last(estimator)).__name__}" for estimator in (*NETWORKS, *OTHERS)}
    assert set(ANSWERS) <= seen


@pytest.mark.parametrize(
    ("estimator", "why"),
    [
        (MiniBatchDictionaryLearning(2), "transform_algorithm='threshold'"),
        (make_pipeline(MinMaxScaler(clip=True), IncrementalPCA(2)), "nothing in SQL answers"),
        (make_pipeline(IncrementalPCA(2), MLPClassifier()), "nothing in SQL answers"),
    ],
    ids=str,
)
def test_what_has_no_answer_is_refused(estimator: Any, why: str) -> None:
    with pytest.raises(UnsupportedEstimator, match=why):
        answer_program(estimator, NAMES)
