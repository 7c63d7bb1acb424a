"""Models and samples on disk, and a command line to use them with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import joblib
import pytest
import skops.io
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from typer.testing import CliRunner

from pgpredict.cli import app

Result = Any
Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command line in this process: ``run("deploy", "wine", …)``."""
    monkeypatch.delenv("PGPREDICT_DSN", raising=False)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return run


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with models of wine and cancer, and samples of both.

    wine.skops, tree.skops, cancer.skops, cancer.joblib, unfitted.skops; wine.csv, wine.parquet,
    cancer.csv.
    """
    folder = tmp_path_factory.mktemp("models")
    wine, kinds = load_wine(return_X_y=True, as_frame=True)
    wine = wine.rename(columns={"od280/od315_of_diluted_wines": "diluted"})
    cancer, benign = load_breast_cancer(return_X_y=True, as_frame=True)
    names = benign.map({0: "malignant", 1: "benign"})
    logistic = make_pipeline(StandardScaler(), LogisticRegression(max_iter=10_000))
    skops.io.dump(logistic.fit(wine, kinds), folder / "wine.skops")
    skops.io.dump(DecisionTreeClassifier(max_depth=3).fit(wine, kinds), folder / "tree.skops")
    skops.io.dump(logistic.fit(cancer, names), folder / "cancer.skops")
    joblib.dump(logistic, folder / "cancer.joblib")
    skops.io.dump(LogisticRegression(), folder / "unfitted.skops")
    wine.to_csv(folder / "wine.csv", index=False)
    wine.assign(bottle=range(len(wine))).to_parquet(folder / "wine.parquet")
    cancer.to_csv(folder / "cancer.csv", index=False)
    return folder


class Shell:
    """Runs ``python -m pgpredict`` as a process, with an embedded server of its own."""

    def __init__(self, home: Path) -> None:
        path = os.pathsep.join(entry for entry in sys.path if entry)
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PGPREDICT")}
        self.environment = kept | {"PGPREDICT_HOME": str(home), "PYTHONPATH": path}

    def run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Runs it to its end."""
        return subprocess.run(
            [sys.executable, "-m", "pgpredict", *map(str, arguments)],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def json(self, *arguments: object) -> Any:
        """Runs it with --json; it must succeed."""
        finished = self.run(*arguments, "--json")
        assert finished.returncode == 0, finished.stderr
        return json.loads(finished.stdout)


@pytest.fixture(scope="module")
def shell() -> Iterator[Shell]:
    # Not pytest's own folder: it is closed to the user whom root's servers run as.
    home = Path(tempfile.mkdtemp(prefix="pgpredict-"))
    home.chmod(0o711)
    shell = Shell(home)
    yield shell
    shell.run("server", "stop")
    shutil.rmtree(home)
