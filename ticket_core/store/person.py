"""One person at a time: whoever writes about a person holds that person's lock and sees all that was said before."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, delete, func, select

from ticket_core.decide.repeat import Past
from ticket_core.model import Ticket
from ticket_core.store import many
from ticket_core.store.clock import from_us
from ticket_core.store.rows import ticket_of
from ticket_core.store.schema import contact, linked, ticket
from ticket_core.store.tx import Tx

#: Of one identity no more statements are looked at than these, the newest: so many within the window, and so many older
#: ones of open tickets. Whoever sends thousands costs others nothing, and hides nobody's history.
_MOST_EACH = 200


@lru_cache(maxsize=4096)
def who(key: str) -> int:
    """The 64-bit hash under which an identity is found."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), signed=True)


@dataclass(slots=True)
class People:
    """The people of a batch, locked, with their history; grows while the batch goes on."""

    linked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    past: dict[str, list[Past]] = field(default_factory=dict)
    tickets: dict[int, Ticket] = field(default_factory=dict)
    tickets_of: dict[str, set[int]] = field(default_factory=dict)

    def same_person(self, keys: Iterable[str]) -> tuple[str, ...]:
        """These identities and those an agent has linked with them."""
        return tuple(dict.fromkeys(other for key in keys for other in self.linked.get(key, (key,))))


def lock_people(tx: Tx, keys: Collection[str], window: timedelta, instants: Sequence[int]) -> People:
    """Lock these identities and load their history: complaints within `window` of `instants` (µs), and open tickets."""
    if not keys:
        return People()
    connection = tx.connection
    groups = linked_with(connection, keys)
    everyone = {other: who(other) for key in keys for other in groups.get(key, (key,))}
    _lock(connection, everyone.values())
    people = People(linked=groups)
    _load_history(connection, everyone, people, window, instants)
    return people


def _lock(connection: Connection, hashes: Iterable[int]) -> None:
    """Wait until nobody else writes about these people; all lock in one order. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        wanted = many.numbers("postgresql")
        query = select(func.pg_advisory_xact_lock(wanted.c.value))
        connection.execute(query, many.values(connection, sorted(hashes)))


def linked_with(connection: Connection, keys: Collection[str]) -> dict[str, tuple[str, ...]]:
    """For each of `keys` that an agent has linked: all identities of that person, itself included."""
    groups: dict[int, list[str]] = {}
    for key, person in connection.execute(_linked_query(connection.dialect.name), many.values(connection, keys)):
        groups.setdefault(person, []).append(key)
    return {key: tuple(group) for group in groups.values() for key in group}


@lru_cache
def _linked_query(dialect: str) -> Select[str, int]:
    wanted = many.texts(dialect)
    mine = linked.alias("mine")
    persons = select(mine.c.person).select_from(wanted).join(mine, mine.c.key == wanted.c.value)
    return select(linked.c.key, linked.c.person).where(linked.c.person.in_(persons)).order_by(linked.c.key)


def _load_history(
    connection: Connection, everyone: Mapping[str, int], people: People, window: timedelta, instants: Sequence[int]
) -> None:
    reach = window // timedelta(microseconds=1)
    first, last = min(instants) - reach, max(instants) + reach
    keys = {hashed: key for key, hashed in everyone.items()}
    given = {"first": first, "last": last, "most": _MOST_EACH, **many.values(connection, keys)}
    for row in connection.execute(_history_query(connection.dialect.name), given):
        _remember(row, keys[row.who], people, near=first <= row.said_at <= last)


@lru_cache
def _history_query(dialect: str) -> Select[Any]:
    """Complaints lodged between `first` and `last` by any of these people, and all their open tickets."""
    wanted = many.numbers(dialect)
    near = contact.c.lodged_at.between(bindparam("first"), bindparam("last"))
    newest_first = (contact.c.lodged_at.desc(), contact.c.ticket_id.desc(), contact.c.seq.desc())
    said = (
        select(contact, func.row_number().over(partition_by=(contact.c.who, near), order_by=newest_first).label("nth"))
        .select_from(wanted)
        .join(contact, contact.c.who == wanted.c.value)
        .join(ticket, ticket.c.id == contact.c.ticket_id)
        .where(near | (ticket.c.open == 1))
        .subquery("said")
    )
    return (
        select(
            said.c.who,
            said.c.lodged_at.label("said_at"),
            said.c.seq,
            said.c.counts,
            said.c.channel.label("said_on"),
            ticket,
        )
        .select_from(said)
        .join(ticket, ticket.c.id == said.c.ticket_id)
        .where(said.c.nth <= bindparam("most"))
    )


def _remember(row: Row[Any], key: str, people: People, *, near: bool) -> None:
    known = people.tickets.get(row.id)
    if known is None:
        known = people.tickets[row.id] = ticket_of(row)
    if key not in known.identities:
        return  # found by its service number, or another identity of the same hash
    people.tickets_of.setdefault(key, set()).add(row.id)
    if row.counts and near:
        past = Past(ticket_id=row.id, seq=row.seq, lodged_at=from_us(row.said_at), channel=row.said_on, identity=key)
        people.past.setdefault(key, []).append(past)


def link_identities(tx: Tx, keys: Collection[str]) -> None:
    """Say that these identities are one person's; whatever was linked with any of them before is included."""
    groups = linked_with(tx.connection, keys)
    everyone = sorted({other for key in keys for other in groups.get(key, (key,))})
    _lock(tx.connection, [who(key) for key in everyone])
    tx.connection.execute(delete(linked).where(linked.c.key.in_(everyone)))
    person = tx.next_id("person")  # fresh: what is taken out of a group must not bring it along when linked again
    tx.insert(linked, [(key, person) for key in everyone])


def unlink_identity(tx: Tx, key: str) -> None:
    """Take one identity out of its group again."""
    tx.connection.execute(delete(linked).where(linked.c.key == key))
