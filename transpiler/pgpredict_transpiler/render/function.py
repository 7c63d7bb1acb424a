"""A program as CREATE FUNCTION, in the form inline or block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pgpredict_transpiler import expressions as sql
from pgpredict_transpiler.body import Body, ordinary_conditions
from pgpredict_transpiler.expressions import Expression
from pgpredict_transpiler.program import Form, Output, Program
from pgpredict_transpiler.render.writer import Writer

SCHEMA = "predict_versions"


def create_function(program: Program, name: str, output: Output, form: Form) -> str:
    """The text of CREATE FUNCTION; see `Program.create_function`."""
    writer = Writer("postgres")
    arguments = ", ".join(f"{writer.name(i.name)} {i.type}" for i in program.inputs)
    returns = program.label_type if output == "prediction" else program.probability_type
    head = f"CREATE FUNCTION {SCHEMA}.{writer.name(name)}({arguments}) RETURNS {returns}\n"
    parts = _Parts(program, output, writer)
    if form == "inline":
        return f"{head}LANGUAGE sql IMMUTABLE PARALLEL SAFE\nRETURN {_inline(parts)}"
    body = _block(parts)
    tag = _dollar_tag(body)
    return f"{head}LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS {tag}\n{body}{tag}"


@dataclass(frozen=True)
class _Parts:
    """What both forms are put together from."""

    program: Program
    output: str
    writer: Writer

    @property
    def numbers(self) -> list[str]:
        """The names of the inputs that are numbers."""
        return [i.name for i in self.program.inputs if i.type == "float8"]

    def joined(self, conditions: list[Expression], names: Mapping[str, str] | None = None) -> str:
        """Conditions joined by AND, as text."""
        return self.writer.write(sql.all_of(conditions), names)

    def roots(self, body: Body) -> list[Expression]:
        """The expressions that decide which shared values are needed."""
        return [body.outputs[self.output], *body.value_conditions(self.numbers)]

    def ordinary(self) -> list[Expression]:
        """What makes a row one for the fast body."""
        fast = self.program.ordinary
        limits = fast.input_conditions(self.numbers, ordinary=True)
        return ordinary_conditions(fast, self.numbers) + limits


# inline: one expression, which the planner sees through


def _inline(parts: _Parts) -> str:
    program = parts.program
    without_nan = {
        name: f"nullif({parts.writer.name(name)}, 'NaN'::float8)" for name in parts.numbers
    }
    general = program.general
    demands = general.input_conditions(parts.numbers, ordinary=False)
    slow = _guarded(parts, general, demands, without_nan)
    if not parts.numbers:
        return slow
    fast = _guarded(parts, program.ordinary, [], {})
    return f"CASE WHEN {parts.joined(parts.ordinary())} THEN {fast} ELSE {slow} END"


def _guarded(parts: _Parts, body: Body, demands: list[Expression], names: Mapping[str, str]) -> str:
    """The output with shared values put in, NULL where a demand is not met."""
    texts = dict(names)
    for let in body.needed(parts.roots(body)):
        texts[let.name] = f"({parts.writer.write(let.expression, texts)})"
    result = parts.writer.write(body.outputs[parts.output], texts)
    conditions = demands + body.value_conditions(parts.numbers)
    return (
        f"CASE WHEN {parts.joined(conditions, texts)} THEN {result} END" if conditions else result
    )


# block: PL/pgSQL, parsed once per session; its plan for unusual rows is made when the first one
# comes


def _block(parts: _Parts) -> str:
    ordinary_body, general_body = parts.program.ordinary, parts.program.general
    slow = _steps(parts, general_body)
    # A model that only compares has one body, which may be megabytes of text: written once.
    fast = slow if ordinary_body is general_body else _steps(parts, ordinary_body)
    variables = dict(fast.variables) | dict(slow.variables)
    declare = "".join(f"  {name} {sql_type};\n" for name, sql_type in variables.items())
    head = f"DECLARE\n{declare}BEGIN\n" if declare else "BEGIN\n"
    if not parts.numbers:
        return f"{head}{slow.text}END;\n"
    ordinary = parts.joined(parts.ordinary())
    if fast.text == slow.text:
        unusual = f"  IF ({ordinary}) IS NOT TRUE THEN\n{_normalise(parts)}  END IF;\n"
        return f"{head}{unusual}{slow.text}END;\n"
    return f"{head}  IF {ordinary} THEN\n{fast.text}  END IF;\n{_normalise(parts)}{slow.text}END;\n"


@dataclass(frozen=True)
class _Steps:
    variables: tuple[tuple[str, str], ...]
    text: str


def _steps(parts: _Parts, body: Body) -> _Steps:
    """Shared values, then what they have to be, then the result."""
    lets = body.needed(parts.roots(body))
    lines = [
        f"  {parts.writer.name(let.name)} := {parts.writer.write(let.expression)};\n"
        for let in lets
    ]
    conditions = body.value_conditions(parts.numbers)
    if conditions:
        lines.append(
            f"  IF ({parts.joined(conditions)}) IS NOT TRUE THEN\n    RETURN NULL;\n  END IF;\n"
        )
    lines.append(f"  RETURN {parts.writer.write(body.outputs[parts.output])};\n")
    variables = tuple((parts.writer.name(let.name), let.type) for let in lets)
    return _Steps(variables, "".join(lines))


def _normalise(parts: _Parts) -> str:
    """NaN becomes NULL, and rows at which Python raises end here."""
    names = [parts.writer.name(name) for name in parts.numbers]
    lines = [f"  {name} := nullif({name}, 'NaN'::float8);\n" for name in names]
    demands = parts.program.general.input_conditions(parts.numbers, ordinary=False)
    if demands:
        lines.append(
            f"  IF ({parts.joined(demands)}) IS NOT TRUE THEN\n    RETURN NULL;\n  END IF;\n"
        )
    return "".join(lines)


def _dollar_tag(body: str) -> str:
    number = 0
    while (tag := f"$model{number or ''}$") in body:
        number += 1
    return tag
