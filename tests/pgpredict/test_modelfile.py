"""Reading models: what is read as it is, what needs trust, and what each broken file says."""

from __future__ import annotations

import json
import pickle
import warnings
import zipfile
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import skops.io
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_wine
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from pgpredict.errors import UnreadableModel, UntrustedModel
from pgpredict.modelfile import read_model, treecheck

WINE, KINDS = load_wine(return_X_y=True, as_frame=True)
FITTED = LogisticRegression(max_iter=10_000).fit(WINE, KINDS)


class Homemade(StandardScaler):  # type: ignore[misc]
    """A transformer that no library knows."""


class Hostile:
    """Writes a file when it is unpickled, as an attacker would do worse."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(max_iter=10_000),
        make_pipeline(StandardScaler(), DecisionTreeClassifier()),
        RandomForestClassifier(5),
        ExtraTreesRegressor(5),
        GradientBoostingClassifier(n_estimators=3),
        HistGradientBoostingClassifier(max_iter=3),
        IsolationForest(n_estimators=5, max_features=3),
        make_pipeline(
            make_column_transformer((StandardScaler(), make_column_selector("a.*"))),
            RandomForestClassifier(3),
        ),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_skops_files_are_read_as_they_are(estimator: Any, tmp_path: Path) -> None:
    fitted = estimator.fit(WINE, KINDS)
    skops.io.dump(fitted, tmp_path / "model.skops")

    read: Any = read_model(tmp_path / "model.skops").estimator

    assert np.array_equal(read.predict(WINE), fitted.predict(WINE))


def test_a_skops_file_with_unknown_types_needs_trust(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    skops.io.dump(make_pipeline(Homemade().fit(WINE), FITTED), path)

    with pytest.raises(UntrustedModel, match="types that are not known") as refusal:
        read_model(path)

    assert refusal.value.details == (f"{__name__}.Homemade",)
    assert hasattr(read_model(path, trust=True).estimator, "predict")


@pytest.mark.parametrize("suffix", [".pkl", ".pickle", ".joblib"])
def test_pickles_run_no_code_without_trust(suffix: str, tmp_path: Path) -> None:
    path, trace = tmp_path / f"model{suffix}", tmp_path / "was here"
    path.write_bytes(pickle.dumps(Hostile(trace)))

    with pytest.raises(UntrustedModel, match="without trust") as refusal:
        read_model(path)

    assert "runs whatever code" in refusal.value.why
    assert "--trust" in refusal.value.do
    assert not trace.exists()


@pytest.mark.parametrize(
    "dump", [joblib.dump, lambda model, path: path.write_bytes(pickle.dumps(model))]
)
@pytest.mark.parametrize("suffix", [".pkl", ".pickle", ".joblib"])
def test_pickles_are_read_with_trust_whoever_wrote_them(
    dump: Any, suffix: str, tmp_path: Path
) -> None:
    path = tmp_path / f"model{suffix}"
    dump(FITTED, path)

    assert isinstance(read_model(path, trust=True).estimator, LogisticRegression)


def test_an_importable_estimator_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    Path("shop_models.py").write_text(
        "from sklearn.linear_model import LinearRegression\n"
        "class Models:\n"
        "    price = LinearRegression().fit([[0.0], [1.0]], [1.0, 3.0])\n"
    )

    read: Any = read_model("shop_models:Models.price").estimator

    assert read.predict([[2.0]]).tolist() == pytest.approx([5.0])


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("no_such_module:model", "cannot import no_such_module"),
        ("math:no_such_thing", "math has no no_such_thing"),
        ("math:pi", "holds a float, not a scikit-learn estimator"),
        ("sklearn.linear_model:Ridge", "is the class Ridge, not a fitted estimator"),
    ],
)
def test_what_cannot_be_imported_is_named(location: str, message: str) -> None:
    with pytest.raises(UnreadableModel, match=message):
        read_model(location)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.skops", None, "no such file"),
        ("missing", None, "no such file"),
        ("empty.skops", b"", "the file is empty"),
        ("empty.pkl", b"", "the file is empty"),
        ("text.skops", b"tenure,plan", "damaged, or not a model"),
        ("text.pkl", b"tenure,plan", "damaged, or not a model"),
        ("half.joblib", joblib, "damaged, or not a model"),
        ("half.skops", skops, "damaged, or not a model"),
        ("boosted.ubj", b"x", "XGBoost's own format is not supported yet"),
        ("boosted.json", b"x", "XGBoost's own format is not supported yet"),
        ("boosted.txt", b"x", "LightGBM's own format is not supported yet"),
        ("boosted.cbm", b"x", "CatBoost's own format is not supported yet"),
        ("model.onnx", b"x", ".onnx is not a model file"),
        ("model", b"x", "no suffix is not a model file"),
    ],
)
def test_each_broken_file_gets_one_clear_error(
    name: str, content: Any, message: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    if content is joblib:
        joblib.dump(FITTED, path)
        content = path.read_bytes()[:200]
    elif content is skops:
        content = skops.io.dumps(FITTED)[:2000]
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(UnreadableModel, match=message):
        read_model(path, trust=True)


def test_a_folder_is_not_a_model_file(tmp_path: Path) -> None:
    folder = tmp_path / "model.skops"
    folder.mkdir()

    with pytest.raises(UnreadableModel, match="it is a folder"):
        read_model(folder)


def test_a_zip_that_skops_did_not_write_is_not_a_model(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "archive.skops", "w") as archive:
        archive.writestr("readme", "hello")

    with pytest.raises(UnreadableModel, match="damaged, or not a model"):
        read_model(tmp_path / "archive.skops")


def test_a_file_may_hold_something_else(tmp_path: Path) -> None:
    skops.io.dump({"weights": [1, 2]}, tmp_path / "dictionary.skops")

    with pytest.raises(UnreadableModel, match="holds a dict, not a scikit-learn estimator"):
        read_model(tmp_path / "dictionary.skops")


def test_a_pickle_of_a_module_that_is_not_here_names_it(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(b"cno_such_module\nModel\n.")

    with pytest.raises(UnreadableModel, match="a module that is not here") as refusal:
        read_model(path, trust=True)

    assert "no_such_module" in refusal.value.why


def test_a_model_of_another_scikit_learn_is_read_with_a_note(tmp_path: Path) -> None:
    skops.io.dump(make_pipeline(StandardScaler(), FITTED), tmp_path / "new.skops")
    _rewrite(tmp_path / "new.skops", tmp_path / "old.skops", '"1.0.2"')

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read = read_model(tmp_path / "old.skops")

    assert hasattr(read.estimator, "predict")
    assert len(read.notes) == 1
    assert read.notes[0].startswith("old.skops was written by scikit-learn 1.0.2, this is ")


def _rewrite(path: Path, to: Path, version: str) -> None:
    """Copies a skops file as if an older scikit-learn had written it."""
    from sklearn import __version__

    with zipfile.ZipFile(path) as old, zipfile.ZipFile(to, "w") as new:
        for item in old.namelist():
            content = old.read(item)
            if item == "schema.json":
                content = content.replace(
                    json.dumps(json.dumps(__version__)).encode(), json.dumps(version).encode()
                )
            new.writestr(item, content)


def _damaged(estimator: Any, attribute: str, value: int) -> Any:
    """The model with one number in one of its trees changed, as a hostile file would have it."""
    fitted = estimator.fit(WINE, KINDS)
    tree = fitted if hasattr(fitted, "tree_") else np.ravel(fitted.estimators_)[0]
    state = tree.tree_.__getstate__()
    state["nodes"][attribute][0] = value
    whole = tree.tree_
    tree.tree_ = type(whole)(whole.n_features, whole.n_classes, whole.n_outputs)
    tree.tree_.__setstate__(state)
    return fitted


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("left_child", 10_000),
        ("right_child", -7),
        ("left_child", 0),
        ("feature", 13),
        ("feature", -3),
    ],
)
@pytest.mark.parametrize(
    "estimator", [DecisionTreeClassifier(), RandomForestClassifier(3), GradientBoostingClassifier()]
)
def test_a_tree_that_points_outside_itself_is_refused(
    estimator: Any, attribute: str, value: int
) -> None:
    with pytest.raises(UnreadableModel, match="is damaged"):
        treecheck.check(_damaged(estimator, attribute, value), "model.skops")


@pytest.mark.parametrize(("field", "value"), [("left", 10_000), ("right", 0), ("feature_idx", 13)])
def test_a_histogram_tree_that_points_outside_itself_is_refused(field: str, value: int) -> None:
    fitted = HistGradientBoostingClassifier(max_iter=2).fit(WINE, KINDS)
    fitted._predictors[1][2].nodes[field][0] = value

    with pytest.raises(UnreadableModel, match="is damaged"):
        treecheck.check(fitted, "model.skops")


def test_a_forest_narrower_than_its_trees_is_refused() -> None:
    forest = make_pipeline(RandomForestClassifier(3)).fit(WINE, KINDS)
    forest[0].n_features_in_ = 4

    with pytest.raises(UnreadableModel, match="is damaged"):
        treecheck.check(forest, "model.skops")
