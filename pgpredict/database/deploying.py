"""One model into the database: transpiled before it is touched, then all or nothing."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

import numpy as np
import pandas as pd
from psycopg import Cursor
from psycopg.types.json import Jsonb

from pgpredict.database.contract import contract_of
from pgpredict.database.golden import Golden, golden_rows
from pgpredict.database.mismatch import mismatch
from pgpredict.database.modelbytes import ModelFile, model_bytes
from pgpredict.database.queries import query
from pgpredict.database.records import Deployment, GoldenRow
from pgpredict.errors import InvalidSample, PgpredictError, UnsupportedEstimator
from pgpredict_transpiler import Program, transpile
from pgpredict_transpiler.sample import as_frame

# Postgres takes at most 100 arguments. Beyond them only a form by row would do, and it is not
# there yet.
MOST_INPUTS = 100

# Names of arguments are identifiers: Postgres cuts off what is longer, silently.
LONGEST_NAME = 63

Form = Literal["inline", "block"]
FORMS = get_args(Form)

Row = dict[str, Any]


@dataclass(frozen=True)
class Prepared:
    """All that is known of a version before the database is touched."""

    model: str
    program: Program
    form: Form
    golden: list[Golden]
    contract: dict[str, Any]
    metrics: dict[str, Any]
    file: ModelFile

    @property
    def signature(self) -> list[dict[str, str]]:
        """The inputs in the order of the arguments."""
        return [{"name": i.name, "type": i.type} for i in self.program.inputs]

    @property
    def probability_type(self) -> str | None:
        """What the second function returns; None: there is none."""
        return self.program.probability_type if self.program.has_probabilities else None

    def functions(self, version: int | str) -> list[str]:
        """The CREATE FUNCTION statements."""
        name = f"{self.model}_v{version}"
        texts = [self.program.create_function(name, output="prediction", form=self.form)]
        if self.program.has_probabilities:
            proba = f"{name}_proba"
            texts.append(self.program.create_function(proba, output="probability", form=self.form))
        return texts


def prepare(
    name: str,
    model: object,
    sample: pd.DataFrame,
    *,
    metrics: Mapping[str, Any] | None,
    form: str | None,
    model_file: tuple[bytes, str] | None,
) -> Prepared:
    """Transpile a model and ask it about the sample. No database.

    Raises:
        UnsupportedEstimator, NotFitted, InvalidSample: as `transpile` does; also for a model that
            predicts nothing, and for inputs that Postgres cannot take as arguments.
    """
    program = transpile(model, sample)
    if program.kind == "transformer":
        raise UnsupportedEstimator(
            type(model).__name__, "model", "it transforms and predicts nothing; see Program.to_sql"
        )
    _check_inputs([i.name for i in program.inputs])
    if form is not None and form not in FORMS:
        raise PgpredictError(f"there is no form {form!r}", do=f"choose one of {', '.join(FORMS)}")
    frame = as_frame(sample)
    return Prepared(
        model=name,
        program=program,
        form=cast("Form | None", form) or program.choose_form(),
        golden=golden_rows(model, frame, program.inputs),
        contract=contract_of(frame, program.inputs),
        metrics={str(key): _plain(value) for key, value in (metrics or {}).items()},
        file=model_bytes(model, model_file),
    )


def store(
    cursor: Cursor[Row], new: Prepared, *, source: str | None, promote: bool | None
) -> Deployment:
    """Create, check and record a version, in the transaction that is open.

    Raises:
        GoldenRowMismatch: a function answers otherwise than Python; the caller's rollback undoes
            everything.
        SignatureChanged: it was to go live, and something uses aliases that would change.
    """
    names = {"model": new.model, "signature": Jsonb(new.signature), "source": source}
    if source is not None:
        source = _value(cursor, "check_source", names)
    version = _value(cursor, "next_version", names)
    if source is None:
        source = _value(cursor, "inherited_source", names)
    texts = new.functions(version)
    _create(cursor, texts)
    _insert(cursor, new, version, texts, source)
    key = {"model": new.model, "version": version}
    result = _run_golden_rows(cursor, key, [i.name for i in new.program.inputs])
    cursor.execute(query("label_frozen"), key)
    detail = {"form": new.form, "rows": result["rows"], "max_difference": result["max_difference"]}
    cursor.execute(query("record"), {**key, "what": "deploy", "detail": Jsonb(detail)})
    live = promote or (promote is None and version == 1)
    if live:
        cursor.execute(query("promote"), key)
    return Deployment(
        **key,
        live=live,
        description=new.program.description,
        kind=new.program.kind,
        inputs=len(new.program.inputs),
        form=new.form,
        microseconds=new.program.microseconds(new.form),
        sql_bytes=_size(texts),
        rows=result["rows"],
        max_difference=result["max_difference"],
        source=source,
        calls=_calls(new, version, live=live, source=source),
        model_format=new.file.format,
        notes=new.file.notes,
    )


def _create(cursor: Cursor[Row], texts: list[str]) -> None:
    path = _value(cursor, "pin_search_path", {})
    for text in texts:
        cursor.execute(text)
    cursor.execute(query("set_search_path"), {"path": path})


def _insert(
    cursor: Cursor[Row], new: Prepared, version: int, texts: list[str], source: str | None
) -> None:
    body = "\n".join(texts).replace(f"{new.model}_v{version}", "")
    cursor.execute(
        query("insert_version"),
        {
            "model": new.model,
            "version": version,
            "kind": new.program.kind,
            "description": new.program.description,
            "signature": Jsonb(new.signature),
            "contract": Jsonb(new.contract),
            "label_type": new.program.label_type,
            "probability_type": new.probability_type,
            "classes": Jsonb([_plain(label) for label in new.program.classes]),
            "form": new.form,
            "sql_bytes": _size(texts),
            "body_hash": hashlib.sha256(body.encode()).hexdigest(),
            "metrics": Jsonb(new.metrics),
            "source": source,
            "model_file": new.file.content,
            "model_format": new.file.format,
        },
    )
    with cursor.copy(query("copy_golden_rows")) as copy:
        for number, row in enumerate(new.golden):
            copy.write_row(
                (new.model, version, number, Jsonb(row.inputs), row.prediction, row.probability)
            )


def _run_golden_rows(cursor: Cursor[Row], key: dict[str, Any], inputs: list[str]) -> Row:
    result = cursor.execute(query("verify"), key).fetchone()
    assert result is not None
    if result["differing"]:
        worst = cursor.execute(query("worst_rows"), {**key, "at_most": 5}).fetchall()
        for row in worst:
            # jsonb does not keep the order of keys.
            row["inputs"] = {name: row["inputs"][name] for name in inputs}
        raise mismatch(key["model"], result, [GoldenRow(**row) for row in worst])
    return result


def _check_inputs(names: list[str]) -> None:
    if len(names) > MOST_INPUTS:
        raise InvalidSample(
            f"the model takes {len(names)} inputs, a Postgres function at most {MOST_INPUTS}",
            do="select fewer features; a form that takes a whole row is not there yet",
        )
    for name in names:
        if not 0 < len(name.encode("utf-8", "replace")) <= LONGEST_NAME or "\x00" in name:
            raise InvalidSample(
                f"column {name!r} cannot be the name of an argument in Postgres",
                do=f"use 1 to {LONGEST_NAME} bytes",
            )


def _plain(value: Any) -> Any:
    """A number, text or boolean as JSON has it; JSON has no NaN and no infinity."""
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    raise PgpredictError(
        f"a metric is a {type(value).__name__}", do="give numbers, texts or booleans"
    )


def _calls(new: Prepared, version: int, *, live: bool, source: str | None) -> tuple[str, ...]:
    name = f"predict.{new.model}" if live else f"predict_versions.{new.model}_v{version}"
    given = [i.name for i in new.program.inputs]
    arguments = ", ".join(given if len(given) <= 5 else [*given[:4], "…"])
    if live and source is not None:
        arguments = source
    suffixes = ("", "_proba") if new.program.has_probabilities else ("",)
    return tuple(f"{name}{suffix}({arguments})" for suffix in suffixes)


def _size(texts: list[str]) -> int:
    return sum(len(text.encode()) for text in texts)


def _value(cursor: Cursor[Row], name: str, parameters: dict[str, Any]) -> Any:
    row = cursor.execute(query(name), parameters).fetchone()
    return None if row is None else next(iter(row.values()))
