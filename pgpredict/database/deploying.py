"""One model into the database, in one transaction: all or nothing."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

from psycopg import Cursor
from psycopg.types.json import Jsonb

from pgpredict.database.mismatch import mismatch
from pgpredict.database.prepared import Prepared, plain
from pgpredict.database.queries import query
from pgpredict.database.records import Deployment, GoldenRow

Row = dict[str, Any]


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
    _create(cursor, new.functions(version))
    _insert(cursor, new, version, source)
    key = {"model": new.model, "version": version}
    result = _run_golden_rows(cursor, key, [i.name for i in new.program.inputs])
    cursor.execute(query("label_frozen"), key)
    detail = {"form": new.form, "rows": result["rows"], "max_difference": result["max_difference"]}
    cursor.execute(query("record"), {**key, "what": "deploy", "detail": Jsonb(detail)})
    live = promote or (promote is None and version == 1)
    notes = (*new.notes, *(_promote(cursor, key) if live else ()))
    return Deployment(
        **key,
        live=live,
        description=new.program.description,
        kind=new.program.kind,
        inputs=len(new.program.inputs),
        form=new.form,
        microseconds=new.microseconds,
        sql_bytes=new.sql_bytes,
        rows=result["rows"],
        max_difference=result["max_difference"],
        source=source,
        calls=_calls(new, version, _value(cursor, "arguments", key), live=live, source=source),
        model_format=new.file.format,
        notes=notes,
    )


def _create(cursor: Cursor[Row], texts: list[str]) -> None:
    path = _value(cursor, "pin_search_path", {})
    for text in texts:
        cursor.execute(text)
    cursor.execute(query("set_search_path"), {"path": path})


def _insert(cursor: Cursor[Row], new: Prepared, version: int, source: str | None) -> None:
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
            "classes": Jsonb([plain(label) for label in new.program.classes]),
            "form": new.form,
            "sql_bytes": new.sql_bytes,
            "body_hash": new.body_hash,
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
    with cursor.copy(query("copy_baselines")) as copy:
        for position, baseline in enumerate(new.baselines, 1):
            copy.write_row((new.model, version, position, *astuple(baseline)))


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


def _promote(cursor: Cursor[Row], key: dict[str, Any]) -> list[str]:
    cursor.execute(query("promote"), key)
    lost = cursor.execute(query("lost_rows"), key).fetchone()
    if lost is None or lost["source"] is None:
        return []
    return [f"predict.{key['model']} takes no rows of {lost['source']}: {lost['because']}"]


def _calls(
    new: Prepared, version: int, given: list[str], *, live: bool, source: str | None
) -> tuple[str, ...]:
    name = f"predict.{new.model}" if live else f"predict_versions.{new.model}_v{version}"
    arguments = ", ".join(given if len(given) <= 5 else [*given[:4], "…"])
    if live and source is not None:
        arguments = source
    suffixes = ("", "_proba") if new.program.has_probabilities else ("",)
    return tuple(f"{name}{suffix}({arguments})" for suffix in suffixes)


def _value(cursor: Cursor[Row], name: str, parameters: dict[str, Any]) -> Any:
    row = cursor.execute(query(name), parameters).fetchone()
    return None if row is None else next(iter(row.values()))
