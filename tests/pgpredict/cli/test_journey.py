"""From an empty database to a model that is live, and back: every command that a user types."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import pytest
import skops.io
from sklearn.datasets import load_wine
from sklearn.linear_model import LinearRegression, LogisticRegression

from .conftest import Run


@pytest.fixture
def wines(installed_dsn: str) -> str:
    """A database with a table of wines."""
    frame, _ = load_wine(return_X_y=True, as_frame=True)
    frame = frame.rename(columns={"od280/od315_of_diluted_wines": "diluted"})
    columns = ", ".join(f"{name} numeric" for name in frame.columns)
    with psycopg.connect(installed_dsn) as connection:
        connection.execute(f"CREATE TABLE wines (bottle serial, label jsonb, {columns})".encode())
        names = ", ".join(frame.columns)
        with connection.cursor().copy(f"COPY wines ({names}) FROM STDIN".encode()) as copy:
            for row in frame.itertuples(index=False):
                copy.write_row(row)
    return installed_dsn


def _live_answers(dsn: str) -> list[Any]:
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("SELECT predict.wine(w) FROM wines w ORDER BY bottle").fetchall()
    return [row[0] for row in rows]


def test_a_database_is_prepared_once_and_again(dsn: str, run: Run) -> None:
    first = run("init", "--dsn", dsn)
    again = run("init", "--dsn", dsn, "--json")

    assert first.exit_code == again.exit_code == 0
    assert first.stdout.startswith("pgpredict is installed (schema version ")
    assert json.loads(again.stdout)["schema_version"] >= 1
    assert "no models yet; deploy one: pgpredict deploy" in run("models", "--dsn", dsn).stdout


def test_a_model_is_deployed_from_a_query(wines: str, folder: Path, run: Run) -> None:
    result = run(
        *("deploy", "wine", folder / "wine.skops", "--sample", "select * from wines"),
        *("--source", "public.wines", "--metric", "accuracy=0.98", "--dsn", wines),
    )

    assert result.exit_code == 0, result.output
    lines = [
        r"wine v1   logistic.* · 13 inputs · \d+ KB of SQL · form \w+, about \S+ us a row",
        r"  golden rows   178 of 178 equal to scikit-learn \(max difference \S+\)",
        r"  live          predict.wine\(public.wines\), predict.wine_proba\(public.wines\)",
        r"  try           SELECT t.\*, predict.wine\(t\) FROM public.wines t LIMIT 5",
    ]
    for shape, line in zip(lines, result.stdout.splitlines(), strict=True):
        assert re.fullmatch(shape, line)
    expected = skops.io.load(folder / "wine.skops").predict(_wine_frame())
    assert _live_answers(wines) == expected.tolist()


def _wine_frame() -> Any:
    frame, _ = load_wine(return_X_y=True, as_frame=True)
    return frame.rename(columns={"od280/od315_of_diluted_wines": "diluted"})


def test_the_life_of_a_model(wines: str, folder: Path, run: Run) -> None:
    def tell(*arguments: object) -> Any:
        result = run(*arguments, "--dsn", wines, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    sample = ("--sample", folder / "wine.parquet")
    first = tell("deploy", "wine", folder / "wine.skops", *sample, "--source", "wines")
    assert (first["version"], first["live"], first["rows"]) == (1, True, 178)
    second = tell("deploy", "wine", folder / "tree.skops", *sample, "--metric", "accuracy=0.9")
    assert (second["version"], second["live"]) == (2, False)

    tree = skops.io.load(folder / "tree.skops", trusted=["sklearn.tree._tree.Tree"])
    logistic = skops.io.load(folder / "wine.skops")
    assert _live_answers(wines) == logistic.predict(_wine_frame()).tolist()

    assert tell("promote", "wine", 2) == {"model": "wine", "live": 2, "before": 1}
    assert _live_answers(wines) == tree.predict(_wine_frame()).tolist()
    assert tell("rollback", "wine") == {"model": "wine", "live": 1, "before": 2}
    assert _live_answers(wines) == logistic.predict(_wine_frame()).tolist()

    verified = tell("verify", "wine", 2)
    assert (verified["rows"], verified["equal"], verified["worst_rows"]) == (178, 178, [])
    assert tell("retire", "wine", 2) == {"model": "wine", "retired": 2}

    (model,) = tell("models")
    assert (model["name"], model["live"], model["versions"]) == ("wine", 1, 1)
    shown = tell("show", "wine", "--version", 2)
    assert shown["shown"]["metrics"] == {"accuracy": 0.9}
    assert [event["what"] for event in shown["events"]] == [
        *("deploy", "promote", "deploy", "promote", "rollback", "retire")
    ]


def test_the_screens_of_a_model(wines: str, folder: Path, run: Run) -> None:
    def screen(*arguments: object) -> str:
        result = run(*arguments, "--dsn", wines)
        assert result.exit_code == 0, result.output
        return str(result.stdout)

    sample = ("--sample", folder / "wine.csv")
    screen("deploy", "wine", folder / "wine.skops", *sample)
    waiting = screen("deploy", "wine", folder / "tree.skops", *sample, "--metric", "accuracy=0.9")
    assert "\n  not live      predict_versions.wine_v2(" in waiting
    assert "\n  go live       pgpredict promote wine 2; v1 stays live\n" in waiting

    assert screen("promote", "wine", 2) == (
        "wine v2 is live: predict.wine answers with it (before: v1)\n"
    )
    heading, row = screen("models").splitlines()
    assert heading.split() == ["model", "live", "since", "versions", "what", "metrics", "source"]
    assert re.fullmatch(r"wine +v2 +\S+ \S+ +2 +decision tree.* +accuracy=0.9", row)

    shown = screen("show", "wine")
    assert shown.startswith("wine v2   live\n")
    assert "  call          predict.wine(" in shown
    assert "  returns       bigint, probability float8[]\n" in shown
    assert "  classes       0, 1, 2\n" in shown
    assert re.search(r"^alcohol +float8 +no +11.03 … 14.83$", shown, re.MULTILINE)
    assert re.search(r"^v2 +live +decision tree", shown, re.MULTILINE)
    assert re.search(r" promote +v2 +v1$", shown, re.MULTILINE)

    assert "178 of 178 golden rows equal to scikit-learn" in screen("verify", "wine")
    screen("rollback", "wine")
    assert screen("retire", "wine", 2).startswith("wine v2 is retired")
    assert screen("show", "wine", "--version", 2).startswith("wine v2   retired\n")


def test_a_pickle_is_deployed_with_trust(installed_dsn: str, folder: Path, run: Run) -> None:
    result = run(
        *("deploy", "cancer", folder / "cancer.joblib", "--sample", folder / "cancer.csv"),
        *("--trust", "--form", "block", "--no-promote", "--dsn", installed_dsn, "--json"),
    )

    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert (answer["form"], answer["live"], answer["model_format"]) == ("block", False, "joblib")
    shown = run("show", "cancer", "--dsn", installed_dsn).stdout
    assert "  returns       text, probability float8 of malignant\n" in shown


def test_the_model_file_comes_back_as_it_was(
    installed_dsn: str, folder: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = ("--sample", folder / "cancer.csv", "--dsn", installed_dsn)
    run("deploy", "cancer", folder / "cancer.joblib", *sample, "--trust")
    run("deploy", "cancer", folder / "cancer.skops", *sample, "--promote")
    run("retire", "cancer", 1, "--dsn", installed_dsn)
    monkeypatch.chdir(tmp_path)

    live = run("export", "cancer", "--dsn", installed_dsn)
    retired = run(
        *("export", "cancer", "old.joblib", "--version", 1, "--dsn", installed_dsn, "--json")
    )

    assert re.fullmatch(r"cancer v2 is in cancer_v2\.skops \(skops, \d+ KB\)\n", live.stdout)
    assert json.loads(retired.stdout)["file"] == "old.joblib"
    for copy, original in (("cancer_v2.skops", "cancer.skops"), ("old.joblib", "cancer.joblib")):
        assert (tmp_path / copy).read_bytes() == (folder / original).read_bytes()

    again = run("export", "cancer", "--dsn", installed_dsn)
    assert again.exit_code == 3
    assert "cancer_v2.skops is there already" in again.stderr
    nowhere = run("export", "cancer", tmp_path / "no" / "file", "--dsn", installed_dsn)
    assert "No such file or directory" in nowhere.stderr
    assert "there is no model wine" in run("export", "wine", "--dsn", installed_dsn).stderr


def test_a_model_is_removed(installed_dsn: str, folder: Path, run: Run) -> None:
    for _ in range(2):
        run(
            *("deploy", "wine", folder / "wine.skops", "--sample", folder / "wine.csv"),
            *("--dsn", installed_dsn),
        )

    dropped = run("drop", "wine", "--dsn", installed_dsn)

    assert dropped.stdout == "wine is gone, with 2 versions; its events stay\n"
    assert json.loads(run("models", "--dsn", installed_dsn, "--json").stdout) == []
    again = run("drop", "wine", "--dsn", installed_dsn)
    assert (again.exit_code, "there is no model wine" in again.stderr) == (3, True)


def test_a_rollback_without_the_source_warns(wines: str, folder: Path, run: Run) -> None:
    deploy = ("deploy", "wine", folder / "wine.skops", "--sample", folder / "wine.csv")
    run(*deploy, "--source", "wines", "--dsn", wines)
    run(*deploy, "--promote", "--dsn", wines)
    assert "predict.wine(t) FROM public.wines t" in run("show", "wine", "--dsn", wines).stdout
    with psycopg.connect(wines) as connection:
        connection.execute("DROP TABLE wines CASCADE")

    back = run("rollback", "wine", "--dsn", wines)

    assert back.exit_code == 0
    assert back.stdout.startswith("wine v1 is live")
    assert "predict.wine takes no rows of public.wines: it is gone" in back.stderr
    assert "  call          predict.wine(alcohol, " in run("show", "wine", "--dsn", wines).stdout


def test_rows_that_differ_are_shown_side_by_side(wines: str, folder: Path, run: Run) -> None:
    sample = ("--sample", folder / "wine.csv")
    run("deploy", "wine", folder / "tree.skops", *sample, "--dsn", wines)
    with psycopg.connect(wines) as connection:
        connection.execute("UPDATE pgpredict.golden_row SET prediction = '7' WHERE row_number = 3")

    result = run("verify", "wine", "--dsn", wines)
    machine = run("verify", "wine", "--dsn", wines, "--json")

    assert result.exit_code == machine.exit_code == 4
    assert "177 of 178 golden rows" in result.stdout
    assert re.search(r"^ *3  7 ", result.stdout, re.MULTILINE)
    told = json.loads(machine.stdout, parse_constant=pytest.fail)
    assert told["max_difference"] == "Infinity"
    assert [row["row_number"] for row in told["worst_rows"]] == [3]


def test_truth_values_are_shown_as_sql_writes_them(
    installed_dsn: str, tmp_path: Path, run: Run
) -> None:
    frame = pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0]})
    model = LogisticRegression().fit(frame, [False, False, True, True])
    skops.io.dump(model, tmp_path / "late.skops")
    frame.to_csv(tmp_path / "late.csv", index=False)
    given = (tmp_path / "late.skops", "--sample", tmp_path / "late.csv")
    run("deploy", "late", *given, "--dsn", installed_dsn)

    shown = run("show", "late", "--dsn", installed_dsn).stdout

    assert "  returns       boolean, probability float8 of true\n" in shown
    assert "  classes       false, true\n" in shown


def test_the_dsn_may_come_from_the_environment(
    installed_dsn: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPREDICT_DSN", installed_dsn)

    assert json.loads(run("models", "--json").stdout) == []


def test_calls_are_printed_as_sql_wants_them(installed_dsn: str, tmp_path: Path, run: Run) -> None:
    frame = pd.DataFrame({"Size (cm)": [1.0, 2.0, 4.0], "order": [3.0, 1.0, 2.0]})
    skops.io.dump(LinearRegression().fit(frame, [1.0, 2.0, 3.0]), tmp_path / "size.skops")
    frame.to_csv(tmp_path / "size.csv", index=False)

    deployed = run(
        *("deploy", "size", tmp_path / "size.skops", "--sample", tmp_path / "size.csv"),
        *("--dsn", installed_dsn, "--json"),
    )
    shown = run("show", "size", "--dsn", installed_dsn)

    assert json.loads(deployed.stdout)["calls"] == ['predict.size("Size (cm)", "order")']
    assert '  call          predict.size("Size (cm)", "order")\n' in shown.stdout
    with psycopg.connect(installed_dsn) as connection:
        connection.execute(
            'SELECT predict.size("Size (cm)", "order") '
            'FROM (VALUES (1, 2)) AS t ("Size (cm)", "order")'
        )
