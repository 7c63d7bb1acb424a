"""A worker needs the rights that docs/worker.md grants, and no other."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from pgpredict.errors import NoRights
from pgpredict.worker import Worker
from tests.pgpredict.worker.conftest import Shop
from tests.pgpredict.worker.processes import Process, until
from tests.pgpredict.worker.shops import arrive, predicted

ROOT = Path(__file__).parents[3]
NAME = "pgpredict_worker"


@pytest.fixture
def role(shop: Shop) -> Iterator[str]:
    """A role without any right, with its name as its password."""
    role = f"{NAME}_{os.getpid()}"
    shop.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{role}'".encode())
    yield role
    shop.execute(f"DROP OWNED BY {role}; DROP ROLE {role}".encode())


@pytest.fixture
def dsn_of_role(dsn: str, role: str) -> str:
    parts = urlsplit(dsn)
    return urlunsplit(parts._replace(netloc=f"{role}:{role}@{parts.netloc.rpartition('@')[2]}"))


def grants() -> list[str]:
    """What the document has an administrator say, without the CREATE ROLE."""
    text = (ROOT / "docs" / "worker.md").read_text(encoding="utf-8")
    block = re.search(r"^```sql\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert block is not None
    create, *grants = (part.strip() for part in block[1].strip().removesuffix(";").split(";"))
    assert create.startswith(f"CREATE ROLE {NAME}")
    return grants


def test_the_documented_rights_suffice(
    shop: Shop,
    role: str,
    dsn_of_role: str,
    new_stream: Callable[..., str],
    start: Callable[..., Process],
) -> None:
    new_stream()
    for grant in grants():
        shop.execute(grant.replace(NAME, role).encode())
    worker = start(dsn=dsn_of_role)
    worker.event("connected", listening=True)

    arrive(shop, 5)

    until(lambda: predicted(shop) == 5)
    worker.event("worked")
    assert worker.stop() == 0
    assert set(worker.names) == {"started", "connected", "worked", "stopping", "stopped"}


@pytest.mark.parametrize("place", range(len(grants())))
def test_without_one_of_them_it_says_which(
    place: int, shop: Shop, role: str, dsn_of_role: str
) -> None:
    for grant in grants()[:place] + grants()[place + 1 :]:
        shop.execute(grant.replace(NAME, role).encode())

    with pytest.raises(NoRights) as refused:
        Worker(dsn_of_role).run()

    assert refused.value.message == f"role {role} may not work on streams"
    for missing in refused.value.details:
        shop.execute(missing.removeprefix("missing: ").encode())
    assert Worker(dsn_of_role, once=True).run() == 0
