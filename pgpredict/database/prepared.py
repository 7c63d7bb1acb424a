"""What is known of a new version before the database is touched."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast, get_args

import numpy as np
import pandas as pd

from pgpredict.database.answers import output_baselines
from pgpredict.database.baseline import Baseline, input_baselines
from pgpredict.database.contract import contract_of
from pgpredict.database.golden import Golden, golden_rows
from pgpredict.database.modelbytes import ModelFile, model_bytes
from pgpredict.errors import InvalidSample, PgpredictError, TooLarge, UnsupportedEstimator
from pgpredict_transpiler import Program, transpile
from pgpredict_transpiler.program import Form
from pgpredict_transpiler.sample import as_frame

# Postgres takes at most 100 arguments. Beyond them only a form by row would do, and it is not
# there yet.
MOST_INPUTS = 100

# Names of arguments are identifiers: Postgres cuts off what is longer, silently.
LONGEST_NAME = 63

FORMS = get_args(Form)

# Functions are rendered before anybody knows the version's number, since it takes seconds for a
# large forest, and other deploys of the model would wait.
UNNUMBERED = 0


@dataclass(frozen=True)
class Prepared:
    """All that is known of a version before the database is touched."""

    model: str
    program: Program
    form: Form
    unnumbered: list[str]
    microseconds: float
    golden: list[Golden]
    contract: dict[str, Any]
    baselines: list[Baseline]
    metrics: dict[str, Any]
    file: ModelFile
    native: bool

    @property
    def signature(self) -> list[dict[str, str]]:
        """The inputs in the order of the arguments."""
        return [{"name": i.name, "type": i.type} for i in self.program.inputs]

    @property
    def probability_type(self) -> str | None:
        """What the second function returns; None: there is none."""
        return self.program.probability_type if self.program.has_probabilities else None

    def functions(self, version: int) -> list[str]:
        """The CREATE FUNCTION statements of a version with this number."""
        old, new = self._name(UNNUMBERED), self._name(version)
        return [text.replace(f'"{old}', f'"{new}', 1) for text in self.unnumbered]

    @property
    def body_hash(self) -> str:
        """SHA-256 of the functions; the same for the same model, whatever its number."""
        body = "\n".join(self.unnumbered).replace(self._name(UNNUMBERED), "")
        return hashlib.sha256(body.encode()).hexdigest()

    @property
    def sql_bytes(self) -> int:
        """Size of the functions."""
        return sum(len(text.encode()) for text in self.unnumbered)

    @property
    def notes(self) -> tuple[str, ...]:
        """One line per thing that is not an error."""
        assumed = [name for name, i in self.contract["inputs"].items() if "assumed" in i]
        return (
            *self.file.notes,
            *self._slow,
            *(f"the sample holds no value of {name}: it is taken for text" for name in assumed),
        )

    @property
    def _slow(self) -> tuple[str, ...]:
        if self.form != "nodes" or self.native:
            return ()
        faster = self.program.microseconds("nodes", native=True)
        note = f"its trees are walked in PL/pgSQL, about {self.microseconds:,.0f} us a row"
        return (f"{note}; in C it would be {faster:,.0f}: docs/sql.md tells how",)

    def _name(self, version: int) -> str:
        return f"{self.model}_v{version}"


def prepare(
    name: str,
    model: object,
    sample: pd.DataFrame,
    *,
    metrics: Mapping[str, Any] | None,
    form: str | None,
    model_file: tuple[bytes, str] | None,
    native: bool,
) -> Prepared:
    """Transpile a model and ask it about the sample. No database.

    Args:
        name: of the model.
        model: a fitted estimator.
        sample: rows of its inputs.
        metrics: what was measured.
        form: of the functions; None: the one that is fastest on the server.
        model_file: bytes and format of its file; None: it is written here.
        native: whether the server has the walker of trees in C.

    Raises:
        UnsupportedEstimator, NotFitted, InvalidSample: as `transpile` does; also for a model that
            predicts nothing, and for inputs that Postgres cannot take as arguments.
        PgpredictError: there is no such form, or the model has none.
    """
    if form is not None and form not in FORMS:
        raise PgpredictError(f"there is no form {form!r}", do=f"choose one of {', '.join(FORMS)}")
    program = _program(model, sample, cast("Form | None", form), native=native)
    if program.kind == "transformer":
        raise UnsupportedEstimator(
            type(model).__name__, "model", "it transforms and predicts nothing; see Program.to_sql"
        )
    _check_inputs([i.name for i in program.inputs])
    chosen = cast("Form | None", form) or program.choose_form()
    frame = as_frame(sample)
    golden = golden_rows(model, frame, program.inputs)
    return Prepared(
        model=name,
        program=program,
        form=chosen,
        unnumbered=_render(program, f"{name}_v{UNNUMBERED}", chosen),
        microseconds=program.microseconds(chosen, native=native),
        golden=golden,
        contract=contract_of(frame, program.inputs),
        baselines=[
            *input_baselines(frame, program.inputs),
            *output_baselines(model, frame, program, golden),
        ],
        metrics={str(key): plain(value) for key, value in (metrics or {}).items()},
        file=model_bytes(model, model_file),
        native=native,
    )


def _program(model: object, sample: pd.DataFrame, form: Form | None, *, native: bool) -> Program:
    """The program for a form; without one nodes, where it is faster or nothing else is possible."""
    if form == "nodes":
        return transpile(model, sample, nodes=True)
    try:
        program = transpile(model, sample)
    except TooLarge:
        if form is not None:
            raise
        return transpile(model, sample, nodes=True)
    if form is not None or not native or program.choose_form() == "inline":
        return program
    walked = transpile(model, sample, nodes=True)
    return walked if walked.walks else program


def _render(program: Program, name: str, form: Form) -> list[str]:
    texts = [program.create_function(name, output="prediction", form=form)]
    if program.has_probabilities:
        proba = f"{name}_proba"
        texts.append(program.create_function(proba, output="probability", form=form))
    return texts


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


def plain(value: Any) -> Any:
    """A number, text or boolean as JSON has it; JSON has no NaN and no infinity."""
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    raise PgpredictError(
        f"a metric is a {type(value).__name__}", do="give numbers, texts or booleans"
    )
