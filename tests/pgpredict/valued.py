"""Databases with 200 customers and a model of their value: v1 is live, v2 answers twice as much."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

import pgpredict
from tests.pgpredict.database.models import CUSTOMERS, customers, value
from tests.postgres import Server, fresh_database

_numbers = itertools.count(1)


def deployed(template: Callable[[Server], str]) -> Iterator[Callable[[Server], str]]:
    """Makes of the fixture `template` one whose databases have all that: no test has to deploy."""
    with ExitStack() as until_the_end:

        @cache
        def copied(server: Server) -> str:
            name = f"pgpredict_test_valued_{os.getpid()}_{next(_numbers)}"
            dsn = until_the_end.enter_context(fresh_database(server, name, template(server)))
            with pgpredict.connect(dsn) as db:
                with db.connection() as connection:
                    connection.execute(CUSTOMERS)
                db.deploy("value", value(), customers(), source="customers")
                db.deploy("value", value(slope=2.0), customers())
            return name

        yield copied
