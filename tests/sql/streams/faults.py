"""Things that go wrong under a stream `s` of `payments`: how each is broken, and mended again."""

from __future__ import annotations

from dataclasses import dataclass

INPUTS = "amount float8, days float8, region text"


@dataclass(frozen=True)
class Fault:
    """What somebody did, by hand, to a part of a stream; and how he takes it back."""

    broken: str
    mended: str
    # Rows that came meanwhile are known by the whole row, and found again by a backfill only.
    without_key: bool = False


def raising(what: str, result: str, answer: str) -> str:
    """Puts a function that raises for negative amounts in the place of a frozen one."""
    return f"""
        CREATE OR REPLACE FUNCTION predict_versions.{what}({INPUTS}) RETURNS {result}
        LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
        BEGIN
            IF amount < 0 THEN
                RAISE EXCEPTION 'no risk below zero: %', amount USING ERRCODE = 'check_violation';
            END IF;
            RETURN {answer};
        END $$;
    """


RAISES = raising("risk_v1", "text", "'safe'")
# Whoever breaks a version by hand promotes another, for all rows.
PROMOTE = "SELECT pgpredict.promote('risk', 2), pgpredict.backfill_stream('s')"

FAULTS = {
    "a model that raises for every row": Fault(RAISES.replace("amount < 0", "true"), PROMOTE),
    "a version dropped by hand": Fault(
        "DROP FUNCTION predict_versions.risk_v1, predict_versions.risk_v1_proba CASCADE", PROMOTE
    ),
    "a probability dropped by hand": Fault(
        "DROP FUNCTION predict_versions.risk_v1_proba CASCADE", PROMOTE
    ),
    "no queue": Fault("DROP TABLE pgpredict.s_queue", "SELECT pgpredict.maintain('s')"),
    "no clock for wake-ups": Fault(
        "DROP SEQUENCE pgpredict.s_wake", "SELECT pgpredict.maintain('s')"
    ),
    "a live table under another name": Fault(
        "ALTER TABLE predict.s_live RENAME TO elsewhere",
        "ALTER TABLE predict.elsewhere RENAME TO s_live",
    ),
    "a live table that takes nothing": Fault(
        "ALTER TABLE predict.s_live ADD CONSTRAINT nothing CHECK (version = 0) NOT VALID",
        "ALTER TABLE predict.s_live DROP CONSTRAINT nothing",
    ),
    "no log": Fault(
        "ALTER TABLE predict.s_log RENAME TO elsewhere",
        "ALTER TABLE predict.elsewhere RENAME TO s_log",
    ),
    "an input under another name": Fault(
        "ALTER TABLE payments RENAME amount TO euros", "ALTER TABLE payments RENAME euros TO amount"
    ),
    "an input of another type": Fault(
        "DROP FUNCTION predict.risk(payments), predict.risk_proba(payments);"
        "ALTER TABLE payments ALTER days TYPE text USING days || ' days'",
        "ALTER TABLE payments ALTER days TYPE integer USING left(days, -5)::integer;"
        "SELECT pgpredict.promote('risk', 1)",
    ),
    "a key under another name": Fault(
        "ALTER TABLE payments RENAME id TO number",
        "ALTER TABLE payments RENAME number TO id; SELECT pgpredict.backfill_stream('s')",
        without_key=True,
    ),
    "a source under another name": Fault(
        "ALTER TABLE payments RENAME TO moved; CREATE VIEW payments AS TABLE moved",
        "DROP VIEW payments; ALTER TABLE moved RENAME TO payments",
    ),
    "a function of the stream dropped by hand": Fault(
        "DROP FUNCTION pgpredict.s_apply", "SELECT pgpredict.build_stream('s')"
    ),
}
