"""What `connect` accepts, and what it says when nobody lets it in."""

from __future__ import annotations

import socket
import traceback
from types import SimpleNamespace
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import sqlalchemy

import pgpredict
from pgpredict.errors import DatabaseError, NoServer
from pgpredict.server import EmbeddedServer, ServerStatus
from tests.pgpredict.database.models import customers, value


def _changed(dsn: str, **parts: str) -> str:
    url = urlsplit(dsn)
    user, password, host = url.username, url.password, url.hostname
    given = {"user": user, "password": password, "port": str(url.port)} | parts
    netloc = f"{given['user']}:{given['password']}@{host}:{given['port']}"
    return urlunsplit(url._replace(netloc=netloc, path=parts.get("path", url.path)))


def test_dsn(installed_dsn: str) -> None:
    assert pgpredict.connect(installed_dsn).models() == []


def test_dsn_as_key_value_pairs(installed_dsn: str) -> None:
    pairs = psycopg.conninfo.make_conninfo(installed_dsn)
    assert pgpredict.connect(pairs).models() == []


@pytest.mark.parametrize("driver", ["postgresql+psycopg", "postgresql+asyncpg"])
def test_dsn_as_sqlalchemy_writes_it(installed_dsn: str, driver: str) -> None:
    assert pgpredict.connect(installed_dsn.replace("postgresql", driver, 1)).models() == []


def test_psycopg_connection_stays_open(installed_dsn: str) -> None:
    with psycopg.connect(installed_dsn) as mine:
        with pgpredict.connect(mine) as db:
            db.deploy("value", value(), customers())
        assert mine.execute("SELECT predict.value(1, 2)").fetchone() == (pytest.approx(3),)


def test_sqlalchemy_engine_gets_its_connection_back(installed_dsn: str) -> None:
    url = sqlalchemy.make_url(installed_dsn).set(drivername="postgresql+psycopg")
    engine = sqlalchemy.create_engine(url, pool_size=1, max_overflow=0, pool_timeout=1)
    with pgpredict.connect(engine) as db:
        db.deploy("value", value(), customers())
    with engine.connect() as connection:
        three = connection.scalar(sqlalchemy.select(sqlalchemy.func.predict.value(1, 2)))
        assert three == pytest.approx(3)
    engine.dispose()


def test_sqlalchemy_engine_with_another_driver(installed_dsn: str) -> None:
    """Its driver is not used: only where it would go, and as whom."""
    url = sqlalchemy.make_url(installed_dsn).set(drivername="postgresql+pg8000")
    driver = SimpleNamespace(paramstyle="format", __version__="1.31.2")
    engine = sqlalchemy.create_engine(url, module=driver)
    assert pgpredict.connect(engine).models() == []
    engine.dispose()


def test_dsn_in_the_environment(installed_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPREDICT_DSN", installed_dsn)
    assert pgpredict.connect().models() == []


def test_embedded_server_without_any_target(
    installed_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PGPREDICT_DSN", raising=False)
    started: list[EmbeddedServer] = []

    def start(self: EmbeddedServer) -> ServerStatus:
        started.append(self)
        return ServerStatus(running=True, path=self.path, dsn=installed_dsn)

    monkeypatch.setattr(EmbeddedServer, "start", start)
    assert pgpredict.connect().models() == []
    assert len(started) == 1


def test_what_connect_opened_is_closed_with_it(installed_dsn: str) -> None:
    db = pgpredict.connect(installed_dsn)
    with db.connection() as connection:
        pass
    with db:
        pass
    assert connection.closed
    with pytest.raises(NoServer, match="the connection to the database is lost"):
        db.models()


def test_connection_that_is_closed(installed_dsn: str) -> None:
    with psycopg.connect(installed_dsn) as mine:
        pass
    with pytest.raises(NoServer, match="the connection is closed"):
        pgpredict.connect(mine)


@pytest.mark.parametrize("target", [5, b"postgresql://", ["a"]])
def test_target_that_is_none(target: object) -> None:
    with pytest.raises(DatabaseError, match="pass a DSN, a SQLAlchemy engine"):
        pgpredict.connect(target)  # type: ignore[arg-type]


def test_engine_of_another_database() -> None:
    with pytest.raises(DatabaseError, match="connects to sqlite, not to Postgres"):
        pgpredict.connect(sqlalchemy.create_engine("sqlite://"))


def test_no_server() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(NoServer) as caught:
            pgpredict.connect(f"postgresql://me:hush@127.0.0.1:{port}/shop")
    assert caught.value.message == f"cannot connect to 127.0.0.1, port {port}, database shop"
    assert caught.value.why == "Connection refused"


def test_no_host_of_this_name() -> None:
    with pytest.raises(NoServer, match=r"cannot connect to nowhere\.invalid, port 5432"):
        pgpredict.connect("postgresql://me:hush@nowhere.invalid/shop")


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"password": "hush-wrong"}, "password authentication failed for user"),
        ({"user": "nobody-here"}, "authentication failed for user|does not exist"),
        ({"path": "/no_such_database"}, 'database "no_such_database" does not exist'),
    ],
)
def test_server_that_does_not_let_us_in(dsn: str, parts: dict[str, str], why: str) -> None:
    target = _changed(dsn, **parts)
    with pytest.raises(NoServer, match=why) as caught:
        pgpredict.connect(target)
    assert f"port {urlsplit(target).port}" in caught.value.message
    _no_password_in(caught.value, str(urlsplit(target).password))


def test_engine_that_is_not_let_in(dsn: str) -> None:
    url = sqlalchemy.make_url(_changed(dsn, password="hush-wrong"))
    engine = sqlalchemy.create_engine(url.set(drivername="postgresql+psycopg"))
    with pytest.raises(NoServer, match="password authentication failed") as caught:
        pgpredict.connect(engine)
    _no_password_in(caught.value, "hush-wrong")


@pytest.mark.parametrize(
    "target",
    [
        "postgresql://me:hush-hush@h:port/shop",
        "postgresql://me:hush-hush@wo@rd:hush-hush/shop",
        "host=h password='hush-hush",
        "hush-hush",
        "postgresql://me@h/shop?hush-hush=1",
    ],
)
def test_dsn_that_cannot_be_read(target: str) -> None:
    with pytest.raises(NoServer, match="the DSN cannot be read") as caught:
        pgpredict.connect(target)
    _no_password_in(caught.value, "hush-hush")


def _no_password_in(error: BaseException, password: str) -> None:
    assert password not in str(error)
    assert password not in "".join(traceback.format_exception(error, limit=0))


def test_server_that_goes_away(installed_dsn: str) -> None:
    db = pgpredict.connect(installed_dsn)
    db.models()
    with psycopg.connect(installed_dsn, autocommit=True) as other, db.connection() as mine:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [mine.info.backend_pid])
    with pytest.raises(NoServer, match="the connection to the database is lost"):
        db.models()
