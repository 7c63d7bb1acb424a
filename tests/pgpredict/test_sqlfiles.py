from __future__ import annotations

from pgpredict import sqlfiles


def test_the_checkout_has_its_sql_beside_the_package() -> None:
    assert any(sqlfiles.folder().rglob("*.sql"))
