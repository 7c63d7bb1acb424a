"""What transpile accepts, and what it says when it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, RANSACRegressor
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from pgpredict_transpiler import InvalidSample, NotFitted, UnsupportedEstimator, transpile
from pgpredict_transpiler.errors import PgpredictError

SAMPLE = pd.DataFrame({"x": [0.0, 1.0, 2.0, 3.0], "y z": [1, 0, 1, 0]})
LABELS = ["no", "no", "yes", "yes"]


def fitted(model: Any) -> Any:
    return model.fit(SAMPLE, LABELS)


def test_inputs_have_the_names_and_types_of_the_sample() -> None:
    program = transpile(fitted(LogisticRegression()), SAMPLE)
    assert [(i.name, i.type) for i in program.inputs] == [("x", "float8"), ("y z", "float8")]


def test_columns_that_the_pipeline_drops_are_no_inputs() -> None:
    model = make_pipeline(
        ColumnTransformer([("keep", "passthrough", ["y z"])]), LogisticRegression()
    )
    assert [i.name for i in transpile(fitted(model), SAMPLE).inputs] == ["y z"]


def test_columns_that_the_model_does_not_know_are_passed_over() -> None:
    wider = SAMPLE.assign(id=[1, 2, 3, 4])
    assert [i.name for i in transpile(fitted(LogisticRegression()), wider).inputs] == ["x", "y z"]


def test_a_model_fitted_on_an_array_takes_the_columns_by_place() -> None:
    model = LinearRegression().fit(SAMPLE.to_numpy(), [0.0, 1.0, 2.0, 3.0])
    renamed = SAMPLE.rename(columns={"x": "first"})
    assert [i.name for i in transpile(model, renamed).inputs] == ["first", "y z"]


@pytest.mark.parametrize(
    ("labels", "sql_type"),
    [
        (["a", "b", "a", "b"], "text"),
        ([1, 2, 1, 2], "bigint"),
        ([True, False, True, False], "boolean"),
        ([1.0, 2.0, 1.0, 2.0], "float8"),
    ],
)
def test_labels_keep_their_type(labels: list[Any], sql_type: str) -> None:
    assert transpile(DecisionTreeClassifier().fit(SAMPLE, labels), SAMPLE).label_type == sql_type


def test_an_estimator_without_a_lowering_is_named_with_its_place() -> None:
    inner = Pipeline([("scale", StandardScaler()), ("model", GaussianProcessClassifier())])
    with pytest.raises(UnsupportedEstimator) as caught:
        transpile(fitted(Pipeline([("all", inner)])), SAMPLE)
    assert caught.value.path == "pipeline['all']['model']"
    assert "GaussianProcessClassifier at pipeline['all']['model'] is not supported" in str(
        caught.value
    )


def test_an_estimator_that_is_not_fitted_is_named_with_its_place() -> None:
    model = Pipeline([("scale", StandardScaler().fit(SAMPLE)), ("model", LogisticRegression())])
    with pytest.raises(NotFitted, match=r"LogisticRegression at pipeline\['model'\] is not fitted"):
        transpile(model, SAMPLE)


def test_a_class_is_not_a_model() -> None:
    with pytest.raises(UnsupportedEstimator):
        transpile(LogisticRegression, SAMPLE)


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(UnsupportedEstimator, match="not a scikit-learn estimator"):
        transpile("churn.skops", SAMPLE)


def test_a_missing_column_is_named_with_who_needs_it() -> None:
    union = FeatureUnion([("scaled", StandardScaler())])
    with pytest.raises(InvalidSample, match=r"no column 'x', which StandardScaler at .*'scaled'"):
        transpile(
            fitted(Pipeline([("union", union), ("model", LogisticRegression())])), SAMPLE[["y z"]]
        )


def test_an_array_model_counts_its_columns() -> None:
    model = LinearRegression().fit(SAMPLE.to_numpy(), [0.0, 1.0, 2.0, 3.0])
    with pytest.raises(InvalidSample, match="1 columns, but the model was fitted on 2"):
        transpile(model, SAMPLE[["x"]])


def test_text_where_the_model_reads_numbers_is_refused() -> None:
    with pytest.raises(InvalidSample, match="'x' of the sample is text, but StandardScaler"):
        transpile(
            fitted(make_pipeline(StandardScaler(), LogisticRegression())), SAMPLE.astype({"x": str})
        )


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        ([[1.0]], "not a DataFrame"),
        (SAMPLE.head(0), "no rows"),
        (SAMPLE.assign(x=[1j] * 4), "complex128, which has no SQL type"),
        (SAMPLE.assign(x=pd.Series([{}] * 4, dtype=object)), "dict, which have no common SQL type"),
        (SAMPLE.assign(x=["a", 1, 2, 3]), "int, str, which have no common SQL type"),
        (pd.concat([SAMPLE, SAMPLE], axis=1), "two columns named 'x'"),
        (SAMPLE.rename(columns={"x": "$1"}), "a name that Postgres gives to arguments itself"),
    ],
)
def test_a_sample_that_cannot_be_used_is_refused(sample: Any, message: str) -> None:
    with pytest.raises(InvalidSample, match=message):
        transpile(fitted(LogisticRegression()), sample)


def test_several_targets_are_refused() -> None:
    model = LinearRegression().fit(SAMPLE, np.ones((4, 2)))
    with pytest.raises(UnsupportedEstimator, match="several targets"):
        transpile(model, SAMPLE)


def test_a_model_that_starts_from_another_is_refused() -> None:
    model = GradientBoostingRegressor(init=LinearRegression(), n_estimators=1)
    with pytest.raises(UnsupportedEstimator, match=r"GradientBoostingRegressor\(init\)"):
        transpile(model.fit(SAMPLE, [0.0, 1.0, 2.0, 3.0]), SAMPLE)


def test_a_forest_too_large_for_an_expression_is_refused_before_it_is_built(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pgpredict_transpiler.lowering.trees.MOST_NODES", 20)
    with pytest.raises(UnsupportedEstimator, match="limit max_depth or max_leaf_nodes"):
        transpile(fitted(RandomForestClassifier(20, random_state=0)), SAMPLE)


def test_a_small_model_is_inlined_and_a_large_one_is_a_block() -> None:
    small = transpile(fitted(LogisticRegression()), SAMPLE)
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(500, 2)), columns=["x", "y z"])
    large = transpile(GradientBoostingRegressor().fit(frame, frame["x"] * frame["y z"]), frame)
    assert small.choose_form() == "inline"
    assert large.choose_form() == "block"
    assert small.operators < large.operators
    assert small.microseconds("inline") < small.microseconds("block") < large.microseconds("block")


def test_trees_are_an_array_on_demand() -> None:
    model = fitted(RandomForestClassifier(20, random_state=0))
    program = transpile(model, SAMPLE, nodes=True)

    assert program.walks
    assert not transpile(model, SAMPLE).walks
    assert program.choose_form() == "nodes"
    assert program.microseconds("nodes", native=True) < program.microseconds("nodes")
    assert "predict_runtime.walk_trees('{2,0,0," in program.create_function("forest")
    with pytest.raises(PgpredictError, match="has no form block") as caught:
        program.create_function("forest", form="block")
    assert caught.value.do == "transpile the model with nodes=False"
    with pytest.raises(PgpredictError, match="no form in duckdb"):
        program.to_sql("duckdb")
    with pytest.raises(PgpredictError, match="has no form nodes"):
        transpile(model, SAMPLE).create_function("forest", form="nodes")


def test_only_trees_are_walked() -> None:
    assert not transpile(fitted(LogisticRegression()), SAMPLE, nodes=True).walks


def test_more_nodes_fit_an_array_than_an_expression(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pgpredict_transpiler.lowering.trees.MOST_NODES", 20)
    model = fitted(RandomForestClassifier(20, random_state=0))

    assert transpile(model, SAMPLE, nodes=True).walks
    monkeypatch.setattr("pgpredict_transpiler.lowering.trees.MOST_WALKED", 30)
    with pytest.raises(UnsupportedEstimator, match="30 is the limit: use max_depth"):
        transpile(model, SAMPLE, nodes=True)


def test_a_tree_too_deep_for_an_expression_is_refused() -> None:
    frame = pd.DataFrame({"x": range(200)})
    model = DecisionTreeRegressor().fit(frame, [3.0**i for i in range(200)])
    with pytest.raises(UnsupportedEstimator, match="levels deep, and 150 is the limit"):
        transpile(model, frame)


def test_categories_that_float8_cannot_tell_apart_are_refused() -> None:
    frame = pd.DataFrame({"id": [2**53, 2**53 + 1]})
    model = make_pipeline(OneHotEncoder(), LinearRegression()).fit(frame, [0.0, 1.0])
    with pytest.raises(UnsupportedEstimator, match=r"beyond 2 \*\* 53"):
        transpile(model, frame)


def test_ransac_reads_only_the_columns_that_its_estimator_reads() -> None:
    inner = make_pipeline(ColumnTransformer([("keep", "passthrough", [0])]), LinearRegression())
    model = RANSACRegressor(inner, min_samples=2, random_state=0)
    model.fit(SAMPLE, [0.0, 1.0, 2.0, 3.0])
    assert [i.name for i in transpile(model, SAMPLE[["x"]]).inputs] == ["x"]


def test_a_forest_of_many_classes_is_written_once() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(300, 2)), columns=["x", "y z"])
    few = RandomForestClassifier(10, max_depth=6, random_state=0).fit(frame, np.arange(300) % 3)
    many = RandomForestClassifier(10, max_depth=6, random_state=0).fit(frame, np.arange(300) % 30)
    one, other = (transpile(model, frame) for model in (few, many))
    trees = [sum(let.type == "int" for let in program.general.lets) for program in (one, other)]
    assert trees == [10, 10]
