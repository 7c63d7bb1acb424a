"""``pgpredict learner rule``: which rows a learner does not learn."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import typer

from pgpredict.cli import screen
from pgpredict.cli.command import add as add_command
from pgpredict.cli.learner_create import LearnerName, LearnerOrAll
from pgpredict.cli.options import Dsn, Json
from pgpredict.cli.refusal import doing

app = typer.Typer(
    help="Say which rows a learner does not learn: they go to quarantine.", no_args_is_help=True
)

RuleName = Annotated[str, typer.Argument(metavar="RULE", help="Name of the rule.")]
Column = Annotated[str, typer.Argument(metavar="COLUMN", help="A column of the table.")]
By = Annotated[
    str, typer.Argument(metavar="COLUMN", help="The column that says whom a row is from.")
]
Numbers = Annotated[
    str, typer.Argument(metavar="COLUMN", help="A column of numbers; NULL in it is learnt.")
]


def add(
    name: LearnerName,
    rule: RuleName,
    condition: Annotated[
        str,
        typer.Argument(
            metavar="CONDITION",
            help="In SQL, a boolean expression of the columns of a row: 'paid_at <= due_at'.",
        ),
    ],
    dsn: Dsn = None,
    json: Json = False,
) -> None:
    """Learn no rows any more for which a condition is false; where it is NULL they are learnt.

    The condition runs with the rights of the owner of pgpredict.
    """
    import pgpredict

    with pgpredict.connect(dsn) as database, doing(f"add the rule to {name}"):
        database.add_rule(name, rule, condition)
    _added(name, rule, json)


def add_range(
    name: LearnerName,
    column: Numbers,
    low: Annotated[
        float | None,
        typer.Option("--low", show_default=False, help="The smallest number that is learnt."),
    ] = None,
    high: Annotated[
        float | None,
        typer.Option("--high", show_default=False, help="The largest number that is learnt."),
    ] = None,
    dsn: Dsn = None,
    json: Json = False,
) -> None:
    """Learn no rows any more in which a number is below one bound or above the other."""
    import pgpredict

    with pgpredict.connect(dsn) as database, doing(f"add the rule to {name}"):
        rule = database.add_range_rule(name, column, low, high)
    _added(name, rule, json)


def add_outlier(
    name: LearnerName,
    column: Numbers,
    at_most: Annotated[
        float,
        typer.Option("--at-most", help="Robust deviations (1.4826 MAD) from the median."),
    ],
    dsn: Dsn = None,
    json: Json = False,
) -> None:
    """Learn no rows any more in which a number is far from those that the table holds now."""
    import pgpredict

    with pgpredict.connect(dsn) as database, doing(f"add the rule to {name}"):
        rule = database.add_outlier_rule(name, column, at_most)
    _added(name, rule, json)


def add_category(
    name: LearnerName,
    column: Column,
    allowed: Annotated[
        list[str],
        typer.Argument(metavar="VALUE...", help="What it may hold, as Postgres writes it as text."),
    ],
    dsn: Dsn = None,
    json: Json = False,
) -> None:
    """Learn no rows any more in which a column holds another value than these; NULL is learnt."""
    import pgpredict

    with pgpredict.connect(dsn) as database, doing(f"add the rule to {name}"):
        rule = database.add_category_rule(name, column, allowed)
    _added(name, rule, json)


def add_null(name: LearnerName, column: Column, dsn: Dsn = None, json: Json = False) -> None:
    """Learn no rows any more in which a column is NULL."""
    import pgpredict

    with pgpredict.connect(dsn) as database, doing(f"add the rule to {name}"):
        rule = database.add_null_rule(name, column)
    _added(name, rule, json)


def add_distance(
    name: LearnerName,
    at_most: Annotated[
        float, typer.Option("--at-most", help="The largest Mahalanobis distance that is learnt.")
    ],
    columns: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[COLUMN...]",
            show_default=False,
            help="Columns of numbers, two or more; all that are learnt from unless given.",
        ),
    ] = None,
    dsn: Dsn = None,
    json: Json = False,
) -> None:
    """Learn no rows any more whose numbers are together far from those that the table holds now."""
    import pgpredict

    with pgpredict.connect(dsn) as database, doing(f"add the rule to {name}"):
        rule = database.add_distance_rule(name, columns or None, at_most=at_most)
    _added(name, rule, json)


def add_rate(
    name: LearnerName,
    by: By,
    at_most: Annotated[
        int, typer.Option("--at-most", min=1, help="Rows of one value in a window of time.")
    ],
    within: Annotated[
        str,
        typer.Option(
            "--within", metavar="TIME", help="How long a window is: 30s, 10min, 1h or 7d."
        ),
    ],
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            metavar="COLUMN",
            show_default=False,
            help="The column that says when a row was; when it is learnt unless given.",
        ),
    ] = None,
    dsn: Dsn = None,
    json: Json = False,
) -> None:
    """Learn at most so many rows with the same value of a column in each window of time."""
    import pgpredict

    window = read_time(within)
    with pgpredict.connect(dsn) as database, doing(f"add the rule to {name}"):
        rule = database.add_rate_rule(name, by, at_most=at_most, within=window, at=at)
    _added(name, rule, json)


def add_flip(
    name: LearnerName,
    by: By,
    at_most: Annotated[
        float,
        typer.Option("--at-most", help="How many times the usual odds are still learnt from."),
    ] = 3,
    memory: Annotated[
        int, typer.Option("--memory", help="Over how many rows of all to count what is usual.")
    ] = 500,
    after: Annotated[
        int, typer.Option("--after", help="How many rows to learn before anything is counted.")
    ] = 1000,
    dsn: Dsn = None,
    json: Json = False,
) -> None:
    """Learn no rows any more of a source whose labels are far too often not what is predicted."""
    import pgpredict

    with pgpredict.connect(dsn) as database, doing(f"add the rule to {name}"):
        rule = database.add_flip_rule(name, by, at_most=at_most, memory=memory, after=after)
    _added(name, rule, json)


def read_time(text: str) -> timedelta:
    """A length of time from the command line: a number and s, min, h or d.

    Raises:
        typer.BadParameter: it is none.

    Example:
        >>> read_time("1.5h")
        datetime.timedelta(seconds=5400)
    """
    units = {"s": 1, "min": 60, "h": 3600, "d": 86400}
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?(s|min|h|d)", text)
    if found is None:
        raise typer.BadParameter(f"{text} is no time: 30s, 10min, 1h, 7d", param_hint="--within")
    return timedelta(seconds=float(found[1]) * units[found[2]])


def rules(
    name: LearnerOrAll = None,
    dsn: Dsn = None,
    json: Json = False,
) -> None:
    """List the rules of a learner, or of all."""
    import pgpredict

    with pgpredict.connect(dsn) as database:
        found = database.rules(name)
    if json:
        screen.answer([asdict(rule) for rule in found])
        return
    screen.table(
        [
            {
                "learner": rule.learner,
                "rule": rule.name,
                "kind": rule.kind,
                "expects": rule.expects,
                "by": rule.created_by,
                "at": rule.created_at,
            }
            for rule in found
        ],
        ["learner", "rule", "kind", "expects", "by", "at"],
        empty="no rules; add one: pgpredict learner rule --help",
    )


def drop(name: LearnerName, rule: RuleName, dsn: Dsn = None, json: Json = False) -> None:
    """Take a rule away. What it put in quarantine stays there: pgpredict learner release."""
    import pgpredict

    with pgpredict.connect(dsn) as database:
        database.drop_rule(name, rule)
    if json:
        screen.answer({"learner": name, "dropped": rule})
    else:
        screen.say(f"{name} has no rule {rule} any more")


def _added(learner: str, rule: str, json: bool) -> None:
    if json:
        screen.answer({"learner": learner, "rule": rule})
    else:
        screen.say(f"{learner} has the rule {rule}: rows that break it go to quarantine")


add_command(app, add)
add_command(app, add_range, name="add-range")
add_command(app, add_outlier, name="add-outlier")
add_command(app, add_category, name="add-category")
add_command(app, add_null, name="add-null")
add_command(app, add_distance, name="add-distance")
add_command(app, add_rate, name="add-rate")
add_command(app, add_flip, name="add-flip")
add_command(app, rules, name="list")
add_command(app, drop)
