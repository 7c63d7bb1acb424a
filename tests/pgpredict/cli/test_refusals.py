"""What bad input gets: one clear message, an exit code that says of which kind, nothing changed."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
import skops.io
from sklearn.datasets import load_wine
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import KBinsDiscretizer

from pgpredict import errors

from .conftest import Result, Run

NOBODY = "postgresql://nobody@127.0.0.1:1/nowhere"


def _models(dsn: str) -> int:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(
            "SELECT (SELECT count(*) FROM pgpredict.model) + (SELECT count(*) FROM pg_proc "
            "WHERE pronamespace IN ('predict'::regnamespace, 'predict_versions'::regnamespace))"
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_an_estimator_that_is_not_supported(
    installed_dsn: str, folder: Path, tmp_path: Path, run: Run
) -> None:
    wine, kinds = load_wine(return_X_y=True, as_frame=True)
    odd = Pipeline([("bins", KBinsDiscretizer()), ("model", GaussianNB())])
    skops.io.dump(odd.set_params(bins__encode="ordinal").fit(wine, kinds), tmp_path / "odd.skops")
    wine.to_csv(tmp_path / "wine.csv")

    result = run(
        *("deploy", "wine", tmp_path / "odd.skops", "--sample", tmp_path / "wine.csv"),
        *("--dsn", installed_dsn),
    )

    assert result.exit_code == 3
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert lines[0] == (
        "error: cannot deploy wine: KBinsDiscretizer at pipeline['bins'] is not supported"
    )
    assert lines[1].startswith("  why: ")
    assert lines[2:] == ["  see: pgpredict supported", "(exit 3; nothing was changed)"]
    assert _models(installed_dsn) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["Wine", "wine.skops", "--sample", "wine.csv"], "'Wine' is not allowed as the name"),
        (["wine", "unfitted.skops", "--sample", "wine.csv"], "is not fitted"),
        (["wine", "wine.skops", "--sample", "cancer.csv"], "the sample has no column 'alcohol'"),
        (["wine", "wine.skops", "--sample", "missing.csv"], "missing.csv: no such file"),
        (["wine", "wine.skops", "--sample", "select 1 from nowhere"], "the query fails"),
        (["wine", "missing.skops", "--sample", "wine.csv"], "missing.skops: no such file"),
        (["wine", "wine.csv", "--sample", "wine.csv"], ".csv is not a model file"),
        (["wine", "cancer.joblib", "--sample", "cancer.csv"], "is not read without trust"),
        (["wine", "no_such:model", "--sample", "wine.csv"], "cannot import no_such"),
        (["wine", "wine.skops", "--sample", "wine.csv", "--source", "nowhere"], "nowhere"),
    ],
)
def test_a_deploy_that_is_refused_changes_nothing(
    arguments: list[str],
    message: str,
    installed_dsn: str,
    folder: Path,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(folder)

    result = run("deploy", *arguments, "--dsn", installed_dsn)

    assert result.exit_code == 3
    assert result.stdout == ""
    assert result.stderr.startswith("error: cannot ")
    assert message in result.stderr.splitlines()[0]
    assert result.stderr.endswith("(exit 3; nothing was changed)\n")
    assert _models(installed_dsn) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["promote", "nothing", "1"], "there is no model nothing"),
        (["rollback", "nothing"], "there is no model nothing"),
        (["retire", "nothing", "1"], "there is no model nothing"),
        (["verify", "nothing"], "there is no model nothing"),
        (["show", "nothing"], "there is no model nothing"),
        (["promote", "wine", "7"], "wine has no version 7"),
        (["show", "wine", "--version", "7"], "wine has no version 7"),
        (["rollback", "wine"], "no version was live before v1"),
        (["retire", "wine", "1"], "cannot retire wine v1: it is live"),
    ],
)
def test_what_cannot_be_done_with_a_model(
    arguments: list[str], message: str, installed_dsn: str, folder: Path, run: Run
) -> None:
    run(
        *("deploy", "wine", folder / "tree.skops", "--sample", folder / "wine.csv"),
        *("--dsn", installed_dsn),
    )

    result = run(*arguments, "--dsn", installed_dsn)

    assert result.exit_code == 3
    assert message in result.stderr.splitlines()[0]
    assert "  do: " in result.stderr


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (["promote", "nothing", "1"], "pgpredict models"),
        (["promote", "wine", "7"], "pgpredict show wine"),
        (["verify", "wine", "7"], "pgpredict show wine"),
        (["rollback", "wine"], "choose one: pgpredict promote wine 2"),
        (["retire", "wine", "1"], "promote another first: pgpredict promote wine 2"),
    ],
)
def test_the_advice_is_a_command(
    arguments: list[str], advice: str, installed_dsn: str, folder: Path, run: Run
) -> None:
    for _ in range(2):
        run(
            *("deploy", "wine", folder / "tree.skops", "--sample", folder / "wine.csv"),
            *("--dsn", installed_dsn),
        )

    assert f"  do: {advice}\n" in run(*arguments, "--dsn", installed_dsn).stderr


def test_the_advice_names_no_version_where_there_is_none(
    installed_dsn: str, folder: Path, run: Run
) -> None:
    run(
        *("deploy", "wine", folder / "tree.skops", "--sample", folder / "wine.csv"),
        *("--dsn", installed_dsn),
    )

    refused = run("retire", "wine", "1", "--dsn", installed_dsn).stderr

    assert "  do: deploy another version first: pgpredict deploy wine FILE --sample " in refused


def test_inputs_that_change_while_a_view_uses_the_live_function(
    installed_dsn: str, folder: Path, run: Run
) -> None:
    def deploy(model: str, *more: str) -> Result:
        files = ("--sample", folder / f"{model}.csv", "--dsn", installed_dsn)
        return run("deploy", "wine", folder / f"{model}.skops", *files, *more)

    deploy("wine")
    with psycopg.connect(installed_dsn) as connection:
        connection.execute(
            "CREATE VIEW board AS SELECT predict.wine(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13)"
        )
    before = _models(installed_dsn)

    result = deploy("cancer", "--promote")

    assert result.exit_code == 3
    lines = result.stderr.splitlines()
    assert lines[0].startswith("error: cannot promote wine v2: ")
    assert '  + "mean radius" double precision' in lines
    assert "  - alcohol double precision" in lines
    assert "  ~ the label is text, was bigint" in lines
    assert any(line.startswith("  in use by: view ") and "board" in line for line in lines)
    assert _models(installed_dsn) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["init"],
        ["models"],
        ["show", "wine"],
        ["promote", "wine", "1"],
        ["rollback", "wine"],
        ["verify", "wine"],
        ["retire", "wine", "1"],
    ],
)
def test_no_server(arguments: list[str], run: Run) -> None:
    result = run(*arguments, "--dsn", NOBODY)

    assert result.exit_code == 5
    assert result.stderr.splitlines()[0] == (
        "error: cannot connect to 127.0.0.1, port 1, database nowhere"
    )


@pytest.mark.parametrize(
    ("arguments", "ending"),
    [
        (["models"], "(exit 5)"),
        (["show", "wine"], "(exit 5)"),
        (["promote", "wine", "1"], "(exit 5; nothing was changed)"),
    ],
)
def test_no_schema(arguments: list[str], ending: str, dsn: str, run: Run) -> None:
    result = run(*arguments, "--dsn", dsn)

    assert result.exit_code == 5
    assert result.stderr == (
        "error: pgpredict is not installed in this database\n"
        "  do: run `pgpredict init`, or Database.install()\n"
        f"{ending}\n"
    )


def test_a_newer_schema(installed_dsn: str, run: Run) -> None:
    with psycopg.connect(installed_dsn) as connection:
        connection.execute("INSERT INTO pgpredict.schema_version (version) VALUES (1000)")

    for command in ("models", "init"):
        result = run(command, "--dsn", installed_dsn)
        assert result.exit_code == 5
        assert "has version 1000" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["deploy", "wine", "wine.skops"], "Missing option '--sample'"),
        (["deploy", "w", "m", "--sample", "s", "--metric", "auc"], "'auc' is not NAME=VALUE"),
        (["promote", "wine", "first"], "VERSION"),
        (["promote", "wine", "0"], "VERSION"),
        (["sql", "m", "--sample", "s", "--form", "block"], "belong to --function NAME"),
        (["sql", "m", "--sample", "s", "--function", "f", "--dialect", "duckdb"], "for Postgres"),
        (["forecast"], "No such command 'forecast'"),
    ],
)
def test_wrong_usage(arguments: list[str], message: str, run: Run) -> None:
    result = run(*arguments)

    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UnsupportedEstimator("SVC", "pipeline", "it is not there yet"), 3),
        (errors.SignatureChanged("cannot promote wine v2"), 3),
        (errors.UntrustedModel("wine.pkl is not read without trust"), 3),
        (errors.GoldenRowMismatch("cannot deploy wine: 3 of 178 golden rows differ"), 4),
        (errors.NoServer("nobody answers"), 5),
        (errors.NoRights("role r may not do that"), 5),
        (psycopg.errors.DiskFull("no space left"), 5),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_exit_code_says_of_which_kind_an_error_is(
    error: Exception, code: int, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(dsn: str | None) -> None:
        raise error

    monkeypatch.setattr("pgpredict.database.connect", fail)

    result = run("models")

    assert result.exit_code == code
    assert str(error).splitlines()[0] in result.stderr
    assert result.stderr.endswith(f"(exit {code})\n")


def test_nothing_is_promised_of_a_server_that_went_away(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(dsn: str | None) -> None:
        raise errors.NoServer("the connection to the database is lost")

    monkeypatch.setattr("pgpredict.database.connect", fail)

    assert run("promote", "wine", "2").stderr.endswith("(exit 5)\n")


def test_an_unexpected_error_is_one_line_and_a_way_to_see_more(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(dsn: str | None) -> None:
        raise ZeroDivisionError("by zero\nand more")

    monkeypatch.setattr("pgpredict.database.connect", explode)

    brief = run("models")
    monkeypatch.setenv("PGPREDICT_TRACEBACK", "1")
    full = run("models")

    assert brief.exit_code == full.exit_code == 1
    assert brief.stderr == (
        "error: unexpected ZeroDivisionError: by zero\n"
        "  do: set PGPREDICT_TRACEBACK=1 to see where, and report it: this is a bug in pgpredict\n"
        "(exit 1)\n"
    )
    assert full.stderr.startswith("Traceback (most recent call last):")
    assert full.stderr.endswith(brief.stderr)


def test_an_interrupted_command_says_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(dsn: str | None) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pgpredict.database.connect", interrupt)

    result = run("models")

    assert result.exit_code == 130
    assert result.stderr == "interrupted\n"
