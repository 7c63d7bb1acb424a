"""Just enough of the protocol of logical replication to read rows of one table out of a slot."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import NamedTuple


class Change(NamedTuple):
    """A row that was inserted, updated or deleted, as text; of a deleted one the key alone."""

    kind: str
    table: str
    row: dict[str, str | None]


@dataclass
class Reader:
    """Reads messages in the order in which they come: tables are described before their rows."""

    tables: dict[int, tuple[str, list[str]]] = field(default_factory=dict)

    def read(self, messages: list[bytes]) -> list[Change]:
        changes = []
        for message in messages:
            kind, body = chr(message[0]), message[1:]
            if kind == "R":
                self._describe(body)
            elif kind in "IUD":
                changes.append(self._change(kind, body))
            elif kind == "T":
                changes.append(Change("T", "", {}))
        return changes

    def _describe(self, body: bytes) -> None:
        relation = _integer(body[:4])
        schema, table, rest = body[4:].split(b"\0", 2)
        columns, rest = [], rest[3:]  # which identifies a row, and how many columns there are
        while rest:
            name, rest = rest[1:].split(b"\0", 1)  # a flag before, type and modifier after
            columns.append(name.decode())
            rest = rest[8:]
        self.tables[relation] = (f"{schema.decode()}.{table.decode()}", columns)

    def _change(self, kind: str, body: bytes) -> Change:
        table, columns = self.tables[_integer(body[:4])]
        rest = body[4:]
        row: dict[str, str | None] = {}
        while rest:  # an old row, if the key changed, and the new one
            row, rest = _row(columns, rest[3:])
        return Change(kind, table, row)


def _row(columns: list[str], rest: bytes) -> tuple[dict[str, str | None], bytes]:
    row: dict[str, str | None] = {}
    for column in columns:
        kind, rest = rest[:1], rest[1:]
        row[column] = None
        if kind == b"t":
            end = 4 + _integer(rest[:4])
            row[column], rest = rest[4:end].decode(), rest[end:]
    return row, rest


def _integer(four_bytes: bytes) -> int:
    return int(struct.unpack("!I", four_bytes)[0])
